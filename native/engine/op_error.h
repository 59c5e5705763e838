#pragma once

#include <stdexcept>
#include <string>

namespace chainrule {

// Codes of errors, as lib/graph/error-codes.ts lists them.
inline constexpr const char* kDataCode = "ERR_CHAINRULE_DATA";
inline constexpr const char* kMemoryCode = "ERR_CHAINRULE_MEMORY";
inline constexpr const char* kReleasedCode = "ERR_CHAINRULE_WORKER_RELEASED";

// An error of a call or a run: its operation, the rule that was broken, and its code, if it has one
// of its own. Reaches JavaScript with these as fields.
struct OpError : std::runtime_error {
  OpError(const std::string& op, const std::string& rule, const char* code = nullptr)
      : std::runtime_error(op + ": " + rule), op(op), rule(rule), code(code) {}

  std::string op, rule;
  const char* code;
};

}  // namespace chainrule
