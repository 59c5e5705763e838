# Clang as Zig brings it, with the headers of CHAINRULE_TARGET's C library and a libc++ that it builds and links in. `zig`
# is looked for in PATH, or given by -DCHAINRULE_ZIG.
find_program(CHAINRULE_ZIG zig REQUIRED)
# CMake reads this file again for each of its trial programs.
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES CHAINRULE_ZIG)
foreach(language C CXX)
  set(CMAKE_${language}_COMPILER_TARGET ${CHAINRULE_TARGET})
  # Without optimisation, Zig's Clang adds checks of undefined behaviour, also to CMake's trial programs.
  set(CMAKE_${language}_FLAGS_INIT -fno-sanitize=undefined)
endforeach()
set(CMAKE_C_COMPILER "${CHAINRULE_ZIG}" cc)
set(CMAKE_CXX_COMPILER "${CHAINRULE_ZIG}" c++)
# GNU's archiver, of any target, does for all.
set(CMAKE_AR ar CACHE FILEPATH "")
set(CMAKE_RANLIB ranlib CACHE FILEPATH "")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
