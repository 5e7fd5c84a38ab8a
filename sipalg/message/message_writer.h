// message_writer.h — builds requests and responses into a buffer of fixed size: RFC 3261 §7, §8.2.6, §18.2.1.
//
// Nothing is ever copied as a raw line. Values go out from their parsed pieces (or, where an answer must
// repeat what can't be parsed, as one value), folding becomes one space, and a control octet makes the
// message unusable instead of slipping through (threats P3, P13).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>

#include "policy/base/ip_address.h"
#include "sipalg/message/header_name.h"
#include "sipalg/message/octet_copy.h"
#include "sipalg/message/sip_message.h"

namespace sallyport::sip {

// The phrase of the registered code (RFC 3261 §21 and those that came after it); "Unknown" for others.
[[nodiscard]] std::string_view reason_phrase(unsigned status_code) noexcept;
// No control octet but those of folding: foreign text that may be written.
[[nodiscard]] bool is_clean(std::string_view text) noexcept;
// As it stands in Via: without brackets. Points into `buffer`.
using AddressText = std::array<char, 46>;
[[nodiscard]] std::string_view address_text(const IpAddress& address, AddressText& buffer) noexcept;

class MessageWriter {
 public:
  // The buffer must outlive the writer and what finish() returns.
  explicit MessageWriter(std::span<char> buffer) noexcept : buffer_(buffer) {}

  void request_line(std::string_view method, std::string_view uri) noexcept;
  // `phrase`: what says more than the code's own. RFC 3261 §21.4.1
  void status_line(unsigned code, std::string_view phrase = {}) noexcept;
  // `source`: fills in received and rport of the top Via. RFC 3261 §18.2.1, RFC 3581 §4
  void via(const ViaHeader& via, const Endpoint* source) noexcept;
  // `tag`: added when the address has none. A display name or parameter with control octets is left out.
  void address(HeaderName name, const NameAddr& address, std::string_view tag) noexcept;
  // An address as it was written, unfolded; left out when it holds a control octet.
  void echo(HeaderName name, std::string_view value, std::string_view tag) noexcept;
  void cseq(const CSeqHeader& cseq) noexcept;
  void header(HeaderName name, std::string_view value) noexcept;
  void header(std::string_view name, std::string_view value) noexcept;
  // One value out of several pieces.
  void header(HeaderName name, std::initializer_list<std::string_view> pieces) noexcept;
  // Whole header lines that a writer made before.
  void lines(std::string_view whole) noexcept { text(whole); }
  // A comma-separated list, one member at a time; begin_list, any number of list_member, end_list.
  void begin_list(HeaderName name) noexcept;
  void list_member(std::string_view token) noexcept;
  void end_list() noexcept;
  // What was written so far; nothing when it did not fit or was not clean.
  [[nodiscard]] std::optional<std::string_view> written() const noexcept {
    return good_ ? std::optional(std::string_view(buffer_.data(), size_)) : std::nullopt;
  }
  // Writes Content-Length, the empty line and the body; nothing when it did not fit or was not clean.
  [[nodiscard]] std::optional<std::string_view> finish(std::string_view body) noexcept;

 private:
  void text(std::string_view text) noexcept;     // our own words, or what the parser found clean
  void foreign(std::string_view text) noexcept;  // folding undone, control octets refused
  void unfold(std::string_view text) noexcept;
  void number(std::uint32_t value) noexcept;
  void params(std::string_view params, bool is_top_via) noexcept;
  // False, and nothing is written, when they are of another form.
  [[nodiscard]] bool plain_params(std::string_view params, bool is_top_via) noexcept;

  std::span<char> buffer_;
  std::size_t size_ = 0;
  bool good_ = true;
  bool list_started_ = false;
};

}  // namespace sallyport::sip
