// reliable_answers.h — the reliable provisional responses of one early dialog, on both its legs: RFC 3262.
#pragma once

#include <cstdint>

namespace sallyport::sip {

struct ReliableAnswers {
  std::uint32_t heard = 0;  // RSeq of the callee's last one in order; 0: none yet
  std::uint32_t sent = 0;   // of our last one to the caller; 0: none yet
  template <class Archive>
  void archive(Archive& a) {
    a(heard, sent);
  }
};

}  // namespace sallyport::sip
