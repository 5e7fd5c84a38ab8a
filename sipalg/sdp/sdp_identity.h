// sdp_identity.h — how a leg names its sessions in o=: RFC 8866 §5.2, RFC 3264 §8.
#pragma once

#include <cstdint>

namespace sallyport::sip {

// One id for a leg's life, a version that grows by one with each change.
struct SdpIdentity {
  std::uint64_t session_id = 0;
  std::uint64_t version = 0;
  std::uint64_t last_hash = 0;  // of what was sent last, o= apart: the same SDP keeps its version
  template <class Archive>
  void archive(Archive& a) {
    a(session_id, version, last_hash);
  }
};

}  // namespace sallyport::sip
