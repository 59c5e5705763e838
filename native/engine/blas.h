#pragma once

// The C interface of whichever BLAS native/blas.cmake found.
#if defined(CHAINRULE_BLAS_ACCELERATE)
#ifndef ACCELERATE_NEW_LAPACK
#define ACCELERATE_NEW_LAPACK
#endif
#include <Accelerate/Accelerate.h>
#include <dlfcn.h>
#elif defined(CHAINRULE_BLAS_MKL)
#include <mkl.h>
#elif defined(CHAINRULE_BLAS_BLIS)
#include <blis.h>
#include <cblas.h>
#else
#include <cblas.h>
#endif

namespace chainrule {

// Keeps the BLAS from starting threads: the workers are the threads, one product each.
inline void use_one_blas_thread() {
#if defined(CHAINRULE_BLAS_OPENBLAS)
  openblas_set_num_threads(1);
#elif defined(CHAINRULE_BLAS_MKL)
  mkl_set_num_threads(1);
#elif defined(CHAINRULE_BLAS_BLIS)
  bli_thread_set_num_threads(1);
#elif defined(CHAINRULE_BLAS_ACCELERATE)
  // For the calling thread, on macOS 15 and later; its header is not there where Linux compiles.
  constexpr unsigned kSingleThreaded = 1;
  using SetThreading = int (*)(unsigned);
  if (void* found = dlsym(RTLD_DEFAULT, "BLASSetThreading")) {
    reinterpret_cast<SetThreading>(found)(kSingleThreaded);
  }
#endif
}

// The name or the configuration of the BLAS that the addon was built with.
inline const char* blas_name() {
#if defined(CHAINRULE_BLAS_OPENBLAS)
  return openblas_get_config();
#elif defined(CHAINRULE_BLAS_MKL)
  return "MKL";
#elif defined(CHAINRULE_BLAS_BLIS)
  return "BLIS";
#elif defined(CHAINRULE_BLAS_ACCELERATE)
  return "Accelerate";
#elif defined(CHAINRULE_BLAS_PLAIN)
  return "none: plain loops";
#else
  return "CBLAS";
#endif
}

}  // namespace chainrule
