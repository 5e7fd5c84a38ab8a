// message_writer.cpp — messages from their pieces: RFC 3261 §7, §8.2.6; RFC 3581 §4.
#include "sipalg/message/message_writer.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace sallyport::sip {
namespace {

struct Phrase {
  std::uint16_t code;
  std::string_view text;
};
// In the order of the codes.
constexpr std::array kPhrases{Phrase{100, "Trying"},
                              Phrase{180, "Ringing"},
                              Phrase{181, "Call Is Being Forwarded"},
                              Phrase{182, "Queued"},
                              Phrase{183, "Session Progress"},
                              Phrase{199, "Early Dialog Terminated"},
                              Phrase{200, "OK"},
                              Phrase{202, "Accepted"},
                              Phrase{204, "No Notification"},
                              Phrase{300, "Multiple Choices"},
                              Phrase{301, "Moved Permanently"},
                              Phrase{302, "Moved Temporarily"},
                              Phrase{305, "Use Proxy"},
                              Phrase{380, "Alternative Service"},
                              Phrase{400, "Bad Request"},
                              Phrase{401, "Unauthorized"},
                              Phrase{402, "Payment Required"},
                              Phrase{403, "Forbidden"},
                              Phrase{404, "Not Found"},
                              Phrase{405, "Method Not Allowed"},
                              Phrase{406, "Not Acceptable"},
                              Phrase{407, "Proxy Authentication Required"},
                              Phrase{408, "Request Timeout"},
                              Phrase{410, "Gone"},
                              Phrase{412, "Conditional Request Failed"},
                              Phrase{413, "Request Entity Too Large"},
                              Phrase{414, "Request-URI Too Long"},
                              Phrase{415, "Unsupported Media Type"},
                              Phrase{416, "Unsupported URI Scheme"},
                              Phrase{417, "Unknown Resource-Priority"},
                              Phrase{420, "Bad Extension"},
                              Phrase{421, "Extension Required"},
                              Phrase{422, "Session Interval Too Small"},
                              Phrase{423, "Interval Too Brief"},
                              Phrase{424, "Bad Location Information"},
                              Phrase{425, "Bad Alert Message"},
                              Phrase{428, "Use Identity Header"},
                              Phrase{429, "Provide Referrer Identity"},
                              Phrase{430, "Flow Failed"},
                              Phrase{433, "Anonymity Disallowed"},
                              Phrase{436, "Bad Identity Info"},
                              Phrase{437, "Unsupported Credential"},
                              Phrase{438, "Invalid Identity Header"},
                              Phrase{439, "First Hop Lacks Outbound Support"},
                              Phrase{440, "Max-Breadth Exceeded"},
                              Phrase{469, "Bad Info Package"},
                              Phrase{470, "Consent Needed"},
                              Phrase{480, "Temporarily Unavailable"},
                              Phrase{481, "Call/Transaction Does Not Exist"},
                              Phrase{482, "Loop Detected"},
                              Phrase{483, "Too Many Hops"},
                              Phrase{484, "Address Incomplete"},
                              Phrase{485, "Ambiguous"},
                              Phrase{486, "Busy Here"},
                              Phrase{487, "Request Terminated"},
                              Phrase{488, "Not Acceptable Here"},
                              Phrase{489, "Bad Event"},
                              Phrase{491, "Request Pending"},
                              Phrase{493, "Undecipherable"},
                              Phrase{494, "Security Agreement Required"},
                              Phrase{500, "Server Internal Error"},
                              Phrase{501, "Not Implemented"},
                              Phrase{502, "Bad Gateway"},
                              Phrase{503, "Service Unavailable"},
                              Phrase{504, "Server Time-out"},
                              Phrase{505, "Version Not Supported"},
                              Phrase{513, "Message Too Large"},
                              Phrase{555, "Push Notification Service Not Supported"},
                              Phrase{580, "Precondition Failure"},
                              Phrase{600, "Busy Everywhere"},
                              Phrase{603, "Decline"},
                              Phrase{604, "Does Not Exist Anywhere"},
                              Phrase{606, "Not Acceptable"},
                              Phrase{607, "Unwanted"},
                              Phrase{608, "Rejected"}};
static_assert(std::ranges::is_sorted(kPhrases, {}, &Phrase::code));

// "Via: " and so on: what a line of that name begins with. Copied whole, as three blocks of sixteen.
constexpr std::size_t kLineStartMax = 48;  // no known name is longer than 32
struct LineStart {
  std::array<char, kLineStartMax> text{};
  std::uint8_t size = 0;
};
constexpr std::string_view kLineEnd = "\r\n";
const std::array<LineStart, kHeaderNameCount> kLineStarts = [] {
  std::array<LineStart, kHeaderNameCount> starts;
  for (std::size_t i = 0; i < kHeaderNameCount; ++i) {
    const std::string_view name = to_string(static_cast<HeaderName>(i));
    for (const std::string_view piece : {name, std::string_view(": ")})
      for (const char c : piece) starts[i].text[starts[i].size++] = c;
  }
  return starts;
}();
std::string_view line_start(HeaderName name) noexcept {
  const LineStart& start = kLineStarts[static_cast<std::size_t>(name)];
  return {start.text.data(), start.size};
}

bool is_control(char c) noexcept {
  const auto octet = static_cast<unsigned char>(c);
  return octet < 0x20 ? !has_class(c, kSpace) : octet == 0x7f;
}

std::size_t digits_of(std::uint16_t number) noexcept {
  return number < 10 ? 1 : number < 100 ? 2 : number < 1000 ? 3 : number < 10000 ? 4 : 5;
}

// What stands in front of the parameters, when it is written just as we write it: nearly always. Empty: it is
// not, or there are no parameters to tell where it ends.
std::string_view as_we_write_it(const ViaHeader& via) noexcept {
  const char* const begin = via.protocol_name.data();
  const char* const end = via.params.data();
  const HostPort& host = via.sent_by;
  if (via.params.empty() || host.is_ipv6) return {};
  const auto follows = [](std::string_view one, std::string_view other) {
    return other.data() == one.data() + one.size() + 1;
  };
  const std::size_t port_size = host.port == 0 ? 0 : 1 + digits_of(host.port);
  if (!follows(via.protocol_name, via.protocol_version) || !follows(via.protocol_version, via.transport) ||
      !follows(via.transport, host.host) || host.host.data()[-1] != ' ' ||
      end != host.host.data() + host.host.size() + port_size)
    return {};
  return {begin, static_cast<std::size_t>(end - begin)};
}

// A parameter of the top Via, with or without its value, in whose place ours stands. RFC 3261 §18.2.1
bool is_filled_in(std::string_view param) noexcept {
  const std::string_view name = param.substr(0, param.find('='));
  return equals_ignoring_case(name, "received") || equals_ignoring_case(name, "rport");
}

}  // namespace

