#pragma once

#include <cmath>
#include <initializer_list>
#include <tuple>
#include <utility>

#include "kernels/vector/integers.h"
#include "kernels/vector/math.h"
#include "kernels/vector/remainder.h"
#include "kernels/vector/special.h"

// The operations of the vector machine, one record each: its name in plans, its number of inputs,
// and its effect on one element. Truth values are 0 and 1.
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

// To add an operation, add its line anywhere: type, name in plans, and the result for the element
// `x`. An immediate value of an instruction is its last input. Functions of `std` are right, but
// called element by element; math.h and special.h hold vectorised ones.
#define CHAINRULE_UNARY(X)                         \
  X(Copy, "copy", x)                               \
  X(Neg, "neg", -x)                                \
  X(Abs, "abs", std::abs(x))                       \
  X(Exp, "exp", exp(x))                            \
  X(Log, "log", log(x))                            \
  X(Sqrt, "sqrt", std::sqrt(x))                    \
  X(Sin, "sin", sin(x))                            \
  X(Cos, "cos", cos(x))                            \
  X(Tanh, "tanh", tanh(x))                         \
  X(Sigmoid, "sigmoid", sigmoid(x))                \
  X(Relu, "relu", x < T(0) ? T(0) : x)             \
  X(Square, "square", (x * x))                     \
  X(Reciprocal, "reciprocal", T(1) / x)            \
  X(Truth, "truth", x != T(0) ? T(1) : T(0))       \
  X(Floor, "floor", std::floor(x))                 \
  X(Ceil, "ceil", std::ceil(x))                    \
  X(Round, "round", std::nearbyint(x))             \
  X(Erf, "erf", erf(x))                            \
  X(Expm1, "expm1", expm1(x))                      \
  X(Log1p, "log1p", log1p(x))                      \
  X(Tan, "tan", std::tan(x))                       \
  X(Asin, "asin", std::asin(x))                    \
  X(Acos, "acos", std::acos(x))                    \
  X(Atan, "atan", std::atan(x))                    \
  X(Sinh, "sinh", std::sinh(x))                    \
  X(Cosh, "cosh", std::cosh(x))                    \
  X(NegInt32, "negInt32", wrap_int32(-x))          \
  X(AbsInt32, "absInt32", wrap_int32(std::abs(x))) \
  X(ToInt32, "toInt32", to_int32(x))               \
  X(NegUint8, "negUint8", wrap_uint8(-x))          \
  X(ToUint8, "toUint8", wrap_uint8(to_int32(x)))

// The same for two elements `a` and `b`. Maximum and minimum keep a NaN on either side: the first
// test catches one in `a`, and the failing comparison one in `b`.
#define CHAINRULE_BINARY(X)                                              \
  X(Add, Commutative, "add", a + b)                                      \
  X(Sub, Binary, "sub", a - b)                                           \
  X(Mul, Commutative, "mul", (a * b))                                    \
  X(Div, Binary, "div", a / b)                                           \
  X(Pow, Binary, "pow", std::pow(flushed(a), b))                         \
  X(Maximum, Commutative, "maximum", a != a ? a : (a > b ? a : b))       \
  X(Minimum, Commutative, "minimum", a != a ? a : (a < b ? a : b))       \
  X(Mod, Binary, "mod", floor_mod(a, b))                                 \
  X(FloorDiv, Binary, "floorDiv", floor_div(a, b))                       \
  X(Atan2, Binary, "atan2", std::atan2(flushed(a), flushed(b)))          \
  X(LeakyRelu, Binary, "leakyRelu", a > T(0) ? a : a * b)                \
  X(AddInt32, Commutative, "addInt32", wrap_int32(a + b))                \
  X(SubInt32, Binary, "subInt32", wrap_int32(a - b))                     \
  X(MulInt32, Commutative, "mulInt32", multiply_int32(a, b))             \
  X(FloorDivInt32, Binary, "floorDivInt32", wrap_int32(floor_div(a, b))) \
  X(ModInt32, Binary, "modInt32", floor_mod(a, b) + T(0))                \
  X(AddUint8, Commutative, "addUint8", wrap_uint8(a + b))                \
  X(SubUint8, Binary, "subUint8", wrap_uint8(a - b))                     \
  X(MulUint8, Commutative, "mulUint8", wrap_uint8((a * b)))              \
  X(Eq, Commutative, "eq", a == b ? T(1) : T(0))                         \
  X(Ne, Commutative, "ne", a != b ? T(1) : T(0))                         \
  X(Lt, Binary, "lt", a < b ? T(1) : T(0))                               \
  X(Le, Binary, "le", a <= b ? T(1) : T(0))                              \
  X(Gt, Binary, "gt", a > b ? T(1) : T(0))                               \
  X(Ge, Binary, "ge", a >= b ? T(1) : T(0))

#define CHAINRULE_DEFINE_UNARY(Type, text, expression) \
  struct Type : Unary {                                \
    static constexpr const char* name = text;          \
    template <typename T>                              \
    static T apply(T x) {                              \
      return expression;                               \
    }                                                  \
  };
#define CHAINRULE_DEFINE_BINARY(Type, Kind, text, expression) \
  struct Type : Kind {                                        \
    static constexpr const char* name = text;                 \
    template <typename T>                                     \
    static T apply(T a, T b) {                                \
      return expression;                                      \
    }                                                         \
  };
