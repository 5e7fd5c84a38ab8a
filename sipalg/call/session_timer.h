// session_timer.h — how long a session lasts on one leg without being refreshed, and by whom it is: RFC 4028.
#pragma once

#include <cstdint>

#include "policy/base/time.h"

namespace sallyport::sip {

struct SessionTimer {
  std::uint32_t seconds = 0;  // Session-Expires
  bool is_ours = false;       // we refresh it
  Timestamp due{};            // we refresh then, or the session is over
  template <class Archive>
  void archive(Archive& a) {
    a(seconds, is_ours, due);
  }
};

}  // namespace sallyport::sip
