// check.h — SALLYPORT_CHECK stops the program when something impossible has happened.
//
// It stays on in release builds: a session border controller that goes on with broken state may join two
// strangers' calls. It is for errors of ours only; what the network or a file can cause is a Result.
#pragma once

namespace sallyport {

// Prints where and what, then aborts. Never returns.
[[noreturn]] void check_failed(const char* expression, const char* file, int line) noexcept;

}  // namespace sallyport

#define SALLYPORT_CHECK(expression)                               \
  do {                                                            \
    if (!(expression)) [[unlikely]]                               \
      ::sallyport::check_failed(#expression, __FILE__, __LINE__); \
  } while (false)