CHAINRULE_UNARY(CHAINRULE_DEFINE_UNARY)
CHAINRULE_BINARY(CHAINRULE_DEFINE_BINARY)
#undef CHAINRULE_DEFINE_UNARY
#undef CHAINRULE_DEFINE_BINARY

struct Where : Ternary {
  static constexpr const char* name = "where";
  template <typename T>
  static T apply(T condition, T a, T b) {
    return condition != T(0) ? a : b;
  }
};

// Two operations in one pass: Outer, whose input number `place` is the result of Inner, rounded.
template <class Outer_, int place_, class Inner_>
struct Fused {
  using Outer = Outer_;
  using Inner = Inner_;
  static constexpr int place = place_;
  static constexpr int arity = Outer::arity - 1 + Inner::arity;
  static constexpr bool commutative = false;

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

// The fusions: type, name in plans, outer operation, place, inner operation, and the combinations
// of scalar inputs that a long fusion has loops for, where bit k is for input k; none means all.
// Those with a function of math.h, whose polynomials are contracted, stand apart: fusions.cc is
// compiled without contraction.
#define CHAINRULE_FUSED_FUNCTIONS(X) X(ExpSub, "expSub", Exp, 0, Sub) /* exp(a - b) */
#define CHAINRULE_FUSED(X)                                                                      \
  X(MulAdd, "mulAdd", Add, 0, Mul)                      /* a b + c */                           \
  X(MulAddMul, "mulAddMul", MulAdd, 2, Mul)             /* a b + c d */                         \
  X(MulSub, "mulSub", Sub, 0, Mul)                      /* a b - c */                           \
  X(SubMul, "subMul", Sub, 1, Mul)                      /* a - b c */                           \
  X(AddAdd, "addAdd", Add, 0, Add)                      /* a + b + c */                         \
  X(SubSub, "subSub", Sub, 0, Sub)                      /* a - b - c */                         \
  X(MulMul, "mulMul", Mul, 0, Mul)                      /* a b c */                             \
  X(ScaledAdd, "scaledAdd", Mul, 0, Add)                /* (a + b) c */                         \
  X(ScaledSub, "scaledSub", Mul, 0, Sub)                /* (a - b) c */                         \
  X(MulDiv, "mulDiv", Div, 0, Mul)                      /* a b / c */                           \
  X(DivAdd, "divAdd", Div, 1, Add)                      /* a / (b + c) */                       \
  X(SqrtMul, "sqrtMul", Sqrt, 0, Mul)                   /* sqrt(a b) */                         \
  X(SqrtMulAdd, "sqrtMulAdd", Add, 0, SqrtMul)          /* sqrt(a b) + c */                     \
  X(DivSqrtMulAdd, "divSqrtMulAdd", Div, 1, SqrtMulAdd) /* a / (sqrt(b c) + d) */               \
  X(ReluAdd, "reluAdd", Relu, 0, Add)                   /* relu(a + b) */                       \
  X(WhereGt, "whereGt", Where, 0, Gt)                   /* a > b ? c : d */                     \
  X(WhereGe, "whereGe", Where, 0, Ge)                   /* a >= b ? c : d */                    \
  X(WhereEq, "whereEq", Where, 0, Eq)                   /* a == b ? c : d */                    \
  /* Moving averages and steps of adaptive optimisers: a b + c d e; a b c / (sqrt(d e) + f); */ \
  /* a - b c d / (sqrt(e f) + g). */                                                            \
  X(Average, "average", MulAdd, 2, MulMul, 0b01010, 0b10010)                                    \
  X(Quotient, "quotient", DivSqrtMulAdd, 0, MulMul, 0b110110)                                   \
  X(AdaptiveStep, "adaptiveStep", Sub, 1, Quotient, 0b1101100)

#define CHAINRULE_DEFINE_FUSED(Type, text, Outer, place, Inner, ...)          \
  struct Type : Fused<Outer, place, Inner> {                                  \
    static constexpr const char* name = text;                                 \
    static constexpr std::initializer_list<unsigned> allowed = {__VA_ARGS__}; \
  };
CHAINRULE_FUSED_FUNCTIONS(CHAINRULE_DEFINE_FUSED)
CHAINRULE_FUSED(CHAINRULE_DEFINE_FUSED)
#undef CHAINRULE_DEFINE_FUSED

#define CHAINRULE_NAME(Type, ...) Type,
#define CHAINRULE_LAST_NAME(Type, ...) , Type
#define CHAINRULE_ONE(Type, ...) std::declval<std::tuple<Type>>(),
using Functions = std::tuple<CHAINRULE_UNARY(CHAINRULE_NAME) CHAINRULE_BINARY(CHAINRULE_NAME)
                                 Where CHAINRULE_FUSED_FUNCTIONS(CHAINRULE_LAST_NAME)>;
using Fusions = decltype(std::tuple_cat(CHAINRULE_FUSED(CHAINRULE_ONE) std::tuple<>()));
#undef CHAINRULE_NAME
#undef CHAINRULE_LAST_NAME
#undef CHAINRULE_ONE
#undef CHAINRULE_UNARY
#undef CHAINRULE_BINARY
#undef CHAINRULE_FUSED
#undef CHAINRULE_FUSED_FUNCTIONS

// All of them; an operation's number is its position. Of two fusions with the same outer operation,
// the compiler uses the first that fits.
using Operations = decltype(std::tuple_cat(std::declval<Functions>(), std::declval<Fusions>()));

}  // namespace chainrule::CHAINRULE_ISA
