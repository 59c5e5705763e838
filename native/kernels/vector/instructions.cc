#include "kernels/vector/instructions.h"

#include "kernels/vector/loops.h"

namespace chainrule::CHAINRULE_ISA {
namespace {

template <class Type>
constexpr Operation describe() {
  Operation facts{Type::name, Type::arity, Type::commutative, &has_loop<Type>};
  if constexpr (requires { Type::place; }) {
    facts.outer = Type::Outer::name;
    facts.inner = Type::Inner::name;
    facts.place = Type::place;
  }
  return facts;
}

template <class... Type>
constexpr auto describe_all(std::tuple<Type...>*) {
  return std::array{describe<Type>()...};
}

}  // namespace

template <typename T>
Loop<T> find_loop(int operation, unsigned scalars) {
  static constexpr auto kLoops = all_loops<T>(static_cast<Functions*>(nullptr));
  constexpr int kFirstFusion = static_cast<int>(kLoops.size());
  if (operation >= kFirstFusion) return find_fusion<T>(operation - kFirstFusion, scalars);
  return kLoops[operation][scalars];
}

std::span<const Operation> operations() {
  static constexpr auto kFacts = describe_all(static_cast<Operations*>(nullptr));
  return kFacts;
}

int copy_operation() {
  static_assert(std::is_same_v<std::tuple_element_t<0, Operations>, Copy>);
  return 0;
}

template Loop<float> find_loop<float>(int, unsigned);
template Loop<double> find_loop<double>(int, unsigned);

}  // namespace chainrule::CHAINRULE_ISA
