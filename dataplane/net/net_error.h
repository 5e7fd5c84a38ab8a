// net_error.h — why something can't be had of Linux, as one clear sentence for the operator.
#pragma once

#include <string>
#include <string_view>

#include "policy/base/result.h"

namespace sallyport::dataplane {

struct NetError {
  std::string message;
};

// "WHAT: strerror(number)".
[[nodiscard]] NetError net_error(std::string_view what, int number);

}  // namespace sallyport::dataplane
