# Finds a BLAS with the C interface and makes it the target `blas`. native/engine/blas.h includes its header.
set(CHAINRULE_BLAS "auto" CACHE STRING "Which BLAS: auto, openblas, accelerate, mkl, blis, cblas or plain")

include(CheckCXXSourceCompiles)
find_package(PkgConfig QUIET)
if(PKG_CONFIG_FOUND AND NOT CMAKE_CROSSCOMPILING)
  pkg_check_modules(OPENBLAS QUIET openblas)
endif()

# Takes a header's folder and a library as `blas`, if a program links with them.
function(chainrule_try_blas name include library)
  if(TARGET blas OR NOT CHAINRULE_BLAS MATCHES "^(auto|${name})$" OR NOT include OR NOT library)
    return()
  endif()
  string(TOUPPER ${name} id)
  set(libraries "${library}" Threads::Threads ${CMAKE_DL_LIBS})
  if(NOT APPLE)
    list(APPEND libraries m)
  endif()
  set(CMAKE_REQUIRED_FLAGS "-std=c++20")
  set(CMAKE_REQUIRED_INCLUDES "${include}" "${PROJECT_SOURCE_DIR}/native")
  set(CMAKE_REQUIRED_DEFINITIONS -DCHAINRULE_BLAS_${id})
  set(CMAKE_REQUIRED_LIBRARIES ${libraries})
  set(CMAKE_REQUIRED_QUIET ON)
  check_cxx_source_compiles("
    #include \"engine/blas.h\"
    int main() {
      float a = 1;
      chainrule::use_one_blas_thread();
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, 1, 1, 1, a, &a, 1, &a, 1, a, &a, 1);
    }" CHAINRULE_${id}_LINKS)
  if(NOT CHAINRULE_${id}_LINKS)
    return()
  endif()
  message(STATUS "BLAS: ${name}, ${library}")
  add_library(blas INTERFACE)
  target_include_directories(blas SYSTEM INTERFACE "${include}")
  target_compile_definitions(blas INTERFACE CHAINRULE_BLAS_${id})
  target_link_libraries(blas INTERFACE ${libraries})
endfunction()

# Looks for a BLAS: chainrule_find_blas(<name> HEADER <file> LIBRARIES <names> [HINTS <folders>] [FOLDERS <subfolders>])
function(chainrule_find_blas name)
  cmake_parse_arguments(ARG "" "HEADER" "LIBRARIES;HINTS;FOLDERS" ${ARGN})
  if(CHAINRULE_STATIC)
    list(TRANSFORM ARG_LIBRARIES REPLACE "(.+)" "lib\\1.a" OUTPUT_VARIABLE archives)
    list(PREPEND ARG_LIBRARIES ${archives})
  endif()
  string(TOUPPER ${name} id)
  find_path(CHAINRULE_${id}_INCLUDE ${ARG_HEADER} HINTS ${ARG_HINTS} PATH_SUFFIXES include ${ARG_FOLDERS})
  find_library(CHAINRULE_${id}_LIBRARY NAMES ${ARG_LIBRARIES} HINTS ${ARG_HINTS} PATH_SUFFIXES lib ${ARG_FOLDERS})
  chainrule_try_blas(${name} "${CHAINRULE_${id}_INCLUDE}" "${CHAINRULE_${id}_LIBRARY}")
endfunction()

# openblas_config.h tells OpenBLAS's own cblas.h from others of that name.
chainrule_find_blas(openblas HEADER openblas_config.h LIBRARIES openblas openblasp
  HINTS $ENV{OpenBLAS_HOME} $ENV{OPENBLAS_HOME} ${OPENBLAS_INCLUDE_DIRS} ${OPENBLAS_LIBRARY_DIRS}
    /opt/homebrew/opt/openblas /usr/local/opt/openblas
  FOLDERS openblas-pthread openblas)
if(APPLE)
  find_library(CHAINRULE_ACCELERATE_LIBRARY Accelerate)
  chainrule_try_blas(accelerate "${PROJECT_SOURCE_DIR}/native" "${CHAINRULE_ACCELERATE_LIBRARY}")
  if(TARGET blas AND CMAKE_CROSSCOMPILING)
    # On a Mac the compiler knows where frameworks are.
    get_filename_component(frameworks "${CHAINRULE_ACCELERATE_LIBRARY}" DIRECTORY)
    target_compile_options(blas INTERFACE "-F${frameworks}")
  endif()
endif()
chainrule_find_blas(mkl HEADER mkl.h LIBRARIES mkl_rt HINTS $ENV{MKLROOT} FOLDERS mkl intel64)
chainrule_find_blas(blis HEADER blis.h LIBRARIES blis blis-mt FOLDERS blis blis-pthread)
chainrule_find_blas(cblas HEADER cblas.h LIBRARIES cblas blas FOLDERS cblas)

# Without one, the few routines that the addon calls are compiled along.
if(NOT TARGET blas AND CHAINRULE_BLAS MATCHES "^(auto|plain)$")
  message(STATUS "BLAS: none; native/blas in its place")
  add_library(plain_blas OBJECT native/blas/cblas.cc)
  target_compile_features(plain_blas PRIVATE cxx_std_20)
  target_compile_options(plain_blas PRIVATE -O3)
  set_target_properties(plain_blas PROPERTIES POSITION_INDEPENDENT_CODE ON CXX_VISIBILITY_PRESET hidden)
  add_library(blas INTERFACE)
  target_include_directories(blas SYSTEM INTERFACE native/blas)
  target_compile_definitions(blas INTERFACE CHAINRULE_BLAS_PLAIN)
  set(blas_objects $<TARGET_OBJECTS:plain_blas>)
endif()

if(NOT TARGET blas)
  message(FATAL_ERROR "chainrule found no BLAS with the C interface (cblas.h) of the kind that CHAINRULE_BLAS asks for: "
    "${CHAINRULE_BLAS}. OpenBLAS is the one to have:\n"
    "  Debian, Ubuntu:  apt-get install libopenblas-dev\n"
    "  Fedora:          dnf install openblas-devel\n"
    "  Alpine:          apk add openblas-dev\n"
    "  Arch:            pacman -S openblas\n"
    "  macOS:           brew install openblas, or Xcode's command line tools, which bring Accelerate\n"
    "One in a folder of its own is found through OpenBLAS_HOME or MKLROOT.")
endif()
