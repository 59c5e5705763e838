# Isolates the code of an instruction set that not every processor has. Its objects hold copies of inline functions, as
# those of std::string, that other objects hold as well. A linker keeps any one copy of them and calls it from everywhere,
# so a plain processor could run into one with AVX-512. Linked into one object in which `registry` alone has a global
# name, the copies stay apart under any linker, in any order, and with link-time optimisation.
#
# GNU ld for Windows cannot do that: an object that it makes of others has wrong tables for exceptions. There, each object
# is rewritten: all names that it defines but `registry`, and the names of sections by which the linker knows copies, end
# with that of the instruction set.

# GNU ld does that from version 2.29 on; a compiler for Linux comes with it, whichever linker it calls.
find_program(CHAINRULE_LD NAMES ld.bfd ld DOC "A linker with --force-group-allocation, for objects of instruction sets")
set(CHAINRULE_CAN_ISOLATE OFF)
if(WIN32)
  if(CMAKE_NM AND CMAKE_OBJDUMP AND CMAKE_OBJCOPY)
    set(CHAINRULE_CAN_ISOLATE ON)
  endif()
elseif(NOT APPLE AND CHAINRULE_LD AND CMAKE_OBJCOPY)
  execute_process(COMMAND ${CHAINRULE_LD} --help OUTPUT_VARIABLE options ERROR_QUIET)
  if(options MATCHES "force-group-allocation")
    set(CHAINRULE_CAN_ISOLATE ON)
  endif()
endif()

# Makes one file of the objects of the library kernels_<isa>, and puts its path into `result`. Its code gets a section of
# its own, .<isa>, so that anyone can see what lies outside it; programs for Windows keep eight characters of such a name.
function(chainrule_isolate isa result)
  # Link-time optimisation would compile these kernels together with other code, after this link. A GNU_UNIQUE symbol is
  # one for the whole process and cannot become local.
  target_compile_options(kernels_${isa} PRIVATE -fno-lto $<$<CXX_COMPILER_ID:GNU>:-fno-gnu-unique>)

  set(base "${PROJECT_BINARY_DIR}/kernels_${isa}")
  # The mangled name of chainrule::<isa>::registry().
  string(LENGTH ${isa} length)
  set(registry "_ZN9chainrule${length}${isa}8registryEv")
  if(WIN32)
    set(script "${PROJECT_SOURCE_DIR}/native/isolate-windows.cmake")
    file(GENERATE OUTPUT "${base}.txt" CONTENT "$<JOIN:$<TARGET_OBJECTS:kernels_${isa}>,\n>\n")
    add_custom_command(
      OUTPUT "${base}.a"
      DEPENDS $<TARGET_OBJECTS:kernels_${isa}> "${base}.txt" "${script}"
      COMMAND ${CMAKE_COMMAND} -DISA=${isa} -DREGISTRY=${registry} "-DOBJECTS=${base}.txt" "-DOUTPUT=${base}.a"
        "-DNM=${CMAKE_NM}" "-DOBJDUMP=${CMAKE_OBJDUMP}" "-DOBJCOPY=${CMAKE_OBJCOPY}" "-DAR=${CMAKE_AR}" -P "${script}"
      VERBATIM)
    set(${result} "${base}.a" PARENT_SCOPE)
    return()
  endif()

  # What initialises variables would run on every processor when the addon is loaded. Sanitizers cannot do without.
  set(script "SECTIONS {\n  .${isa} : { *(.text .text.*) }\n  .init_array : { *(.init_array .init_array.*) }\n}\n")
  if(NOT CHAINRULE_SANITIZE)
    string(APPEND script "ASSERT(SIZEOF(.init_array) == 0, \"native/kernels: a variable needs code to initialise it\")\n")
  endif()
  file(CONFIGURE OUTPUT "${base}.ld" CONTENT "${script}")
  add_custom_command(
    OUTPUT "${base}.o"
    DEPENDS $<TARGET_OBJECTS:kernels_${isa}> "${base}.ld"
    COMMAND ${CHAINRULE_LD} -r --force-group-allocation -T "${base}.ld" -o "${base}.global.o" $<TARGET_OBJECTS:kernels_${isa}>
    COMMAND ${CMAKE_OBJCOPY} --keep-global-symbol=${registry} "${base}.global.o" "${base}.o"
    COMMAND_EXPAND_LISTS VERBATIM)
  set(${result} "${base}.o" PARENT_SCOPE)
endfunction()
