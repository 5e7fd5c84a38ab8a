// header_parser.h — sorts header field lines of one message into SipMessage: RFC 3261 §7.3, §8.1.1, §20.
#pragma once

#include "sipalg/message/sip_message.h"

namespace sallyport::sip {

// Goes on after an error, so that as much as possible is known when an answer is made; the first one stays.
class HeaderParser {
 public:
  HeaderParser(const StrictnessPolicy& strictness, SipMessage& message) noexcept
      : strictness_(strictness), message_(message) {}

  // One header field with its continuation lines, without the line end.
  void on_line(const char* begin, const char* end) noexcept;
  // What every message must have, RFC 3261 §8.1.1; call when all lines were seen.
  void check_required() noexcept;

 private:
  // For a line that is not the first of its name; refuses when it may not.
  bool may_stand_again(HeaderName name, unsigned lines, const char* begin) noexcept;
  void on_value(HeaderName name, std::string_view value) noexcept;
  void on_via(std::string_view value) noexcept;
  void on_address(HeaderName name, std::string_view value) noexcept;
  void on_contact(std::string_view value) noexcept;
  void on_cseq(std::string_view value) noexcept;
  void on_call_id(std::string_view value) noexcept;
  void on_number(HeaderName name, std::string_view value) noexcept;
  void on_content_type(std::string_view value) noexcept;
  void refuse(GrammarRule rule, const char* at, std::uint16_t answer = 400,
              bool framing_lost = false) noexcept;

  [[nodiscard]] const char* readable_end() const noexcept {
    return message_.bytes.data() + message_.bytes.size();
  }

  const StrictnessPolicy& strictness_;
  SipMessage& message_;
};

}  // namespace sallyport::sip
