#pragma once

#include <cmath>
#include <tuple>
#include <utility>

#include "math.h"
#include "remainder.h"
#include "special.h"

// The operations of the vector machine, one record each: its name in plans, how many inputs it
// takes, and what it does to one element. Truth values are 0 and 1.
namespace chainrule::CHAINRULE_ISA {

struct Unary {
  static constexpr int arity = 1;
  static constexpr bool commutative = false;
};

struct Binary {
  static constexpr int arity = 2;
  static constexpr bool commutative = false;
};

struct Commutative : Binary {
  static constexpr bool commutative = true;
};

struct Ternary {
  static constexpr int arity = 3;
  static constexpr bool commutative = false;
};

#define CHAINRULE_UNARY(Type, text, expression) \
  struct Type : Unary {                         \
    static constexpr const char* name = text;   \
    template <typename T>                       \
    static T apply(T x) {                       \
      return expression;                        \
    }                                           \
  };
#define CHAINRULE_BINARY(Type, Kind, text, expression) \
  struct Type : Kind {                                 \
    static constexpr const char* name = text;          \
    template <typename T>                              \
    static T apply(T a, T b) {                         \
      return expression;                               \
    }                                                  \
  };

CHAINRULE_UNARY(Copy, "copy", x)
CHAINRULE_UNARY(Neg, "neg", -x)
CHAINRULE_UNARY(Abs, "abs", std::abs(x))
CHAINRULE_UNARY(Exp, "exp", exp(x))
CHAINRULE_UNARY(Log, "log", log(x))
CHAINRULE_UNARY(Sqrt, "sqrt", std::sqrt(x))
CHAINRULE_UNARY(Sin, "sin", sin(x))
CHAINRULE_UNARY(Cos, "cos", cos(x))
CHAINRULE_UNARY(Tanh, "tanh", tanh(x))
CHAINRULE_UNARY(Sigmoid, "sigmoid", sigmoid(x))
CHAINRULE_UNARY(Relu, "relu", x < T(0) ? T(0) : x)
CHAINRULE_UNARY(Square, "square", (x * x))
CHAINRULE_UNARY(Reciprocal, "reciprocal", T(1) / x)
CHAINRULE_UNARY(Truth, "truth", x != T(0) ? T(1) : T(0))
CHAINRULE_UNARY(Truncate, "truncate", std::trunc(x))
CHAINRULE_UNARY(Floor, "floor", std::floor(x))
CHAINRULE_UNARY(Ceil, "ceil", std::ceil(x))
CHAINRULE_UNARY(Round, "round", std::nearbyint(x))
CHAINRULE_UNARY(Erf, "erf", erf(x))
CHAINRULE_UNARY(Expm1, "expm1", expm1(x))
CHAINRULE_UNARY(Log1p, "log1p", log1p(x))
CHAINRULE_UNARY(Tan, "tan", std::tan(x))
CHAINRULE_UNARY(Asin, "asin", std::asin(x))
CHAINRULE_UNARY(Acos, "acos", std::acos(x))
CHAINRULE_UNARY(Atan, "atan", std::atan(x))
CHAINRULE_UNARY(Sinh, "sinh", std::sinh(x))
CHAINRULE_UNARY(Cosh, "cosh", std::cosh(x))

CHAINRULE_BINARY(Add, Commutative, "add", a + b)
CHAINRULE_BINARY(Sub, Binary, "sub", a - b)
CHAINRULE_BINARY(Mul, Commutative, "mul", (a * b))
CHAINRULE_BINARY(Div, Binary, "div", a / b)
CHAINRULE_BINARY(Pow, Binary, "pow", std::pow(a, b))
// The first choice keeps a NaN on the left, and the comparison one on the right.
CHAINRULE_BINARY(Maximum, Commutative, "maximum", a != a ? a : (a > b ? a : b))
CHAINRULE_BINARY(Minimum, Commutative, "minimum", a != a ? a : (a < b ? a : b))
CHAINRULE_BINARY(Mod, Binary, "mod", floor_mod(a, b))
CHAINRULE_BINARY(FloorDiv, Binary, "floorDiv", floor_div(a, b))
CHAINRULE_BINARY(Atan2, Binary, "atan2", std::atan2(a, b))
CHAINRULE_BINARY(LeakyRelu, Binary, "leakyRelu", a > T(0) ? a : a * b)
CHAINRULE_BINARY(Eq, Commutative, "eq", a == b ? T(1) : T(0))
CHAINRULE_BINARY(Ne, Commutative, "ne", a != b ? T(1) : T(0))
CHAINRULE_BINARY(Lt, Binary, "lt", a < b ? T(1) : T(0))
CHAINRULE_BINARY(Le, Binary, "le", a <= b ? T(1) : T(0))
CHAINRULE_BINARY(Gt, Binary, "gt", a > b ? T(1) : T(0))
CHAINRULE_BINARY(Ge, Binary, "ge", a >= b ? T(1) : T(0))

#undef CHAINRULE_UNARY
#undef CHAINRULE_BINARY

struct Where : Ternary {
  static constexpr const char* name = "where";
  template <typename T>
  static T apply(T condition, T a, T b) {
    return condition != T(0) ? a : b;
  }
};

// Two operations in one pass: Outer, whose input number `place` is the result of Inner.
template <class Outer_, int place_, class Inner_>
struct Fused {
  using Outer = Outer_;
  using Inner = Inner_;
  static constexpr int place = place_;
  static constexpr int arity = Outer::arity - 1 + Inner::arity;
  static constexpr bool commutative = false;
  static constexpr const char* name = "";  // plans cannot name it

