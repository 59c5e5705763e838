#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/operand.h"

namespace chainrule {

// Upper bound of every count and byte offset of a plan; sums of a few such numbers fit in 64 bits.
inline constexpr int64_t kLargest = int64_t{1} << 47;

struct Field;

// A value of a plan. It is read from JavaScript once, so that nothing changes between its check and
// its use.
class PlainValue {
 public:
  struct Other {  // a type that no field of a plan takes: undefined, a function, binary data
    const char* type;
  };
  using List = std::vector<PlainValue>;
  using Fields = std::vector<Field>;
  using Content = std::variant<Other, bool, double, std::string, List, Fields>;

  PlainValue();
  explicit PlainValue(Content content);

  // The field of that name, or undefined.
  const PlainValue& operator[](std::string_view name) const;
  bool defined() const;

  // Each throws PlanError `<what> must be ..., got ...` for any other value.
  bool boolean(const std::string& what) const;
  double number(const std::string& what) const;
  int64_t integer(const std::string& what, int64_t low, int64_t high) const;
  Dims integers(const std::string& what, int64_t low, int64_t high) const;
  const std::string& text(const std::string& what) const;
  DType dtype(const std::string& what) const;
  const List& list(const std::string& what) const;
  const Fields& object(const std::string& what) const;

 private:
  template <typename T>
  const T& as(const std::string& what, const char* expected) const;
  std::string describe() const;

  Content content_;
};

struct Field {
  std::string name;
  PlainValue value;
};

// Defined where Field is complete, which a Content needs.
inline PlainValue::PlainValue() : content_(Other{"undefined"}) {}
inline PlainValue::PlainValue(Content content) : content_(std::move(content)) {}

[[noreturn]] void invalid(const std::string& what, const std::string& expected,
                          const std::string& received);

}  // namespace chainrule
