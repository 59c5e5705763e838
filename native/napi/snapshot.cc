#include "napi/snapshot.h"

namespace chainrule {
namespace {

// Walks nested arrays and objects; the bounds stop cyclic ones.
class Snapshot {
 public:
  PlainValue read(Napi::Value value, int depth = 0) {
    if (++values_ > kMaxValues || depth > kMaxDepth) {
      throw PlanError("plan: too large, or nested too deeply");
    }
    if (value.IsBoolean()) return PlainValue(value.As<Napi::Boolean>().Value());
    if (value.IsNumber()) return PlainValue(value.As<Napi::Number>().DoubleValue());
    if (value.IsString()) return PlainValue(value.As<Napi::String>().Utf8Value());
    if (value.IsArray()) return read_list(value.As<Napi::Array>(), depth);
    if (value.IsFunction()) return PlainValue(PlainValue::Other{"a function"});
    if (value.IsTypedArray() || value.IsArrayBuffer() || value.IsDataView()) {
      return PlainValue(PlainValue::Other{"binary data"});
    }
    if (value.IsObject()) return read_object(value.As<Napi::Object>(), depth);
    return PlainValue(PlainValue::Other{value.IsUndefined() ? "undefined"
                                        : value.IsNull()    ? "null"
                                                            : "another type"});
  }

 private:
  static constexpr size_t kMaxValues = 50'000'000;
  static constexpr int kMaxDepth = 16;

  PlainValue read_list(const Napi::Array& array, int depth) {
    PlainValue::List list;
    for (uint32_t i = 0, length = array.Length(); i < length; ++i) {
      const Napi::HandleScope scope(array.Env());
      list.push_back(read(array.Get(i), depth + 1));
    }
    return PlainValue(std::move(list));
  }

  PlainValue read_object(const Napi::Object& object, int depth) {
    PlainValue::Fields fields;
    const Napi::Array names = object.GetPropertyNames();
    for (uint32_t i = 0, length = names.Length(); i < length; ++i) {
      const Napi::HandleScope scope(object.Env());
      const Napi::Value name = names.Get(i);
      fields.push_back({name.ToString().Utf8Value(), read(object.Get(name), depth + 1)});
    }
    return PlainValue(std::move(fields));
  }

  size_t values_ = 0;
};

}  // namespace

PlainValue snapshot(const Napi::Object& object) { return Snapshot().read(object); }

PlainValue snapshot_plan(const Napi::Object& plan) {
  // Only what the addon needs: a plan may carry more, for JavaScript's own use.
  Snapshot snapshot;
  PlainValue::Fields fields;
  for (const char* name : {"arenaBytes", "bindings", "steps"}) {
    fields.push_back({name, snapshot.read(plan.Get(name))});
  }
  return PlainValue(std::move(fields));
}

}  // namespace chainrule
