// guess_limit.h — how often a source may show a wrong token before its next ones are not looked at (threats
// R12).
//
// A source is an IPv4 address, a /64 of IPv6, or this machine as a whole. Several clients may share one, so a
// token that was right from there before goes on being looked at while others guess.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

#include "policy/base/ip_address.h"
#include "policy/base/time.h"

namespace sallyport::mgmt {

// Whom an address stands for: itself, its /64, or 127.0.0.1 for this machine.
[[nodiscard]] IpAddress source_of(const IpAddress& address);

class GuessLimit {
 public:
  static constexpr std::size_t kSourcesMax = 1024;
  static constexpr std::uint32_t kGuessesMax = 10;                 // at once
  static constexpr Duration kGuessEach = std::chrono::seconds(6);  // one more, after that

  // May its token be anything? No: only those of tokens_proved().
  [[nodiscard]] bool may_guess(const IpAddress& source, Timestamp now) const;
  // How long until it may; zero: now.
  [[nodiscard]] Duration wait(const IpAddress& source, Timestamp now) const;
  // Bit n: token n, which was right from there before.
  [[nodiscard]] std::uint64_t tokens_proved(const IpAddress& source) const;

  // With no room for another source the one heard of longest ago is forgotten, those without a right token
  // first.
  void wrong(const IpAddress& source, Timestamp now);
  void right(const IpAddress& source, std::size_t token, Timestamp now);
  // The tokens are others now.
  void forget_proofs();
  [[nodiscard]] std::size_t sources() const noexcept { return sources_.size(); }

 private:
  struct Source {
    Timestamp heard{};
    Timestamp spent_until{};  // a guess moves it kGuessEach on: full when it lies in the past
    std::uint64_t proved = 0;
  };
  [[nodiscard]] const Source* find(const IpAddress& source) const;
  Source& at(const IpAddress& source, Timestamp now);

  std::map<IpAddress, Source> sources_;
};

}  // namespace sallyport::mgmt
