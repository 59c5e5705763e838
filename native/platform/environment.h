#pragma once

#include <string>

namespace chainrule {

// The value of an ASCII variable of the environment, as JavaScript has it in process.env; empty if
// there is none.
std::string environment_variable(const char* name);

}  // namespace chainrule
