#pragma once

// Every file of this folder is compiled once per instruction set, each time in a namespace of its
// own, so that one source serves them all. CMake defines CHAINRULE_ISA as baseline, avx2, avx512 or
// neon, and lists the objects from the lowest to the highest: of an inline function that several of
// them emit, the linker keeps the lowest one's copy.
#ifndef CHAINRULE_ISA
#define CHAINRULE_ISA baseline
#endif

#include "../kernel.h"

namespace chainrule::CHAINRULE_ISA {

std::unique_ptr<Kernel> make_matmul(const StepReader& step);
std::unique_ptr<Kernel> make_conv2d(const StepReader& step);
std::unique_ptr<Kernel> make_conv2d_input_grad(const StepReader& step);
std::unique_ptr<Kernel> make_conv2d_weight_grad(const StepReader& step);
std::unique_ptr<Kernel> make_max_pool2d(const StepReader& step);
std::unique_ptr<Kernel> make_max_pool2d_grad(const StepReader& step);
std::unique_ptr<Kernel> make_max_pool2d_gather(const StepReader& step);
std::unique_ptr<Kernel> make_avg_pool2d(const StepReader& step);
std::unique_ptr<Kernel> make_avg_pool2d_grad(const StepReader& step);
std::unique_ptr<Kernel> make_gather(const StepReader& step);
std::unique_ptr<Kernel> make_scatter_add(const StepReader& step);
std::unique_ptr<Kernel> make_arg_max(const StepReader& step);
std::unique_ptr<Kernel> make_check_range(const StepReader& step);
std::unique_ptr<Kernel> make_arg_sort(const StepReader& step);
std::unique_ptr<Kernel> make_take_along(const StepReader& step);
std::unique_ptr<Kernel> make_scatter_add_along(const StepReader& step);
std::unique_ptr<Kernel> make_cum_sum(const StepReader& step);
std::unique_ptr<Kernel> make_solve(const StepReader& step);
std::unique_ptr<Kernel> make_copy(const StepReader& step);
std::unique_ptr<Kernel> make_fill(const StepReader& step);
std::unique_ptr<Kernel> make_map(const StepReader& step);
std::unique_ptr<Kernel> make_reduce(const StepReader& step);

}  // namespace chainrule::CHAINRULE_ISA
