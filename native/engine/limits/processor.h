#pragma once

namespace chainrule {

// What the processor has and the operating system lets programs use: AVX2 with FMA, and the parts
// of AVX-512 that the kernels are built with. False on other families of processors.
bool has_avx2();
bool has_avx512();

}  // namespace chainrule
