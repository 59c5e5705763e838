#pragma once

namespace chainrule {

// Throws OpError if there is no address space for the buffer that the BLAS maps for each thread at
// its first product. OpenBLAS itself tries again for ever. Looks once for each thread.
void require_blas_buffer();

}  // namespace chainrule
