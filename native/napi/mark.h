#pragma once

#include "napi/arguments.h"
#include "sync/abort.h"

namespace chainrule {

// Three optional arguments of a function that works on shared memory: words, the index of one, and
// the value to store there when the work is done. Nothing can end the thread between the work and
// the store, so after a termination the word reliably tells whoever resumes what was done. Nor is a
// call with a mark aborted: what it has begun to change in place could not be done again.
class Mark {
 public:
  Mark(const Arguments& arguments, size_t first);

  void set() const;

  // What the runs of the call look at.
  Abort* abort(Napi::Env env) const;

 private:
  int32_t* word_ = nullptr;
  int32_t value_ = 0;
};

}  // namespace chainrule
