# Linux with musl by Clang as Zig brings it, with the headers of musl and a libc++ that it builds and links in. `zig` is
# looked for in PATH, or given by -DCHAINRULE_ZIG.
set(CMAKE_SYSTEM_NAME Linux)
find_program(CHAINRULE_ZIG zig REQUIRED)
# CMake reads this file again for each of its trial programs.
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES CHAINRULE_ZIG)
set(CMAKE_C_COMPILER "${CHAINRULE_ZIG}" cc)
set(CMAKE_CXX_COMPILER "${CHAINRULE_ZIG}" c++)
set(CMAKE_C_COMPILER_TARGET ${CMAKE_SYSTEM_PROCESSOR}-linux-musl)
set(CMAKE_CXX_COMPILER_TARGET ${CMAKE_SYSTEM_PROCESSOR}-linux-musl)
# Without optimisation, Zig's Clang adds checks of undefined behaviour, also to CMake's trial programs.
set(CMAKE_CXX_FLAGS_INIT -fno-sanitize=undefined)
# GNU's archiver, of any target, does for all.
set(CMAKE_AR ar CACHE FILEPATH "")
set(CMAKE_RANLIB ranlib CACHE FILEPATH "")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
