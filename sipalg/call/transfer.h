// transfer.h — one transfer of a call that Sallyport carries out for whoever asked by REFER: RFC 3515, RFC
// 3891, RFC 5589.
#pragma once

#include <cstdint>

namespace sallyport::sip {

struct Transfer {
  std::uint32_t refer_cseq = 0;  // of the REFER: `id` of its subscription, RFC 3515 §2.4.6
  template <class Archive>
  void archive(Archive& a) {
    a(refer_cseq);
  }
};

}  // namespace sallyport::sip
