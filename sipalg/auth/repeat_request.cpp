// repeat_request.cpp — RFC 3261 §22.1: same Call-ID, From and To, next CSeq number, new branch.
#include "sipalg/auth/repeat_request.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace sallyport::sip {
namespace {

constexpr std::string_view kViaLine = "Via: ";
constexpr std::string_view kCSeqLine = "CSeq: ";
constexpr std::string_view kBranchStart = ";branch=z9hG4bK";

class Copy {
 public:
  explicit Copy(std::span<char> buffer) noexcept : buffer_(buffer) {}
  void add(std::string_view text) noexcept {
    if (text.size() > buffer_.size() - used_) is_good_ = false;
    if (!is_good_) return;
    if (!text.empty()) std::memcpy(buffer_.data() + used_, text.data(), text.size());
    used_ += text.size();
  }
  [[nodiscard]] std::optional<std::string_view> written() const noexcept {
    return is_good_ ? std::optional(std::string_view(buffer_.data(), used_)) : std::nullopt;
  }
  void fail() noexcept { is_good_ = false; }

 private:
  std::span<char> buffer_;
  std::size_t used_ = 0;
  bool is_good_ = true;
};

void add_via(Copy& copy, std::string_view line, std::string_view branch) noexcept {
  const std::size_t at = line.find(kBranchStart);
  if (at == std::string_view::npos) return copy.fail();
  const std::size_t start = at + kBranchStart.size();
  copy.add(line.substr(0, start));
  copy.add(branch);
  const std::size_t end = line.find(';', start);
  if (end != std::string_view::npos) copy.add(line.substr(end));
}

void add_cseq(Copy& copy, std::string_view line, std::uint32_t cseq) noexcept {
  char digits[10];
  const auto end = std::to_chars(digits, digits + sizeof digits, cseq).ptr;
  copy.add(kCSeqLine);
  copy.add({digits, static_cast<std::size_t>(end - digits)});
  copy.add(line.substr(std::min(line.find(' ', kCSeqLine.size()), line.size())));
}

}  // namespace

std::optional<std::string_view> repeat_request(std::span<char> buffer, std::string_view request,
                                               const RepeatTerms& terms) noexcept {
  const std::size_t head_end = request.find("\r\n\r\n");
  if (head_end == std::string_view::npos) return std::nullopt;
  Copy copy(buffer);
  bool has_via = false, has_cseq = false;
  for (std::size_t at = 0; at < head_end;) {
    const std::size_t end = request.find("\r\n", at);
    const std::string_view line = request.substr(at, end - at);
    at = end + 2;
    if (line.starts_with("Authorization: ") || line.starts_with("Proxy-Authorization: ")) continue;
    if (!has_via && line.starts_with(kViaLine)) {
      add_via(copy, line, terms.branch);
      has_via = true;
    } else if (!has_cseq && line.starts_with(kCSeqLine)) {
      add_cseq(copy, line, terms.cseq);
      copy.add("\r\n");
      copy.add(terms.lines);
      has_cseq = true;
      continue;
    } else {
      copy.add(line);
    }
    copy.add("\r\n");
  }
  copy.add("\r\n");
  copy.add(request.substr(head_end + 4));
  if (!has_via || !has_cseq) return std::nullopt;
  return copy.written();
}

OwnRequest own_request(std::string_view request) noexcept {
  OwnRequest own;
  const std::size_t method_end = request.find(' ');
  if (method_end == std::string_view::npos) return own;
  own.method = request.substr(0, method_end);
  const std::string_view rest = request.substr(method_end + 1);
  own.uri = rest.substr(0, rest.find(' '));
  const std::size_t body = request.find("\r\n\r\n");
  if (body != std::string_view::npos) own.body = request.substr(body + 4);
  return own;
}

}  // namespace sallyport::sip
