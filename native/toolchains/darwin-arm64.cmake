# macOS on Apple's processors.
set(CMAKE_SYSTEM_PROCESSOR arm64)
set(CHAINRULE_TARGET aarch64-macos.11.0)
include("${CMAKE_CURRENT_LIST_DIR}/darwin.cmake")
