// guess_limit.cpp — a bucket for each source, kept as the time at which it is full again.
#include "mgmt/http/guess_limit.h"

#include <algorithm>
#include <array>
#include <tuple>

namespace sallyport::mgmt {

IpAddress source_of(const IpAddress& address) {
  if (address.is_loopback()) return IpAddress::v4(0x7f000001);
  if (address.is_v4()) return address;
  std::array<std::uint8_t, 16> bytes = address.bytes();
  std::fill(bytes.begin() + 8, bytes.end(), std::uint8_t{0});
  return IpAddress::v6(bytes);
}

const GuessLimit::Source* GuessLimit::find(const IpAddress& source) const {
  const auto found = sources_.find(source_of(source));
  return found == sources_.end() ? nullptr : &found->second;
}

Duration GuessLimit::wait(const IpAddress& source, Timestamp now) const {
  const Source* const known = find(source);
  if (known == nullptr) return {};
  return std::max(Duration{}, known->spent_until + kGuessEach - kGuessEach * kGuessesMax - now);
}

bool GuessLimit::may_guess(const IpAddress& source, Timestamp now) const {
  return wait(source, now) == Duration{};
}

std::uint64_t GuessLimit::tokens_proved(const IpAddress& source) const {
  const Source* const known = find(source);
  return known == nullptr ? 0 : known->proved;
}

GuessLimit::Source& GuessLimit::at(const IpAddress& source, Timestamp now) {
  const IpAddress key = source_of(source);
  if (!sources_.contains(key) && sources_.size() >= kSourcesMax)
    sources_.erase(std::ranges::min_element(
        sources_, {}, [](const auto& one) { return std::tuple(one.second.proved != 0, one.second.heard); }));
  Source& known = sources_[key];
  known.heard = now;
  return known;
}

void GuessLimit::wrong(const IpAddress& source, Timestamp now) {
  Source& known = at(source, now);
  known.spent_until = std::max(known.spent_until, now) + kGuessEach;
}

void GuessLimit::right(const IpAddress& source, std::size_t token, Timestamp now) {
  at(source, now).proved |= std::uint64_t{1} << (token % 64);
}

void GuessLimit::forget_proofs() {
  for (auto& [address, source] : sources_) source.proved = 0;
}

}  // namespace sallyport::mgmt