  template <typename T, typename... More>
  static T apply(T first, More... more) {
    const T inputs[] = {first, more...};
    return outer(inputs, std::make_index_sequence<place>(),
                 inner(inputs, std::make_index_sequence<Inner::arity>()),
                 std::make_index_sequence<Outer::arity - 1 - place>());
  }

 private:
  template <typename T, size_t... k>
  static T inner(const T* inputs, std::index_sequence<k...>) {
    return Inner::apply(inputs[place + k]...);
  }
  template <typename T, size_t... before, size_t... after>
  static T outer(const T* inputs, std::index_sequence<before...>, T value,
                 std::index_sequence<after...>) {
    return Outer::apply(inputs[before]..., value, inputs[place + Inner::arity + after]...);
  }
};

// A long fusion, with loops for some combinations of scalar inputs only: bit k stands for input k.
template <class Fusion, unsigned... allowed>
struct Only : Fusion {
  static constexpr bool allows(unsigned scalars) { return ((scalars == allowed) || ...); }
};

using MulAdd = Fused<Add, 0, Mul>;        // a b + c
using MulAddMul = Fused<MulAdd, 2, Mul>;  // a b + c d
using MulSub = Fused<Sub, 0, Mul>;        // a b - c
using SubMul = Fused<Sub, 1, Mul>;        // a - b c
using AddAdd = Fused<Add, 0, Add>;        // a + b + c
using SubSub = Fused<Sub, 0, Sub>;        // a - b - c
using MulMul = Fused<Mul, 0, Mul>;        // a b c
using ScaledSum = Fused<Mul, 0, Add>;     // (a + b) c
using ScaledGap = Fused<Mul, 0, Sub>;     // (a - b) c
using MulDiv = Fused<Div, 0, Mul>;        // a b / c
using DivAdd = Fused<Div, 1, Add>;        // a / (b + c)
using RootMul = Fused<Sqrt, 0, Mul>;      // sqrt(a b)
using RootAdd = Fused<Add, 0, RootMul>;   // sqrt(a b) + c
using PerRoot = Fused<Div, 1, RootAdd>;   // a / (sqrt(b c) + d)
using ReluAdd = Fused<Relu, 0, Add>;      // relu(a + b)
using ExpSub = Fused<Exp, 0, Sub>;        // exp(a - b)
using WhereGt = Fused<Where, 0, Gt>;      // a > b ? c : d
using WhereGe = Fused<Where, 0, Ge>;
using WhereEq = Fused<Where, 0, Eq>;

// Adaptive optimisers: a b + c d e; a b c / (sqrt(d e) + f); a - b c d / (sqrt(e f) + g).
using Average = Only<Fused<MulAdd, 2, MulMul>, 0b01010, 0b10010>;
using Quotient = Only<Fused<PerRoot, 0, MulMul>, 0b110110>;
using AdaptiveStep = Only<Fused<Sub, 1, Quotient>, 0b1101100>;

// Order gives an operation its number. Of two fusions with the same outer operation, the first that
// fits is taken.
using Operations =
    std::tuple<Copy, Neg, Abs, Exp, Log, Sqrt, Sin, Cos, Tanh, Sigmoid, Relu, Square, Reciprocal,
               Truth, Truncate, Floor, Ceil, Round, Erf, Expm1, Log1p, Tan, Asin, Acos, Atan, Sinh,
               Cosh, Add, Sub, Mul, Div, Pow, Maximum, Minimum, Mod, FloorDiv, Atan2, LeakyRelu, Eq,
               Ne, Lt, Le, Gt, Ge, Where, MulAdd, MulAddMul, MulSub, SubMul, AddAdd, SubSub, MulMul,
               ScaledSum, ScaledGap, MulDiv, DivAdd, RootMul, RootAdd, PerRoot, ReluAdd, ExpSub,
               WhereGt, WhereGe, WhereEq, Average, Quotient, AdaptiveStep>;

}  // namespace chainrule::CHAINRULE_ISA
