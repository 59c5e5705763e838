#pragma once

// Every file of this folder is compiled once per instruction set, each time in a namespace of its
// own, so that one source serves them all. CMake defines CHAINRULE_ISA as baseline, avx2, avx512 or
// neon. Inline functions of other namespaces, as those of std, are kept apart by
// native/isolate.cmake.
#ifndef CHAINRULE_ISA
#define CHAINRULE_ISA baseline
#endif

#include "engine/step_reader.h"

// The kernels: the name in plans, and the function that makes one from a step. New kernels go here.
#define CHAINRULE_KERNELS(X)                            \
  X("matmul", make_matmul)                              \
  X("matmulSum", make_matmul_sum)                       \
  X("packMatmul", make_pack_matmul)                     \
  X("conv2d", make_conv2d)                              \
  X("conv2dInputGrad", make_conv2d_input_grad)          \
  X("conv2dWeightGrad", make_conv2d_weight_grad)        \
  X("packConv2d", make_pack_conv2d)                     \
  X("packConv2dInputGrad", make_pack_conv2d_input_grad) \
  X("maxPool2d", make_max_pool2d)                       \
  X("maxPool2dGrad", make_max_pool2d_grad)              \
  X("maxPool2dGather", make_max_pool2d_gather)          \
  X("avgPool2d", make_avg_pool2d)                       \
  X("avgPool2dGrad", make_avg_pool2d_grad)              \
  X("attention", make_attention)                        \
  X("attentionGrad", make_attention_grad)               \
  X("gather", make_gather)                              \
  X("scatterAdd", make_scatter_add)                     \
  X("argMax", make_arg_max)                             \
  X("checkRange", make_check_range)                     \
  X("argSort", make_arg_sort)                           \
  X("takeAlong", make_take_along)                       \
  X("scatterAddAlong", make_scatter_add_along)          \
  X("cumSum", make_cum_sum)                             \
  X("solve", make_solve)                                \
  X("allReduce", make_all_reduce)                       \
  X("copy", make_copy)                                  \
  X("fill", make_fill)                                  \
  X("map", make_map)                                    \
  X("reduce", make_reduce)

namespace chainrule::CHAINRULE_ISA {

#define CHAINRULE_DECLARE(name, make) std::unique_ptr<Kernel> make(const StepReader& step);
CHAINRULE_KERNELS(CHAINRULE_DECLARE)
#undef CHAINRULE_DECLARE

}  // namespace chainrule::CHAINRULE_ISA
