# macOS, without a Mac: CHAINRULE_ACCELERATE_STUB is a folder with a description of Apple's library to link against.
set(CMAKE_SYSTEM_NAME Darwin)
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES CHAINRULE_ACCELERATE_STUB)
# For installing, which nobody does.
set(CMAKE_INSTALL_NAME_TOOL true CACHE FILEPATH "")
# Zig gives them to its Clang by the target.
set(CMAKE_OSX_SYSROOT "" CACHE PATH "")
set(CMAKE_OSX_DEPLOYMENT_TARGET "" CACHE STRING "")
# The program that loads the addon has the functions of Node-API.
set(CMAKE_SHARED_LINKER_FLAGS_INIT "-undefined dynamic_lookup")
include("${CMAKE_CURRENT_LIST_DIR}/zig.cmake")
