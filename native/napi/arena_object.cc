#include "napi/arena_object.h"

namespace chainrule {
namespace {

constexpr napi_type_tag kArenaTag = {0x3c8e21f70d9a4b65, 0x96d4f2a81b07c3ee};

using Handle = std::shared_ptr<PlanArena>;

void finalize(napi_env, void* data, void*) { delete static_cast<Handle*>(data); }

}  // namespace

void PlanArena::reserve(size_t bytes) {
  if (bytes <= bytes_) return;
  // Released first, so that the old memory and the new never coexist.
  release();
  memory_ = allocate_arena(bytes);
  bytes_ = bytes;
  report(static_cast<int64_t>(bytes));
}

void PlanArena::release() {
  memory_.reset();
  if (bytes_ > 0) report(-static_cast<int64_t>(std::exchange(bytes_, 0)));
}

// A failure would only mean that garbage is collected later.
void PlanArena::report(int64_t change) const {
  int64_t total = 0;
  napi_adjust_external_memory(env_, change, &total);
}

Napi::Value create_arena(const Napi::CallbackInfo& info) {
  auto handle = std::make_unique<Handle>(std::make_shared<PlanArena>(info.Env()));
  const Napi::Object object = Napi::Object::New(info.Env());
  object.TypeTag(&kArenaTag);
  if (napi_wrap(info.Env(), object, handle.get(), finalize, nullptr, nullptr) != napi_ok) {
    throw Napi::Error::New(info.Env());
  }
  handle.release();
  return object;
}

void release_arena(const Napi::CallbackInfo& info) {
  const Arguments arguments(info, "releaseArena");
  const auto arena = arena_of(arguments, 0);
  const Hold hold(arena->busy, "is running in this arena");
  arena->release();
}

std::shared_ptr<PlanArena> arena_of(const Arguments& arguments, size_t index) {
  const Napi::Object object = arguments.object(index, "arena");
  void* data = nullptr;
  if (!object.CheckTypeTag(&kArenaTag) || napi_unwrap(object.Env(), object, &data) != napi_ok) {
    arguments.fail("arena", "made by createArena", object);
  }
  return *static_cast<Handle*>(data);
}

}  // namespace chainrule
