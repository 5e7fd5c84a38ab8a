// check.cpp — the last words of a program that found its own state broken.
#include "policy/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace sallyport {

void check_failed(const char* expression, const char* file, int line) noexcept {
  std::fprintf(stderr, "sallyport: internal error at %s:%d: %s\n", file, line, expression);
  std::abort();
}

}  // namespace sallyport