std::string_view reason_phrase(unsigned status_code) noexcept {
  const auto* found = std::ranges::lower_bound(kPhrases, status_code, {}, &Phrase::code);
  return found != kPhrases.end() && found->code == status_code ? found->text : "Unknown";
}

std::string_view address_text(const IpAddress& address, AddressText& buffer) noexcept {
  const auto* bytes = address.bytes().data();
  if (!address.is_v4()) {
    const char* text = inet_ntop(AF_INET6, bytes, buffer.data(), static_cast<socklen_t>(buffer.size()));
    return text == nullptr ? std::string_view{} : std::string_view(text);
  }
  char* at = buffer.data();
  for (std::size_t i = 12; i < 16; ++i) {
    at = std::to_chars(at, buffer.data() + buffer.size(), bytes[i]).ptr;
    if (i != 15) *at++ = '.';
  }
  return {buffer.data(), static_cast<std::size_t>(at - buffer.data())};
}

bool is_clean(std::string_view text) noexcept {
  return is_plain(text) || std::ranges::none_of(text, is_control);
}

void MessageWriter::text(std::string_view text) noexcept {
  if (text.size() > buffer_.size() - size_) {
    good_ = false;
    return;
  }
  Copier<false>(buffer_.data() + size_, text.data(), text.size());
  size_ += text.size();
}

