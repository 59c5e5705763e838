#include "registry.h"

#include "isa.h"

namespace chainrule::CHAINRULE_ISA {
namespace {

constexpr KernelEntry kKernels[] = {
    {"matmul", make_matmul},
    {"conv2d", make_conv2d},
    {"conv2dInputGrad", make_conv2d_input_grad},
    {"conv2dWeightGrad", make_conv2d_weight_grad},
    {"maxPool2d", make_max_pool2d},
    {"maxPool2dGrad", make_max_pool2d_grad},
    {"maxPool2dGather", make_max_pool2d_gather},
    {"avgPool2d", make_avg_pool2d},
    {"avgPool2dGrad", make_avg_pool2d_grad},
    {"gather", make_gather},
    {"scatterAdd", make_scatter_add},
    {"argMax", make_arg_max},
    {"checkRange", make_check_range},
    {"argSort", make_arg_sort},
    {"takeAlong", make_take_along},
    {"scatterAddAlong", make_scatter_add_along},
    {"cumSum", make_cum_sum},
    {"solve", make_solve},
    {"copy", make_copy},
    {"fill", make_fill},
    {"map", make_map},
    {"reduce", make_reduce},
};

}  // namespace

std::span<const KernelEntry> registry() { return kKernels; }

}  // namespace chainrule::CHAINRULE_ISA
