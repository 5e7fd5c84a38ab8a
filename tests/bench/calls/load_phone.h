// load_phone.h — the two phones of a load generator: one that calls and hangs up, one that answers at once.
// Over UDP both say again what got no answer within T1 (fixed, not doubled). RFC 3261 §13, §15, §17.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tests/bench/calls/load_line.h"

namespace sallyport::bench {

inline constexpr std::int64_t kSecond = 1'000'000'000;  // times are nanoseconds of CLOCK_MONOTONIC
inline constexpr std::int64_t kResendAfter = kSecond / 2;
inline constexpr std::int64_t kLateAfter = kSecond;  // an answer that took longer

// What a phone says of itself and whom it calls.
struct PhoneWords {
  std::string transport;    // UDP, TCP, TLS
  std::string own, remote;  // address:port
  std::string run;          // in what must never be the same twice
};

struct CallCounts {
  std::uint64_t begun = 0, made = 0, failed = 0, late = 0, resent = 0, unexpected = 0;
  std::string refusal;  // the first status line that a call failed by
};

class CallingPhone {
 public:
  explicit CallingPhone(PhoneWords words) : words_(std::move(words)) {}

  void begin(Line& line, std::int64_t now);
  void on_message(Line& line, std::string_view message, std::int64_t now);
  // Hangs up and says again what is due.
  void on_time(Line& line, std::int64_t now);
  void set_hold(std::int64_t hold) noexcept { hold_ = hold; }

  [[nodiscard]] std::uint64_t in_flight() const noexcept { return in_flight_; }
  // Gives up what is in flight. Counts since the last time, and of the calls made, how long each took to be
  // answered.
  [[nodiscard]] CallCounts take_counts(std::vector<std::int64_t>& took);

 private:
  enum class State : std::uint8_t { Inviting, Rung, Up, Leaving, Over };
  struct Call {
    State state = State::Inviting;
    std::int64_t asked = 0;       // when the request that has no answer yet was first said
    std::string to, target, ack;  // once it is answered
  };
  struct Due {
    std::int64_t at;
    std::uint64_t number;
    State state;
  };
  [[nodiscard]] std::string request(std::string_view method, std::uint64_t number, const Call& call) const;
  [[nodiscard]] std::string invite(std::uint64_t number) const;
  void on_answer(Line& line, std::uint64_t number, std::string_view message, std::int64_t now);
  void on_invite_failed(Line& line, std::uint64_t number, std::string_view message);
  void hang_up(Line& line, std::uint64_t number, std::int64_t now);
  void end(std::uint64_t number, bool is_made);
  void resend_later(std::uint64_t number, State state, std::int64_t now);

  PhoneWords words_;
  std::int64_t hold_ = 0;
  std::uint64_t next_ = 0, in_flight_ = 0;
  std::unordered_map<std::uint64_t, Call> calls_;
  std::deque<Due> holding_, waiting_;
  CallCounts counts_;
  std::vector<std::int64_t> took_;
};

class AnsweringPhone {
 public:
  explicit AnsweringPhone(PhoneWords words) : words_(std::move(words)) {}
  void on_message(Line& line, std::string_view message, std::int64_t now);
  void on_time(Line& line, std::int64_t now);
  [[nodiscard]] std::uint64_t take_resent() noexcept { return std::exchange(resent_, 0); }

 private:
  struct Due {
    std::int64_t at;
    std::string call_id;
  };
  [[nodiscard]] std::string answer(std::string_view request, std::string_view status,
                                   std::string_view body) const;

  PhoneWords words_;
  std::unordered_map<std::string, std::string> unacknowledged_;  // Call-ID: the 200; over UDP only
  std::deque<Due> waiting_;
  std::uint64_t resent_ = 0;
};

}  // namespace sallyport::bench
