# Isolates the code of an instruction set that not every processor has. Its objects hold copies of inline functions, as
# those of std::string, that other objects hold as well. A linker keeps any one copy of them and calls it from everywhere,
# so a plain processor could run into one with AVX-512. Linked into one object in which `registry` alone has a global
# name, the copies stay apart under any linker, in any order, and with link-time optimisation.

# GNU ld does that from version 2.29 on; a compiler for Linux comes with it, whichever linker it calls.
find_program(CHAINRULE_LD NAMES ld.bfd ld DOC "A linker with --force-group-allocation, for objects of instruction sets")
set(CHAINRULE_CAN_ISOLATE OFF)
if(CHAINRULE_LD AND CMAKE_OBJCOPY)
  execute_process(COMMAND ${CHAINRULE_LD} --help OUTPUT_VARIABLE options ERROR_QUIET)
  if(options MATCHES "force-group-allocation")
    set(CHAINRULE_CAN_ISOLATE ON)
  endif()
endif()

# Links the objects of the library kernels_<isa> into one, and puts its path into `result`. Its code gets a section of its
# own, .text_<isa>, so that anyone can see what lies outside it.
function(chainrule_isolate isa result)
  # Link-time optimisation would compile these kernels together with other code, after this link. A GNU_UNIQUE symbol is
  # one for the whole process and cannot become local.
  target_compile_options(kernels_${isa} PRIVATE -fno-lto $<$<CXX_COMPILER_ID:GNU>:-fno-gnu-unique>)

  # What initialises variables would run on every processor when the addon is loaded. Sanitizers cannot do without.
  set(script "SECTIONS {\n  .text_${isa} : { *(.text .text.*) }\n  .init_array : { *(.init_array .init_array.*) }\n}\n")
  if(NOT CHAINRULE_SANITIZE)
    string(APPEND script "ASSERT(SIZEOF(.init_array) == 0, \"native/kernels: a variable needs code to initialise it\")\n")
  endif()
  set(base "${PROJECT_BINARY_DIR}/kernels_${isa}")
  file(CONFIGURE OUTPUT "${base}.ld" CONTENT "${script}")

  # The mangled name of chainrule::<isa>::registry().
  string(LENGTH ${isa} length)
  set(registry "_ZN9chainrule${length}${isa}8registryEv")
  add_custom_command(
    OUTPUT "${base}.o"
    DEPENDS $<TARGET_OBJECTS:kernels_${isa}> "${base}.ld"
    COMMAND ${CHAINRULE_LD} -r --force-group-allocation -T "${base}.ld" -o "${base}.global.o" $<TARGET_OBJECTS:kernels_${isa}>
    COMMAND ${CMAKE_OBJCOPY} --keep-global-symbol=${registry} "${base}.global.o" "${base}.o"
    COMMAND_EXPAND_LISTS VERBATIM)
  set(${result} "${base}.o" PARENT_SCOPE)
endfunction()
