// fake_observation.h — an observation with known numbers for the tests of metrics and tables.
#pragma once

#include "mgmt/metrics/observation.h"

namespace sallyport::mgmt {

inline dataplane::PortSnapshot fake_port(const char* name, const char* address) {
  dataplane::PortSnapshot port;
  port.name = name;
  port.device = std::string("af_packet:s-") + name;
  port.driver = "net_af_packet";
  port.network_namespace = std::string("sp-edge-") + name;
  port.link_up = true;
  port.mac = {0x02, 0, 0, 0, 0, 0xab};
  port.addresses = {*parse_prefix(address)};
  port.mtu = 1500;
  port.received[static_cast<std::size_t>(dataplane::PacketClass::Signalling)] = {1234, 500000};
  port.sent[static_cast<std::size_t>(dataplane::PacketClass::Exception)] = {7, 420};
  port.dropped[static_cast<std::size_t>(dataplane::DropReason::NoListener)] = 3;
  port.dropped[static_cast<std::size_t>(dataplane::DropReason::BadIpChecksum)] = 9;
  return port;
}

inline Observation fake_observation() {
  Observation out;
  out.plane.dpdk_version = "22.11.11";
  out.plane.ports = {fake_port("outside", "198.18.1.1/24"), fake_port("inside", "fd18:2::1/64")};
  out.plane.ports[1].vlan = 20;
  out.plane.ports[1].link_up = false;
  out.plane.ports[1].dropped = {};
  out.plane.lcores = {{.lcore = 1, .cpu = 3, .busy_ns = 1, .total_ns = 2}, {.lcore = 2}};
  out.busy_ratios = {0.5, 0.95};
  out.plane.rings = {{"shard-0", 256, 1024}, {"empty", 0, 0}};
  out.plane.mbufs_free = 8000;
  out.plane.mbufs_total = 8192;
  out.plane.realms.resize(2);
  out.realm_names = {"outside", "inside"};
  sip::RealmSipCounts& realm = out.plane.realms[0];
  realm.requests[0][static_cast<std::size_t>(sip::MethodLabel::Options)] = 12;
  realm.responses[1][sip::code_label(200)] = 11;
  realm.responses[1][sip::code_label(499)] = 1;
  realm.dropped[static_cast<std::size_t>(sip::SipDropReason::Stranger)] = 5;
  realm.retransmissions_in = 2;
  out.plane.peers.resize(2);
  out.peer_names = {"carrier", kNoPeer};
  out.peers_up = {false};
  dataplane::PeerCallCounts& carrier = out.plane.peers[0];
  carrier.active = {3, 1};
  carrier.limit = {200, 100};
  carrier.results[0][static_cast<std::size_t>(CallResult::Busy)] = 2;
  carrier.setup[0] = {1, 0, 2, 0, 0, 0, 0, 0, 1};
  carrier.setup_milliseconds[0] = 36'500;
  out.plane.detections[static_cast<std::size_t>(
      sip::label_of(policy::Detector::ForgedRequest, DetectorAction::Reject))] = 5;
  out.plane.dialogs_active = 8;
  out.plane.registrations_active = 12;
  out.alarms = {{"journal_slow", AlarmSeverity::Major, 1}, {"cdr_lost", AlarmSeverity::Critical, 0}};
  out.cdr_queue = 17;
  out.rest_refused = {{"role", 3}};
  out.last_reload_success = 1'700'000'000;
  out.certificates = {{"edge", 1'800'000'000}};
  out.plane.media.realms.resize(2);
  dataplane::RealmMediaSnapshot& media = out.plane.media.realms[0];
  media.in = {5000, 1'000'000};
  media.out = {4900, 980'000};
  media.dropped[static_cast<std::size_t>(media::MediaDropReason::ForeignSource)] = 13;
  media.port_pairs_taken = 6;
  media.port_pairs = 5000;
  out.plane.media.streams_active = 2;
  out.plane.media.streams_secured = 1;
  out.plane.media.streams_closed = 1;
  out.plane.media.relay_times = {0, 8, 2};
  out.plane.media.relay_nanoseconds = 20'000;
  out.media_quality.resize(2);
  out.media_quality[0].jitter = {3, 0, 1};
  out.media_quality[0].jitter_seconds = 0.021;
  out.media_quality[0].loss = {3, 0, 0, 1};
  out.media_quality[0].loss_ratios = 0.02;
  out.media_quality[0].mos = {0, 0, 0, 1, 0, 0, 3};
  out.media_quality[0].mos_sum = 16.5;
  out.media_reports_late = 4;
  out.plane.transactions_active = 4;
  out.plane.transactions_capacity = 50000;
  out.plane.sources_tracked = 6;
  out.plane.sources_capacity = 1000000;
  return out;
}

}  // namespace sallyport::mgmt
