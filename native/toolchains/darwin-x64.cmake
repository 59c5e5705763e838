# macOS on Intel's processors.
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CHAINRULE_TARGET x86_64-macos.11.0)
include("${CMAKE_CURRENT_LIST_DIR}/darwin.cmake")
