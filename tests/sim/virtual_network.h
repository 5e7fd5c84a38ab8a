// A network in virtual time: datagrams between endpoints are lost, doubled, overtaken and delayed as a seed
// says; timers of everybody who takes part run on the same queue. Nothing here knows SIP.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "policy/base/ip_address.h"
#include "tests/sim/judge.h"
#include "tests/sim/sim_random.h"

namespace sallyport::sim {

struct LinkSettings {
  double loss = 0, duplication = 0, reordering = 0;
  Duration delay_min = 5ms, delay_max = 5ms;
};

struct TraceEntry {
  Timestamp at{};
  Endpoint from, to;
  std::string bytes;
  std::string fate;  // "lost", "unreachable", "arrives twice", or how long it takes
};

class VirtualNetwork {
 public:
  using Receiver = std::function<void(const Endpoint& from, const Endpoint& to, std::string_view bytes)>;
  using Refusal = std::function<void(const Endpoint& from, const Endpoint& to)>;
  using TimerId = std::pair<Timestamp, std::uint64_t>;

  VirtualNetwork(std::uint64_t seed, const LinkSettings& link, Judge& judge);

  void attach(const Endpoint& at, Receiver receiver) { receivers_[at] = std::move(receiver); }
  // Who is behind a router is seen at another place, and hears what comes there, until he is seen elsewhere.
  // RFC 4787 §4.1, §5
  void put_behind(const Endpoint& own, const Endpoint& seen);
  [[nodiscard]] const Endpoint& seen_as(const Endpoint& own) const;
  // Called when a datagram meets no receiver, as ICMP would tell its sender; not called when not set.
  void on_unreachable(Refusal refusal) { refusal_ = std::move(refusal); }
  void send(const Endpoint& sender, const Endpoint& to, std::string_view bytes);

  TimerId after(Duration delay, std::function<void()> action);
  void cancel(const TimerId& timer) { events_.erase(timer); }

  // Does the next thing that is due until then; false: nothing is left, and it is `until` now.
  bool step(Timestamp until);
  [[nodiscard]] Timestamp now() const noexcept { return now_; }
  // From now on nothing is lost any more; what is under way arrives.
  void calm_down() noexcept { link_ = LinkSettings{}; }

  void keep_trace() noexcept { keeps_trace_ = true; }
  [[nodiscard]] const std::vector<TraceEntry>& trace() const noexcept { return trace_; }
  [[nodiscard]] std::uint64_t sent() const noexcept { return sent_; }

 private:
  void deliver(const Endpoint& from, const Endpoint& to, std::string bytes, Duration delay);
  void note(const Endpoint& from, const Endpoint& to, std::string_view bytes, std::string fate);

  SimRandom random_;
  LinkSettings link_;
  Judge& judge_;
  Timestamp now_{std::chrono::hours(1)};
  std::uint64_t order_ = 0, sent_ = 0;
  std::map<TimerId, std::function<void()>> events_;
  std::map<Endpoint, Receiver> receivers_;
  std::map<Endpoint, Endpoint> seen_as_, behind_;  // of who is behind a router: outside, inside
  Refusal refusal_;
  bool keeps_trace_ = false;
  std::vector<TraceEntry> trace_;
};

// The whole trace for people: time, from, to, fate, bytes.
[[nodiscard]] std::string print_trace(const std::vector<TraceEntry>& trace);

}  // namespace sallyport::sim
