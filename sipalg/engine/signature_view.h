// signature_view.h — a SIP message as signatures see it: its parts by the names that rules give them.
#pragma once

#include "policy/base/fixed_vector.h"
#include "policy/signatures/signature_scanner.h"
#include "sipalg/engine/engine_input.h"
#include "sipalg/message/sip_message.h"

namespace sallyport::sip {

// Start line, header fields and body.
inline constexpr std::size_t kSignatureTextsMax = kHeadersMax + 8;

// Views point into the message; used again and again.
class SignatureView {
 public:
  // A whole message.
  [[nodiscard]] policy::ScannedMessage look_at(const MessageInput& input, const SipMessage& message) noexcept;

 private:
  void add(policy::SipBuffer buffer, std::string_view text) noexcept;
  void add_start_line(const SipMessage& message) noexcept;

  FixedVector<policy::SipText, kSignatureTextsMax> texts_;
};

}  // namespace sallyport::sip
