#!/bin/sh
# Zig's Clang in the place of GCC, for the makefile of OpenBLAS: Zig has other names for some processors, and without
# optimisation it adds checks of undefined behaviour, which the makefile's trial programs do not link with.
for argument; do
  shift
  case $argument in
    -march=armv8-a) ;; # what every processor for arm64 has
    -march=skylake-avx512) set -- "$@" -march=skylake_avx512 ;;
    *) set -- "$@" "$argument" ;;
  esac
done
exec zig cc -fno-sanitize=undefined "$@"
