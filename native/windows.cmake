# What the addon takes on Windows, where MinGW-w64 builds it.

# To CMake, a library that Windows loads is a program.
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_LIBRARY_OUTPUT_DIRECTORY}")

# GCC does not align the stack for vectors of more than 16 bytes there (its bug 54412), but moves them as if it did. The
# assembler turns these moves into those of any address, which are as fast where the address is aligned. All other
# instructions with VEX or EVEX prefix take any address by themselves.
target_compile_options(settings INTERFACE -Wa,-muse-unaligned-vector-move)

# The functions of Node.js are those of the program that loads the addon, whatever its name: its import is delayed until
# the first call, when native/platform/windows_host.cc tells the loader which module it is.
foreach(folder IN LISTS CMAKE_JS_INC)
  if(EXISTS "${folder}/../def/node_api.def")
    set(definitions "${folder}/../def")
  endif()
endforeach()
if(NOT definitions OR NOT CMAKE_DLLTOOL)
  message(FATAL_ERROR "The functions of Node.js take dlltool and the folder `def` of the npm package node-api-headers.")
endif()
foreach(name IN ITEMS node_api js_native_api)
  set(library "${PROJECT_BINARY_DIR}/lib${name}.a")
  execute_process(
    COMMAND ${CMAKE_DLLTOOL} --dllname node.exe --def "${definitions}/${name}.def" --output-delaylib "${library}"
    RESULT_VARIABLE failure)
  if(failure)
    message(FATAL_ERROR "${CMAKE_DLLTOOL} made no library of ${definitions}/${name}.def.")
  endif()
  list(APPEND node_libraries "${library}")
endforeach()
list(APPEND node_libraries delayimp)
