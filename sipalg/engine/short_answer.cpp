// short_answer.cpp — see short_answer.h.
#include "sipalg/engine/short_answer.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace sallyport::sip {
namespace {

constexpr std::string_view kLineEnd = "\r\n", kNoBody = "Content-Length: 0\r\n", kColon = ": ";
constexpr std::array<std::pair<std::string_view, char>, 5> kCompact{
    {{"Via", 'v'}, {"From", 'f'}, {"To", 't'}, {"Call-ID", 'i'}, {"Supported", 'k'}}};

// Writes over what was read already: what comes out is never longer.
class InPlace {
 public:
  explicit InPlace(std::span<char> bytes) noexcept : bytes_(bytes) {}
  void put(std::string_view text) noexcept {
    std::copy(text.begin(), text.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(size_));
    size_ += text.size();
  }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  std::span<char> bytes_;
  std::size_t size_ = 0;
};

void put_field(InPlace& out, std::string_view line) noexcept {
  const std::size_t colon = std::min(line.find(':'), line.size());
  if (!line.substr(colon).starts_with(kColon)) return out.put(line);
  const std::string_view name = line.substr(0, colon);
  const auto compact = std::ranges::find(kCompact, name, &std::pair<std::string_view, char>::first);
  // Who knows SIP by heart looks for the names that stay with their space.
  if (compact == kCompact.end()) return out.put(line);
  out.put({&compact->second, 1});
  out.put(kColon.substr(0, 1));
  out.put(line.substr(colon + kColon.size()));
}

}  // namespace

std::size_t shorten_response(std::span<char> bytes) noexcept {
  std::string_view rest(bytes.data(), bytes.size());
  InPlace out(bytes);
  bool is_first = true;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, std::min(rest.find(kLineEnd), rest.size() - 2) + 2);
    rest.remove_prefix(line.size());
    if (line == kNoBody) continue;
    std::exchange(is_first, false) ? out.put(line) : put_field(out, line);
  }
  return out.size();
}

}  // namespace sallyport::sip
