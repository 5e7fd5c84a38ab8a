// adjacency_resolver.cpp — questions and events of adjacency_resolver.h; neighbour states are those of
// linux/neighbour.h (RFC 4861 §7.3.2).
#include "dataplane/net/adjacency_resolver.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace sallyport::dataplane {
namespace {

constexpr std::uint16_t kHasMac =
    NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_PROBE | NUD_STALE | NUD_DELAY;
constexpr std::uint16_t kVerified = NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE;

bool is_usable(const NeighbourMessage& neighbour) {
  return !neighbour.is_deletion && (neighbour.state & kHasMac) != 0 && neighbour.mac.has_value();
}

std::uint64_t bit_of(std::size_t lcore) { return std::uint64_t{1} << lcore; }

}  // namespace

AdjacencyResolver::AdjacencyResolver(const Setup& setup, LinuxNeighbours& linux_side, NextHopAnswers& answers)
    : setup_(setup),
      linux_(linux_side),
      answers_(answers),
      destinations_(setup.capacity, setup.key),
      neighbours_(setup.capacity, setup.key) {}

void AdjacencyResolver::keep_fresh(Timestamp now, const IpAddress& destination) {
  if (std::ranges::find(kept_, destination) == kept_.end()) kept_.push_back(destination);
  const auto route = linux_.route_to(destination);
  if (!route) return;
  Neighbour& neighbour = neighbour_of(now, route->next_hop);
  neighbour.is_kept = true;
  look_at(now, route->next_hop, neighbour);
  linux_.use_neighbour(route->next_hop, true);
}

void AdjacencyResolver::keep_fresh_only(Timestamp now, const std::vector<IpAddress>& destinations) {
  if (kept_ == destinations) return;
  std::vector<IpAddress> before;
  neighbours_.for_each([&](PortIndex, const IpAddress& address, Neighbour& neighbour) {
    if (std::exchange(neighbour.is_kept, false)) before.push_back(address);
  });
  kept_.clear();
  for (const IpAddress& destination : destinations) keep_fresh(now, destination);
  for (const IpAddress& address : before)
    if (const Neighbour* one = neighbours_.peek(setup_.port, address); one == nullptr || !one->is_kept)
      linux_.use_neighbour(address, false);
}

FromStream AdjacencyResolver::message_of(FromStream::Kind kind, const IpAddress& destination) const {
  FromStream message;
  message.kind = kind;
  message.port = setup_.port;
  message.destination = destination;
  return message;
}

AdjacencyResolver::Neighbour& AdjacencyResolver::neighbour_of(Timestamp now, const IpAddress& address) {
  Neighbour* const found = neighbours_.find(now, setup_.port, address);
  return found != nullptr ? *found : neighbours_.insert(now, setup_.port, address);
}

void AdjacencyResolver::on_question(Timestamp now, std::size_t lcore, const IpAddress& destination) {
  const auto route = linux_.route_to(destination);
  if (!route) {
    destinations_.erase(setup_.port, destination);
    answers_.answer(lcore, message_of(FromStream::Kind::NoRoute, destination));
    return;
  }
  Destination* state = destinations_.find(now, setup_.port, destination);
  if (state == nullptr) state = &destinations_.insert(now, setup_.port, destination);
  state->next_hop = route->next_hop;
  state->mtu = route->mtu;
  state->lcores |= bit_of(lcore);
  state->waiting |= bit_of(lcore);
  Neighbour& neighbour = neighbour_of(now, route->next_hop);
  look_at(now, route->next_hop, neighbour);
  if (neighbour.knowledge == Knowledge::Known && (state->waiting & bit_of(lcore)) != 0)
    tell(destination, *state, neighbour, bit_of(lcore));
}

// Takes over what Linux knows of a neighbour, and makes Linux find out or verify what it does not.
void AdjacencyResolver::look_at(Timestamp now, const IpAddress& address, Neighbour& neighbour) {
  const auto known = linux_.neighbour(address);
  if (known && is_usable(*known)) {
    learn(address, neighbour, Knowledge::Known, *known->mac);
    if ((known->state & kVerified) == 0) linux_.use_neighbour(address, neighbour.is_kept);
    return;
  }
  if (neighbour.give_up_at) return;  // Linux is at it
  neighbour.knowledge = Knowledge::Unknown;
  wait_for(now, neighbour);
  linux_.use_neighbour(address, neighbour.is_kept);
}

void AdjacencyResolver::wait_for(Timestamp now, Neighbour& neighbour) {
  neighbour.give_up_at = now + kPatience;
  deadline_ = std::min(deadline_.value_or(*neighbour.give_up_at), *neighbour.give_up_at);
}

