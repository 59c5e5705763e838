#define WIN32_LEAN_AND_MEAN
// The second of these headers takes the first one's types.
// clang-format off
#include <windows.h>
#include <delayimp.h>
// clang-format on

#include <cstring>

namespace {

// The functions of node.exe are taken from the program itself, which may have another name.
FARPROC WINAPI find_host(unsigned event, PDelayLoadInfo info) {
  const bool loads_node = event == dliNotePreLoadLibrary && _stricmp(info->szDll, "node.exe") == 0;
  return loads_node ? reinterpret_cast<FARPROC>(GetModuleHandleW(nullptr)) : nullptr;
}

}  // namespace

PfnDliHook __pfnDliNotifyHook2 = find_host;
