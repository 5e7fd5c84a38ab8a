// The event queue and the links of the virtual network.
#include "tests/sim/virtual_network.h"

#include <fmt/format.h>

namespace sallyport::sim {

VirtualNetwork::VirtualNetwork(std::uint64_t seed, const LinkSettings& link, Judge& judge)
    : random_(seed), link_(link), judge_(judge) {
  judge_.set_now(now_);
}

VirtualNetwork::TimerId VirtualNetwork::after(Duration delay, std::function<void()> action) {
  const TimerId id{now_ + delay, ++order_};
  events_.emplace(id, std::move(action));
  return id;
}

bool VirtualNetwork::step(Timestamp until) {
  if (events_.empty() || events_.begin()->first.first > until) {
    if (now_ < until) now_ = until;
    judge_.set_now(now_);
    return false;
  }
  auto node = events_.extract(events_.begin());
  now_ = node.key().first;
  judge_.set_now(now_);
  node.mapped()();
  return true;
}

void VirtualNetwork::put_behind(const Endpoint& own, const Endpoint& seen) {
  if (const auto before = seen_as_.find(own); before != seen_as_.end()) behind_.erase(before->second);
  seen_as_[own] = seen;
  behind_[seen] = own;
}

const Endpoint& VirtualNetwork::seen_as(const Endpoint& own) const {
  const auto found = seen_as_.find(own);
  return found == seen_as_.end() ? own : found->second;
}

void VirtualNetwork::send(const Endpoint& sender, const Endpoint& to, std::string_view bytes) {
  const Endpoint from = seen_as(sender);
  ++sent_;
  if (random_.chance(link_.loss)) {
    note(from, to, bytes, "lost");
    return;
  }
  Duration delay = random_.between(link_.delay_min, link_.delay_max);
  // Late enough that what is sent behind it comes first.
  if (random_.chance(link_.reordering)) delay += random_.between(link_.delay_max, 10 * link_.delay_max);
  const bool twice = random_.chance(link_.duplication);
  note(from, to, bytes,
       fmt::format("{}{:.1f} ms", twice ? "twice, " : "", static_cast<double>(delay.count()) / 1e6));
  deliver(from, to, std::string(bytes), delay);
  if (twice) deliver(from, to, std::string(bytes), delay + random_.between(Duration{0}, 8 * link_.delay_max));
}

void VirtualNetwork::deliver(const Endpoint& from, const Endpoint& to, std::string bytes, Duration delay) {
  (void)after(delay, [this, from, to, bytes = std::move(bytes)] {
    const auto inside = behind_.find(to);
    // What is behind a router is not reached at its own address.
    const auto receiver = inside != behind_.end() ? receivers_.find(inside->second)
                          : seen_as_.contains(to) ? receivers_.end()
                                                  : receivers_.find(to);
    if (receiver != receivers_.end()) {
      receiver->second(from, to, bytes);
    } else if (refusal_) {
      note(to, from, "", "unreachable");
      refusal_(from, to);
    }
  });
}

void VirtualNetwork::note(const Endpoint& from, const Endpoint& to, std::string_view bytes,
                          std::string fate) {
  if (keeps_trace_) trace_.push_back({now_, from, to, std::string(bytes), std::move(fate)});
}

std::string print_trace(const std::vector<TraceEntry>& trace) {
  std::string text;
  for (const TraceEntry& entry : trace)
    text += fmt::format("---- {:.6f} {} -> {} ({})\n{}\n",
                        static_cast<double>(entry.at.time_since_epoch().count()) / 1e9, to_string(entry.from),
                        to_string(entry.to), entry.fate, entry.bytes);
  return text;
}

}  // namespace sallyport::sim
