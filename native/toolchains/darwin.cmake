# macOS, without a Mac.
set(CMAKE_SYSTEM_NAME Darwin)
# For installing, which nobody does.
set(CMAKE_INSTALL_NAME_TOOL true CACHE FILEPATH "")
# Zig gives them to its Clang by the target.
set(CMAKE_OSX_SYSROOT "" CACHE PATH "")
set(CMAKE_OSX_DEPLOYMENT_TARGET "" CACHE STRING "")
include("${CMAKE_CURRENT_LIST_DIR}/zig.cmake")
