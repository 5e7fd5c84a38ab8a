// message_writer.cpp — messages from their pieces: RFC 3261 §7, §8.2.6; RFC 3581 §4.
#include "sipalg/message/message_writer.h"

#include <arpa/inet.h>

#include <array>
#include <charconv>
#include <cstring>

namespace sallyport::sip {
namespace {

struct Phrase {
  std::uint16_t code;
  std::string_view text;
};
constexpr std::array kPhrases{Phrase{100, "Trying"},
                              Phrase{200, "OK"},
                              Phrase{400, "Bad Request"},
                              Phrase{403, "Forbidden"},
                              Phrase{404, "Not Found"},
                              Phrase{405, "Method Not Allowed"},
                              Phrase{414, "Request-URI Too Long"},
                              Phrase{415, "Unsupported Media Type"},
                              Phrase{416, "Unsupported URI Scheme"},
                              Phrase{420, "Bad Extension"},
                              Phrase{481, "Call/Transaction Does Not Exist"},
                              Phrase{482, "Loop Detected"},
                              Phrase{483, "Too Many Hops"},
                              Phrase{488, "Not Acceptable Here"},
                              Phrase{500, "Server Internal Error"},
                              Phrase{501, "Not Implemented"},
                              Phrase{503, "Service Unavailable"},
                              Phrase{505, "Version Not Supported"},
                              Phrase{513, "Message Too Large"}};

bool is_control(char c) noexcept {
  const auto octet = static_cast<unsigned char>(c);
  return octet < 0x20 ? !has_class(c, kSpace) : octet == 0x7f;
}

bool has_controls(std::string_view text) noexcept {
  for (const char c : text)
    if (is_control(c)) return true;
  return false;
}

std::string_view address_text(const IpAddress& address, std::array<char, INET6_ADDRSTRLEN>& buffer) noexcept {
  const auto* bytes = address.bytes().data();
  const char* text =
      address.is_v4() ? inet_ntop(AF_INET, bytes + 12, buffer.data(), static_cast<socklen_t>(buffer.size()))
                      : inet_ntop(AF_INET6, bytes, buffer.data(), static_cast<socklen_t>(buffer.size()));
  return text == nullptr ? std::string_view{} : std::string_view(text);
}

}  // namespace

std::string_view reason_phrase(unsigned status_code) noexcept {
  for (const Phrase& phrase : kPhrases)
    if (phrase.code == status_code) return phrase.text;
  return "Unknown";
}

void MessageWriter::text(std::string_view text) noexcept {
  if (text.size() > buffer_.size() - size_) {
    good_ = false;
    return;
  }
  if (text.empty()) return;
  std::memcpy(buffer_.data() + size_, text.data(), text.size());
  size_ += text.size();
}

void MessageWriter::foreign(std::string_view value) noexcept {
  if (value.size() > buffer_.size() - size_) {
    good_ = false;
    return;
  }
  char* out = buffer_.data() + size_;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    if (is_control(c)) good_ = false;
    const bool fold = c == '\r' || c == '\n';
    *out++ = fold ? ' ' : c;
    // Folding: one space for all of it. RFC 3261 §7.3.1
    while (fold && i + 1 < value.size() && has_class(value[i + 1], kSpace)) ++i;
  }
  size_ = static_cast<std::size_t>(out - buffer_.data());
}

void MessageWriter::number(std::uint32_t value) noexcept {
  std::array<char, 10> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  text({digits.data(), static_cast<std::size_t>(end - digits.data())});
}

void MessageWriter::request_line(std::string_view method, std::string_view uri) noexcept {
  foreign(method);
  text(" ");
  foreign(uri);
  text(" SIP/2.0\r\n");
}

void MessageWriter::status_line(unsigned code) noexcept {
  text("SIP/2.0 ");
  number(code);
  text(" ");
  text(reason_phrase(code));
  text("\r\n");
}

void MessageWriter::params(std::string_view all, bool is_top_via) noexcept {
  constexpr StrictnessPolicy kForgiving = StrictnessPolicy::of(Strictness::Lenient);
  Lexer lexer(all);
  GenericParam param;
  while (lexer.next_is(';') && parse_generic_param(lexer, kForgiving, param)) {
    if (param.name.empty() || has_controls(param.value)) continue;
    // Ours take the place of what the sender claims. RFC 3261 §18.2.1
    if (is_top_via &&
        (equals_ignoring_case(param.name, "received") || equals_ignoring_case(param.name, "rport")))
      continue;
    text(";");
    text(param.name);
    if (!param.has_value) continue;
    text("=");
    foreign(param.value);
  }
}

void MessageWriter::via(const ViaHeader& via, const Endpoint* source) noexcept {
  text("Via: ");
  text(via.protocol_name);
  text("/");
  text(via.protocol_version);
  text("/");
  text(via.transport);
  text(via.sent_by.is_ipv6 ? " [" : " ");
  text(via.sent_by.host);
  if (via.sent_by.is_ipv6) text("]");
  if (via.sent_by.port != 0) {
    text(":");
    number(via.sent_by.port);
  }
  params(via.params, source != nullptr);
  if (source != nullptr) {
    const auto sent_by = literal_address(via.sent_by.host);
    std::array<char, INET6_ADDRSTRLEN> buffer{};
    if (via.rport_requested || sent_by != source->address) {  // RFC 3261 §18.2.1, RFC 3581 §4
      text(";received=");
      text(address_text(source->address, buffer));
    }
    if (via.rport_requested) {
      text(";rport=");
      number(source->port);
    }
  }
  text("\r\n");
}

void MessageWriter::address(HeaderName name, const NameAddr& address, std::string_view tag) noexcept {
  text(to_string(name));
  text(": ");
  if (!address.display_name.empty() && !has_controls(address.display_name)) {
    foreign(address.display_name);
    text(" ");
  }
  text("<");
  foreign(address.uri.text);
  text(">");
  params(address.params, false);
  if (address.tag.empty() && !tag.empty()) {
    text(";tag=");
    text(tag);
  }
  text("\r\n");
}

void MessageWriter::echo(HeaderName name, std::string_view value, std::string_view tag) noexcept {
  if (has_controls(value)) return;
  text(to_string(name));
  text(": ");
  foreign(value);
  if (!tag.empty()) {
    text(";tag=");
    text(tag);
  }
  text("\r\n");
}

void MessageWriter::cseq(const CSeqHeader& cseq) noexcept {
  text("CSeq: ");
  foreign(cseq.digits);
  text(" ");
  foreign(cseq.method);
  text("\r\n");
}

void MessageWriter::header(HeaderName name, std::string_view value) noexcept {
  header(to_string(name), value);
}

void MessageWriter::header(std::string_view name, std::string_view value) noexcept {
  text(name);
  text(value.empty() ? ":" : ": ");
  foreign(value);
  text("\r\n");
}

void MessageWriter::begin_list(HeaderName name) noexcept {
  text(to_string(name));
  text(":");
  list_started_ = false;
}

void MessageWriter::list_member(std::string_view token) noexcept {
  text(list_started_ ? ", " : " ");
  foreign(token);
  list_started_ = true;
}

void MessageWriter::end_list() noexcept { text("\r\n"); }

std::optional<std::string_view> MessageWriter::finish(std::string_view body) noexcept {
  text("Content-Length: ");
  number(static_cast<std::uint32_t>(body.size()));
  text("\r\n\r\n");
  text(body);
  if (!good_) return std::nullopt;
  return std::string_view(buffer_.data(), size_);
}

}  // namespace sallyport::sip
