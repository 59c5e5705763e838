#include "engine/plain_value.h"

#include <cmath>
#include <cstdio>

namespace chainrule {
namespace {

std::string to_text(double number) {
  if (std::isnan(number)) return "NaN";
  if (std::isinf(number)) return number < 0 ? "-Infinity" : "Infinity";
  char text[32];
  std::snprintf(text, sizeof text, "%.15g", number);
  return text;
}

}  // namespace

void invalid(const std::string& what, const std::string& expected, const std::string& received) {
  throw PlanError(what + " must be " + expected + ", got " + received);
}

const PlainValue& PlainValue::operator[](std::string_view name) const {
  static const PlainValue undefined;
  if (const Fields* fields = std::get_if<Fields>(&content_)) {
    for (const Field& field : *fields) {
      if (field.name == name) return field.value;
    }
  }
  return undefined;
}

bool PlainValue::defined() const { return !std::holds_alternative<Other>(content_); }

template <typename T>
const T& PlainValue::as(const std::string& what, const char* expected) const {
  const T* value = std::get_if<T>(&content_);
  if (value == nullptr) invalid(what, expected, describe());
  return *value;
}

bool PlainValue::boolean(const std::string& what) const { return as<bool>(what, "a boolean"); }

double PlainValue::number(const std::string& what) const { return as<double>(what, "a number"); }

const std::string& PlainValue::text(const std::string& what) const {
  return as<std::string>(what, "a string");
}

const PlainValue::List& PlainValue::list(const std::string& what) const {
  return as<List>(what, "an array");
}

const PlainValue::Fields& PlainValue::object(const std::string& what) const {
  return as<Fields>(what, "an object");
}

int64_t PlainValue::integer(const std::string& what, int64_t low, int64_t high) const {
  const double* value = std::get_if<double>(&content_);
  // Written so that NaN fails.
  if (value != nullptr && *value >= static_cast<double>(low) &&
      *value <= static_cast<double>(high) && std::trunc(*value) == *value) {
    return static_cast<int64_t>(*value);
  }
  invalid(what, "an integer from " + std::to_string(low) + " to " + std::to_string(high),
          describe());
}

Dims PlainValue::integers(const std::string& what, int64_t low, int64_t high) const {
  Dims result;
  for (const PlainValue& entry : list(what)) {
    result.push_back(entry.integer(what + "[" + std::to_string(result.size()) + "]", low, high));
  }
  return result;
}

DType PlainValue::dtype(const std::string& what) const {
  const std::string* name = std::get_if<std::string>(&content_);
  if (name != nullptr) {
    if (*name == "float32") return DType::kFloat32;
    if (*name == "float64") return DType::kFloat64;
    if (*name == "int32") return DType::kInt32;
    if (*name == "uint8") return DType::kUint8;
    if (*name == "bool") return DType::kBool;
  }
  invalid(what, "float32, float64, int32, uint8 or bool", describe());
}

std::string PlainValue::describe() const {
  struct Describer {
    std::string operator()(const Other& other) const { return other.type; }
    std::string operator()(bool value) const { return value ? "true" : "false"; }
    std::string operator()(double value) const { return to_text(value); }
    std::string operator()(const std::string& value) const { return "'" + value + "'"; }
    std::string operator()(const List&) const { return "an array"; }
    std::string operator()(const Fields&) const { return "an object"; }
  };
  return std::visit(Describer{}, content_);
}

}  // namespace chainrule
