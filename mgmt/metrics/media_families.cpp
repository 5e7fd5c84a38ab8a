// media_families.cpp — what the relay did, by realm, and how good media was, by peer.
#include <algorithm>
#include <array>
#include <string>

#include "media-relay/relay/media_drop_reason.h"
#include "mgmt/metrics/metric_family.h"

namespace sallyport::mgmt {
namespace {

// Positions of the bounds, the same for every histogram of six bounds or more.
constexpr std::array<std::size_t, 12> kAll{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
constexpr std::array<std::size_t, 5> kSetupMany{1, 3, 4, 5, 6};  // 0.25 s, 1 s, 2.5 s, 5 s, 10 s
constexpr std::array<std::size_t, 3> kSetupSome{1, 3, 5};
constexpr std::array<std::size_t, 1> kSetupOne{5};
constexpr std::array<std::size_t, 3> kDurationMany{1, 3, 5};  // 5 s, 1 min, 10 min
constexpr std::array<std::size_t, 2> kDurationSome{1, 3};
constexpr std::array<std::size_t, 1> kDurationOne{3};
constexpr std::array<std::size_t, 3> kQualitySome{1, 2, 4};
constexpr std::array<std::size_t, 1> kJitterOne{2};  // 20 ms
constexpr std::array<std::size_t, 1> kLossOne{2};    // 1 %
constexpr std::array<std::size_t, 1> kMosOne{3};     // 3.6: many are content. ITU-T G.107 Annex B

constexpr std::size_t kPeersWithMany = 60, kPeersWithSome = 75, kPeersWithOne = 90, kPeersWithLoss = 95;

constexpr std::array<double, dataplane::kRelayTimeBounds.size()> kRelaySeconds = [] {
  std::array<double, dataplane::kRelayTimeBounds.size()> out{};
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<double>(dataplane::kRelayTimeBounds[i].count()) / 1e9;
  return out;
}();
static_assert(kRelaySeconds.size() <= kAll.size());

void add_streams(std::vector<MetricFamily>& out, const dataplane::MediaSnapshot& media) {
  MetricFamily streams = family("media_streams_active", MetricType::Gauge,
                                "Media streams that are open, by how they are encrypted.");
  // The two are read one after the other: a call may have ended in between.
  const std::uint64_t secured = std::min(media.streams_secured, media.streams_active);
  add(streams, {{"crypto", "none"}}, media.streams_active - secured);
  add(streams, {{"crypto", "sdes"}}, secured);
  add(streams, {{"crypto", "dtls"}}, std::uint64_t{0});
  out.push_back(std::move(streams));
}

void add_realms(std::vector<MetricFamily>& out, const Observation& seen) {
  MetricFamily packets = family("media_packets_total", MetricType::Counter,
                                "Media packets relayed: in from the realm, out into it.");
  MetricFamily bytes =
      family("media_bytes_total", MetricType::Counter, "Octets of the IP packets of relayed media.");
  MetricFamily dropped = family("media_dropped_total", MetricType::Counter,
                                "Packets to media ports that were not relayed, by the realm they came from.");
  for (std::size_t i = 0; i < seen.plane.media.realms.size(); ++i) {
    const dataplane::RealmMediaSnapshot& realm = seen.plane.media.realms[i];
    const std::string& name = seen.realm_names.at(i);
    for (const auto& [direction, count] : {std::pair{"in", realm.in}, std::pair{"out", realm.out}}) {
      add(packets, {{"realm", name}, {"direction", direction}}, count.packets);
      add(bytes, {{"realm", name}, {"direction", direction}}, count.bytes);
    }
    for (std::size_t reason = 0; reason < media::kMediaDropReasonCount; ++reason)
      add(dropped, {{"realm", name}, {"reason", std::string(media::kMediaDropReasonNames[reason])}},
          realm.dropped[reason]);
  }
  for (MetricFamily* one : {&packets, &bytes, &dropped}) out.push_back(std::move(*one));
}

void add_quality(std::vector<MetricFamily>& out, const Observation& seen) {
  MetricFamily jitter = family("media_jitter_seconds", MetricType::Histogram,
                               "Interarrival jitter of what a peer sent, at the end of each stream.");
  MetricFamily loss =
      family("media_loss_ratio", MetricType::Histogram,
             "Share of a peer's packets that were lost before they came here, of each stream.");
  MetricFamily mos = family("media_mos", MetricType::Histogram,
                            "Estimated quality (1 to 4.5) of what a peer sent, of each stream.");
  const ShownBounds shown = shown_bounds(seen.media_quality.size());
  for (std::size_t i = 0; i < seen.media_quality.size(); ++i) {
    const PeerMediaQuality& peer = seen.media_quality[i];
    const Labels labels{{"peer", seen.peer_names.at(i)}};
    add(jitter, labels, histogram(kJitterBounds, shown.jitter, peer.jitter, peer.jitter_seconds));
    add(loss, labels, histogram(kLossBounds, shown.loss, peer.loss, peer.loss_ratios));
    add(mos, labels, histogram(kMosBounds, shown.mos, peer.mos, peer.mos_sum));
  }
  for (MetricFamily* one : {&jitter, &loss, &mos}) out.push_back(std::move(*one));
}

void add_relay_times(std::vector<MetricFamily>& out, const dataplane::MediaSnapshot& media) {
  MetricFamily times = family("media_relay_seconds", MetricType::Histogram,
                              "From the poll that brought a packet to the device that took it, of a sample.");
  add(times, {},
      histogram(kRelaySeconds, std::span(kAll).first(kRelaySeconds.size()), media.relay_times,
                static_cast<double>(media.relay_nanoseconds) / 1e9));
  out.push_back(std::move(times));
}

}  // namespace

ShownBounds shown_bounds(std::size_t peers) {
  const std::span<const std::size_t> six = std::span(kAll).first(kJitterBounds.size());
  if (peers <= kPeersWithMany) return {kSetupMany, kDurationMany, six, six, six};
  if (peers <= kPeersWithSome) return {kSetupSome, kDurationSome, kQualitySome, kQualitySome, kQualitySome};
  if (peers <= kPeersWithOne) return {kSetupOne, kDurationOne, kJitterOne, kLossOne, kMosOne};
  // Of jitter, and then of loss and of how long calls last, the mean alone: what TLS, all codes and
  // signatures add must find room too.
  if (peers <= kPeersWithLoss) return {kSetupOne, kDurationOne, {}, kLossOne, kMosOne};
  return {kSetupOne, {}, {}, {}, kMosOne};
}

void add_media(std::vector<MetricFamily>& out, const Observation& seen) {
  add_streams(out, seen.plane.media);
  add_realms(out, seen);
  add_quality(out, seen);
  add_relay_times(out, seen.plane.media);
}

}  // namespace sallyport::mgmt
