#pragma once

#include "napi/arguments.h"

namespace chainrule {

// Measurements of what this thread can do at best. Each repeats its work for about `milliseconds`
// and returns the rate, or the time, of the quickest stretch.

// probeMultiplyAdd(milliseconds): 10^9 floating-point operations per second of a loop that
// multiplies and adds vectors in registers.
Napi::Value probe_multiply_add(const Napi::CallbackInfo& info);

// probeMove(move, a, b, out, milliseconds): 10^9 bytes per second, of the reads and writes
// together, of a move by the number in `probeMoves`, between the arrays as a whole.
Napi::Value probe_move(const Napi::CallbackInfo& info);

// probeMoves(): name, reads and writes of each move.
Napi::Value probe_moves(const Napi::CallbackInfo& info);

// probeBlas(a, b, out, shape, milliseconds): milliseconds of the product of matrices by the BLAS.
// `shape` has rows, columns, depth, and whether a and b are stored transposed.
Napi::Value probe_blas(const Napi::CallbackInfo& info);

}  // namespace chainrule
