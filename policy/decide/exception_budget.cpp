// exception_budget.cpp — budgets of what goes to Linux.
#include "policy/decide/exception_budget.h"

#include <algorithm>
#include <set>

#include "policy/base/address_hash.h"

namespace sallyport::policy {
namespace {

// A neighbour asks once a second while it resolves and rarely afterwards; a failed-over gateway announces
// itself a few times. Strangers on a busy segment ask as seldom, each.
constexpr BucketLimit kNeighbour{{20, 1s}, 40};
constexpr BucketLimit kOne{{5, 1s}, 10};
constexpr BucketLimit kAll{{200, 1s}, 200};
// New connections. Strangers pay where datagrams of strangers pay (SourceLimiter), not here.
constexpr BucketLimit kNeighbourOpens{{200, 1s}, 400};
constexpr BucketLimit kOneOpens{{50, 1s}, 100};
constexpr BucketLimit kAllOpen{{1000, 1s}, 1000};
// Segments of connections that are there: no more than the thread that serves the taps can carry. TCP slows
// down when some are lost.
constexpr BucketLimit kNeighbourSends{{100'000, 1s}, 4096};
constexpr BucketLimit kOneSends{{2000, 1s}, 2000};
constexpr BucketLimit kAllSend{{20'000, 1s}, 4096};
// Routing protocols and the like: a hello now and then, BFD up to twenty times a second, a burst of updates.
constexpr BucketLimit kNeighbourTells{{500, 1s}, 1000};
constexpr BucketLimit kOneTells{{100, 1s}, 200};
constexpr BucketLimit kAllTell{{1000, 1s}, 1000};

}  // namespace

std::vector<IpAddress> neighbours_of(const SbcConfig& config, const PortConfig& port) {
  std::set<IpAddress> found(port.gateways.begin(), port.gateways.end());
  for (const RealmConfig& realm : config.realms) {
    if (realm.port != port.name) continue;
    for (const PeerConfig& peer : config.peers) {
      if (peer.realm != realm.name) continue;
      for (const PeerTarget& target : peer.targets)
        if (target.address) found.insert(target.address->address);
      for (const Prefix& source : peer.sources)
        if (source.mapped_length() == 128) found.insert(source.address);
    }
  }
  return {found.begin(), found.end()};
}

ExceptionBudget::PortBudget ExceptionBudget::make_port(const SbcConfig& config, const PortConfig& port,
                                                       std::uint32_t share) {
  std::vector<PrefixMap<std::uint16_t>::Entry> entries;
  for (const IpAddress& address : neighbours_of(config, port)) {
    if (entries.size() == kStranger) break;
    entries.emplace_back(Prefix{address, static_cast<std::uint8_t>(address.is_v4() ? 32 : 128)},
                         static_cast<std::uint16_t>(entries.size()));
  }
  PortBudget budget{
      PrefixMap<std::uint16_t>(entries, kStranger, [](std::uint16_t, std::uint16_t inner) { return inner; }),
      {},
      {}};
  const Shapes resolution{BucketShape::of(kNeighbour), BucketShape::of(kOne), BucketShape::of(kAll, share)};
  // linux.ping is what strangers have together; the trusted together and each neighbour have as much again.
  const BucketShape ping = BucketShape::of_rate(port.ping, 1s, share);
  const Shapes echo{ping, ping, ping};
  // A dead neighbour costs one error for each datagram; more than a few tell nothing new.
  const Shapes opens{BucketShape::of(kNeighbourOpens), BucketShape::of(kOneOpens),
                     BucketShape::of(kAllOpen, share)};
  const Shapes sends{BucketShape::of(kNeighbourSends), BucketShape::of(kOneSends),
                     BucketShape::of(kAllSend, share)};
  const Shapes tells{BucketShape::of(kNeighbourTells), BucketShape::of(kOneTells),
                     BucketShape::of(kAllTell, share)};
  budget.shapes = {resolution, resolution, echo, resolution, resolution, opens, sends, tells};
  for (Buckets& buckets : budget.buckets) buckets.neighbours.resize(entries.size());
  return budget;
}

ExceptionBudget::ExceptionBudget(const SbcConfig& config, const HashKey& key, std::uint32_t share)
    : key_(key) {
  for (const PortConfig& port : config.ports) ports_.push_back(make_port(config, port, share));
}

bool ExceptionBudget::take(PortIndex port, ExceptionKind kind, const IpAddress& source, bool favoured,
                           Timestamp now) noexcept {
  PortBudget& budget = ports_[to_position(port)];
  const Shapes& shapes = budget.shapes[static_cast<std::size_t>(kind)];
  Buckets& buckets = budget.buckets[static_cast<std::size_t>(kind)];
  const std::uint16_t neighbour = budget.neighbours.find(source);
  if (neighbour != kStranger) return buckets.neighbours[neighbour].take(shapes.neighbour, now);
  Group& group = favoured ? buckets.trusted : buckets.strangers;
  const std::uint64_t hash = address_hash(key_, source, static_cast<std::uint64_t>(kind));
  return group.each[hash % kGroupBuckets].take(shapes.one, now) && group.all.take(shapes.all, now);
}

}  // namespace sallyport::policy
