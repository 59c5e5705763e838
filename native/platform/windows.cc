// Windows, by MinGW-w64.
#define WIN32_LEAN_AND_MEAN
#define NOMINMAX
#include <windows.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include "platform/environment.h"
#include "platform/file.h"
#include "platform/memory.h"

namespace chainrule {
namespace {

std::string narrow(const wchar_t* text, int length) {
  const int size = WideCharToMultiByte(CP_UTF8, 0, text, length, nullptr, 0, nullptr, nullptr);
  std::string narrowed(static_cast<size_t>(size), '\0');
  WideCharToMultiByte(CP_UTF8, 0, text, length, narrowed.data(), size, nullptr, nullptr);
  return narrowed;
}

std::wstring widen(const std::string& text) {
  const auto length = static_cast<int>(text.size());
  const int size = MultiByteToWideChar(CP_UTF8, 0, text.data(), length, nullptr, 0);
  std::wstring widened(static_cast<size_t>(size), L'\0');
  MultiByteToWideChar(CP_UTF8, 0, text.data(), length, widened.data(), size);
  return widened;
}

[[noreturn]] void fail() {
  const DWORD error = GetLastError();
  wchar_t text[512];
  DWORD length = FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, nullptr,
                                error, 0, text, 512, nullptr);
  // The system ends its sentences with a full stop and a new line.
  while (length > 0 && (text[length - 1] <= L' ' || text[length - 1] == L'.')) --length;
  if (length == 0) throw SystemError("error " + std::to_string(error));
  throw SystemError(narrow(text, static_cast<int>(length)));
}

HANDLE of(intptr_t handle) { return reinterpret_cast<HANDLE>(handle); }

int64_t joined(DWORD high, DWORD low) {
  return static_cast<int64_t>(uint64_t{high} << 32 | uint64_t{low});
}

OVERLAPPED place_at(int64_t offset) {
  OVERLAPPED place{};
  place.Offset = static_cast<DWORD>(offset);
  place.OffsetHigh = static_cast<DWORD>(offset >> 32);
  return place;
}

// Node's descriptors are numbers of its own C runtime, which another one cannot look up.
HANDLE handle_of(int descriptor) {
  using Look = HANDLE (*)(int);
  static const auto look = reinterpret_cast<Look>(
      reinterpret_cast<void*>(GetProcAddress(GetModuleHandleW(nullptr), "uv_get_osfhandle")));
  return look == nullptr ? INVALID_HANDLE_VALUE : look(descriptor);
}

}  // namespace

// Large pages take a privilege that hardly any user has.
std::byte* map_pages(size_t bytes) {
  return static_cast<std::byte*>(
      VirtualAlloc(nullptr, bytes, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE));
}

void unmap_pages(std::byte* memory, size_t) { VirtualFree(memory, 0, MEM_RELEASE); }

void advise_huge_pages(std::byte*, size_t) {}

void give_back_freed_memory() {}

const char* const kLimitsOfMemory = "the size of the paging file";

// The C runtime copies the variables when it starts, and so misses later changes.
std::string environment_variable(const char* name) {
  const std::wstring wide = widen(name);
  std::wstring value(GetEnvironmentVariableW(wide.c_str(), nullptr, 0), L'\0');
  const DWORD length =
      GetEnvironmentVariableW(wide.c_str(), value.data(), static_cast<DWORD>(value.size()));
  return length < value.size() ? narrow(value.data(), static_cast<int>(length)) : "";
}

File::File(const std::string& path)
    // Others may write, rename and remove the file meanwhile, as on other systems. The backup
    // semantics are what a directory takes to be opened, and so to be refused as one.
    : handle_(reinterpret_cast<intptr_t>(CreateFileW(
          widen(path).c_str(), GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
          nullptr, OPEN_EXISTING, FILE_FLAG_RANDOM_ACCESS | FILE_FLAG_BACKUP_SEMANTICS, nullptr))) {
  if (of(handle_) == INVALID_HANDLE_VALUE) fail();
}

File::~File() { CloseHandle(of(handle_)); }

File::State File::state() const {
  if (GetFileType(of(handle_)) != FILE_TYPE_DISK) return {false, 0, ""};
  BY_HANDLE_FILE_INFORMATION state{};
  if (!GetFileInformationByHandle(of(handle_), &state)) fail();
  const int64_t size = joined(state.nFileSizeHigh, state.nFileSizeLow);
  std::string stamp = std::to_string(state.dwVolumeSerialNumber);
  for (const int64_t number :
       {joined(state.nFileIndexHigh, state.nFileIndexLow), size,
        joined(state.ftLastWriteTime.dwHighDateTime, state.ftLastWriteTime.dwLowDateTime)}) {
    stamp += '/' + std::to_string(number);
  }
  return {(state.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) == 0, size, stamp};
}

int64_t File::read(std::byte* destination, int64_t bytes, int64_t offset) const {
  OVERLAPPED place = place_at(offset);
  constexpr int64_t kMost = std::numeric_limits<int>::max();
  const auto wanted = static_cast<DWORD>(std::min(bytes, kMost));
  DWORD got = 0;
  if (ReadFile(of(handle_), destination, wanted, &got, &place)) return got;
  if (GetLastError() == ERROR_HANDLE_EOF) return 0;
  fail();
}

// The flag with which the file was opened says so.
void File::expect_any_order() const {}

void File::will_need(int64_t, int64_t) const {}

int lock_descriptor(int descriptor) {
  const HANDLE file = handle_of(descriptor);
  if (file == INVALID_HANDLE_VALUE) return EBADF;
  // Nobody may read or write what another one has locked, so it is a byte beyond the end of every
  // file.
  OVERLAPPED place = place_at(std::numeric_limits<int64_t>::max() - 1);
  if (LockFileEx(file, LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &place)) {
    return 0;
  }
  switch (GetLastError()) {
    case ERROR_LOCK_VIOLATION:
    case ERROR_IO_PENDING:
      return EWOULDBLOCK;
    case ERROR_INVALID_FUNCTION:
    case ERROR_NOT_SUPPORTED:
      return ENOLCK;
    default:
      return EIO;
  }
}

}  // namespace chainrule