void AdjacencyResolver::learn(const IpAddress& address, Neighbour& neighbour, Knowledge knowledge,
                              const MacAddress& mac) {
  const bool is_news = neighbour.give_up_at || neighbour.knowledge != knowledge ||
                       (knowledge == Knowledge::Known && neighbour.mac != mac);
  neighbour.knowledge = knowledge;
  neighbour.mac = mac;
  neighbour.give_up_at.reset();
  if (is_news) tell_behind(address, neighbour);
}

void AdjacencyResolver::tell_behind(const IpAddress& address, const Neighbour& neighbour) {
  std::size_t updates = 0;
  destinations_.for_each([&](PortIndex, const IpAddress& destination, Destination& state) {
    if (state.next_hop != address) return;
    // Beyond the limit only who waits gets an answer of its own.
    const std::uint64_t whom = ++updates <= kUpdatesMax ? state.lcores : state.waiting;
    if (whom != 0) tell(destination, state, neighbour, whom);
  });
  if (updates > kUpdatesMax) tell_changed();
}

void AdjacencyResolver::tell(const IpAddress& destination, Destination& state, const Neighbour& neighbour,
                             std::uint64_t whom) {
  FromStream message = message_of(FromStream::Kind::NoNeighbour, destination);
  if (neighbour.knowledge == Knowledge::Known) {
    message.kind = FromStream::Kind::NextHop;
    message.mac = neighbour.mac;
    message.mtu = state.mtu;
  }
  for (std::uint64_t left = whom; left != 0; left &= left - 1)
    answers_.answer(static_cast<std::size_t>(std::countr_zero(left)), message);
  state.waiting &= ~whom;
}

void AdjacencyResolver::tell_changed() {
  const FromStream message = message_of(FromStream::Kind::Changed, IpAddress());
  for (std::size_t lcore = 0; lcore < setup_.lcores; ++lcore) answers_.answer(lcore, message);
}

void AdjacencyResolver::on_neighbour(Timestamp now, const NeighbourMessage& event) {
  Neighbour* const neighbour = neighbours_.peek(setup_.port, event.address);
  if (neighbour == nullptr) return;  // nobody asked for it
  if (is_usable(event)) {
    learn(event.address, *neighbour, Knowledge::Known, *event.mac);
  } else if (event.is_deletion) {
    // Linux collects entries that are merely old, and an operator may delete one: who still needs it asks.
    if (neighbour->give_up_at || neighbour->is_kept) {
      linux_.use_neighbour(event.address, neighbour->is_kept);
      if (!neighbour->give_up_at) wait_for(now, *neighbour);
    }
    if (neighbour->knowledge == Knowledge::Known) tell_changed();
    neighbour->knowledge = Knowledge::Unknown;
  } else if ((event.state & NUD_FAILED) != 0) {
    learn(event.address, *neighbour, Knowledge::Missing, {});
  }
}

void AdjacencyResolver::on_routes_changed(Timestamp now) {
  tell_changed();
  for (std::size_t i = 0; i < kept_.size(); ++i) keep_fresh(now, IpAddress(kept_[i]));
}

void AdjacencyResolver::on_overflow(Timestamp now) {
  std::vector<IpAddress> waiting;
  neighbours_.for_each([&](PortIndex, const IpAddress& address, Neighbour& neighbour) {
    if (neighbour.give_up_at) waiting.push_back(address);
  });
  for (const IpAddress& address : waiting) {
    Neighbour* const neighbour = neighbours_.peek(setup_.port, address);
    const auto known = linux_.neighbour(address);
    if (known)
      on_neighbour(now, *known);
    else if (neighbour != nullptr)
      linux_.use_neighbour(address, neighbour->is_kept);
  }
  on_routes_changed(now);
}

std::optional<Timestamp> AdjacencyResolver::next_deadline() const noexcept { return deadline_; }

void AdjacencyResolver::on_deadline(Timestamp now) {
  if (!deadline_ || now < *deadline_) return;
  deadline_.reset();
  neighbours_.for_each([&](PortIndex, const IpAddress& address, Neighbour& neighbour) {
    if (!neighbour.give_up_at) return;
    if (now >= *neighbour.give_up_at)
      learn(address, neighbour, Knowledge::Missing, {});
    else
      deadline_ = std::min(deadline_.value_or(*neighbour.give_up_at), *neighbour.give_up_at);
  });
}

}  // namespace sallyport::dataplane
