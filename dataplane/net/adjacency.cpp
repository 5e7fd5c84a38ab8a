// adjacency.cpp — the state table of adjacency.h.
#include "dataplane/net/adjacency.h"

namespace sallyport::dataplane {

AdjacencyCache::AdjacencyCache(std::size_t capacity, std::size_t ports, const HashKey& key)
    : entries_(capacity, key), routes_versions_(ports) {}

bool AdjacencyCache::ask_now(Timestamp now, Entry& entry) noexcept {
  if (now - entry.asked_at < kAskAgainAfter) return false;
  entry.asked_at = now;
  return true;
}

NextHop AdjacencyCache::start_resolving(Timestamp now, Entry& entry) noexcept {
  entry.state = State::Resolving;
  entry.asked_at = now;
  return {.verdict = NextHop::Verdict::Hold, .ask = true};
}

NextHop AdjacencyCache::look_up(Timestamp now, PortIndex port, const IpAddress& destination) noexcept {
  const std::uint32_t routes_version = routes_versions_[to_position(port)];
  Entry* const found = entries_.find(now, port, destination);
  if (found == nullptr) {
    Entry& fresh = entries_.insert(now, port, destination);
    fresh.routes_version = routes_version;
    return start_resolving(now, fresh);
  }
  Entry& entry = *found;
  const bool is_stale = entry.routes_version != routes_version;
  switch (entry.state) {
    case State::Resolving:
      return {.verdict = NextHop::Verdict::Hold, .ask = ask_now(now, entry)};
    case State::Resolved: {
      const bool is_due = is_stale || now - entry.answered_at >= kRefreshAfter;
      return {.verdict = NextHop::Verdict::Send,
              .ask = is_due && ask_now(now, entry),
              .mac = entry.mac,
              .mtu = entry.mtu};
    }
    case State::NoRoute:
    case State::NoNeighbour:
      break;
  }
  if (is_stale || now - entry.answered_at >= kNegativeFor) {
    entry.routes_version = routes_version;
    return start_resolving(now, entry);
  }
  return {.verdict =
              entry.state == State::NoRoute ? NextHop::Verdict::NoRoute : NextHop::Verdict::NoNeighbour};
}

void AdjacencyCache::on_message(Timestamp now, const FromStream& message) noexcept {
  if (to_position(message.port) >= routes_versions_.size()) return;
  std::uint32_t& routes_version = routes_versions_[to_position(message.port)];
  State answer = State::Resolving;
  switch (message.kind) {
    case FromStream::Kind::Packet:
      return;
    case FromStream::Kind::Changed:
      ++routes_version;
      ++version_;
      return;
    case FromStream::Kind::NextHop:
      answer = State::Resolved;
      break;
    case FromStream::Kind::NoRoute:
      answer = State::NoRoute;
      break;
    case FromStream::Kind::NoNeighbour:
      answer = State::NoNeighbour;
      break;
  }
  Entry* const entry = entries_.peek(message.port, message.destination);
  if (entry == nullptr) return;  // has made room for others
  const bool is_same = answer == State::Resolved && entry->mac == message.mac && entry->mtu == message.mtu;
  if (entry->state == State::Resolved && !is_same) ++version_;
  entry->state = answer;
  entry->answered_at = now;
  entry->routes_version = routes_version;
  entry->mac = message.mac;
  entry->mtu = message.mtu;
}

}  // namespace sallyport::dataplane
