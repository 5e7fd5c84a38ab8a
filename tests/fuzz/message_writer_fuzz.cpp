// message_writer_fuzz.cpp — foreign texts of any octets, which no parser has seen, through MessageWriter into
// buffers that just hold them or end within them: not an octet is written behind the end, what does not fit
// is no message, no line holds what would end it or another control octet, and a name that can't be written
// is left out without harm to the rest. RFC 3261 §7.3.1; threats P3, P13.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "sipalg/message/message_writer.h"

namespace {

using namespace sallyport;
using namespace sallyport::sip;

void demand(bool condition) {
  if (!condition) std::abort();
}

// Takes the input apart: small numbers and texts.
class Input {
 public:
  explicit Input(std::string_view octets) : rest_(octets) {}
  [[nodiscard]] bool is_over() const { return rest_.empty(); }
  unsigned number() {
    if (rest_.empty()) return 0;
    const auto octet = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    return octet;
  }
  std::string_view text() {
    const std::string_view text = rest_.substr(0, number() % 64);
    rest_.remove_prefix(std::min(text.size(), rest_.size()));
    return text;
  }
  [[nodiscard]] std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

// What stands in front of the colon of the lines below.
constexpr std::array<std::string_view, 8> kNames{"Via",  "To",    "From",    "Subject",
                                                 "CSeq", "Allow", "X-Field", "Content-Length"};
constexpr unsigned kLinesMax = 12;

struct Outcome {
  std::optional<std::string> message;
  bool must_be_whole = true;  // whatever holds control octets is a name or a parameter
};

void write_line(MessageWriter& writer, Input& input, bool& must_be_whole) {
  const unsigned kind = input.number() % 7;
  const std::string_view one = input.text(), other = input.text();
  const auto must = [&must_be_whole](std::string_view text) {
    must_be_whole = must_be_whole && is_clean(text);
  };
  switch (kind) {
    case 0:
      must(one);
      return writer.header(HeaderName::Subject, one);
    case 1:
      must(one);
      return writer.header("X-Field", one);
    case 2:
      must(one);
      must(other);
      return writer.header(HeaderName::Subject, {one, other});
    case 3: {
      NameAddr address;
      address.display_name = one;
      address.uri.text = "sip:a@b";
      address.params = other;
      return writer.address(HeaderName::To, address, "ourtag");
    }
    case 4:
      return writer.echo(HeaderName::From, one, "ourtag");
    case 5:
      must(one);
      must(other);
      writer.begin_list(HeaderName::Allow);
      writer.list_member(one);
      writer.list_member(other);
      return writer.end_list();
    default:
      must(one);
      return writer.cseq({.number = 1, .digits = "1", .method = one});
  }
}

Outcome write(std::string_view octets, std::size_t room) {
  const auto buffer = std::make_unique<char[]>(room);  // of just that size: the sanitizer sees its end
  MessageWriter writer({buffer.get(), room});
  Outcome outcome;
  Input input(octets);
  writer.request_line("INVITE", "sip:a@b");
  for (unsigned i = 0; i < kLinesMax && !input.is_over(); ++i)
    write_line(writer, input, outcome.must_be_whole);
  if (const auto message = writer.finish(input.rest())) outcome.message = std::string(*message);
  return outcome;
}

void check_lines(std::string_view message) {
  std::string_view head = message.substr(0, message.find("\r\n\r\n") + 2);
  demand(head.starts_with("INVITE sip:a@b SIP/2.0\r\n"));
  head.remove_prefix(head.find("\r\n") + 2);
  while (!head.empty()) {
    const std::string_view line = head.substr(0, head.find("\r\n"));
    head.remove_prefix(line.size() + 2);
    demand(is_clean(line) && line.find_first_of("\r\n") == std::string_view::npos);
    bool is_ours = false;
    for (const std::string_view name : kNames)
      is_ours = is_ours || (line.starts_with(name) && line.substr(name.size()).starts_with(':'));
    demand(is_ours);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view octets(reinterpret_cast<const char*>(data), size);
  const Outcome whole = write(octets, size + 4096);
  demand(whole.message || !whole.must_be_whole);
  if (!whole.message) return 0;
  check_lines(*whole.message);
  const std::size_t needed = whole.message->size();
  // What is folded, and parameters that are left out, are given their room before they become shorter.
  demand(write(octets, needed + size).message == whole.message);
  for (const std::size_t less : {std::size_t{1}, std::size_t{2}, needed - needed * (size % 97) / 97})
    demand(!write(octets, needed - std::min(std::max<std::size_t>(less, 1), needed)).message);
  return 0;
}
