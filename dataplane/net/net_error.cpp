// net_error.cpp — sentences about failed system calls.
#include "dataplane/net/net_error.h"

#include <array>
#include <cstring>

namespace sallyport::dataplane {

NetError net_error(std::string_view what, int number) {
  std::array<char, 128> buffer{};
  return NetError{std::string(what) + ": " + strerror_r(number, buffer.data(), buffer.size())};
}

}  // namespace sallyport::dataplane