void MessageWriter::foreign(std::string_view value) noexcept {
  if (value.size() > buffer_.size() - size_) {
    good_ = false;
    return;
  }
  if (!Copier<true>(buffer_.data() + size_, value.data(), value.size()).is_plain()) return unfold(value);
  size_ += value.size();
}

void MessageWriter::unfold(std::string_view value) noexcept {
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
  const auto [end, error] = std::to_chars(buffer_.data() + size_, buffer_.data() + buffer_.size(), value);
  if (error != std::errc{}) {
    good_ = false;
    return;
  }
  size_ = static_cast<std::size_t>(end - buffer_.data());
}

void MessageWriter::request_line(std::string_view method, std::string_view uri) noexcept {
  foreign(method);
  text(" ");
  foreign(uri);
  text(" SIP/2.0\r\n");
}

void MessageWriter::status_line(unsigned code, std::string_view phrase) noexcept {
  text("SIP/2.0 ");
  number(code);
  text(" ");
  text(phrase.empty() ? reason_phrase(code) : phrase);
  text("\r\n");
}

// Nearly all parameters: no white space, no quotes, none without a name. Each is one piece then.
bool MessageWriter::plain_params(std::string_view all, bool is_top_via) noexcept {
  if (!is_all_of<kParams>(all) || all.front() != ';') return false;
  const std::size_t start = size_;
  const char* const end = all.data() + all.size();
  for (const char* at = all.data(); at != end;) {
    const char* const next = find_octet(at + 1, end, end, ';');
    const std::string_view param(at, static_cast<std::size_t>(next - at));
    if (param.size() == 1 || param[1] == '=') {
      size_ = start;
      return false;
    }
    at = next;
    if (!is_top_via || !is_filled_in(param.substr(1))) text(param);
  }
  return true;
}

void MessageWriter::params(std::string_view all, bool is_top_via) noexcept {
  constexpr StrictnessPolicy kForgiving = StrictnessPolicy::of(Strictness::Lenient);
  if (all.empty() || plain_params(all, is_top_via)) return;
  Lexer lexer(all);
  GenericParam param;
  while (lexer.next_is(';') && parse_generic_param(lexer, kForgiving, param)) {
    if (param.name.empty() || !is_clean(param.value)) continue;
    if (is_top_via && is_filled_in(param.name)) continue;
    text(";");
    text(param.name);
    if (!param.has_value) continue;
    text("=");
    foreign(param.value);
  }
}

void MessageWriter::via(const ViaHeader& via, const Endpoint* source) noexcept {
  text("Via: ");
  if (const std::string_view whole = as_we_write_it(via); !whole.empty()) {
    text(whole);
  } else {
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
  }
  params(via.params, source != nullptr);
  if (source != nullptr) {
    const auto sent_by = literal_address(via.sent_by.host);
    AddressText buffer;
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
  text(line_start(name));
  if (!address.display_name.empty() && is_clean(address.display_name)) {
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
  if (!is_clean(value)) return;
  text(line_start(name));
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
  if (value.empty()) return header(to_string(name), value);
  const LineStart& start = kLineStarts[static_cast<std::size_t>(name)];
  if (buffer_.size() - size_ < start.text.size() + value.size() + kLineEnd.size())
    return header(name, std::initializer_list<std::string_view>{value});
  char* to = buffer_.data() + size_;
  std::memcpy(to, start.text.data(), start.text.size());
  size_ += start.size;
  foreign(value);
  text(kLineEnd);
}

void MessageWriter::header(std::string_view name, std::string_view value) noexcept {
  text(name);
  text(value.empty() ? ":" : ": ");
  foreign(value);
  text("\r\n");
}

void MessageWriter::header(HeaderName name, std::initializer_list<std::string_view> pieces) noexcept {
  text(line_start(name));
  for (const std::string_view piece : pieces) foreign(piece);
  text(kLineEnd);
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
  return written();
}

}  // namespace sallyport::sip
