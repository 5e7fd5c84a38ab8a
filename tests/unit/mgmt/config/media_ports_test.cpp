// media_ports_test.cpp — media ports of realms: enough for the calls, apart from each other and from
// listeners; and which keys of media say that they are not built yet.
#include <gmock/gmock.h>

#include "mgmt/config/capacity_memory.h"
#include "tests/unit/mgmt/config/config_text.h"

namespace sallyport::mgmt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string inside_with(const std::string& keys) {
  return "  - { name: inside, port: inside, listen: [{ transport: udp, port: 5060 }], " + keys + " }";
}

TEST(MediaPorts, RangeWithoutAPairIsAnError) {
  EXPECT_THAT(
      errors_of(load_text(with_line(8, inside_with("media: { ports: 20001-20002 }")))),
      ElementsAre("c.yaml:8: realms[inside].media.ports: holds no even port with the odd one above it; "
                  "write a range of at least two ports that begins with an even one"));
}

TEST(MediaPorts, SmallestPairIsEnoughForOneCall) {
  const LoadedConfig loaded =
      load_text(with_line(8, inside_with("media: { ports: 20000-20001 }, limits: { calls: 1 }")));
  EXPECT_THAT(errors_of(loaded), IsEmpty());
  EXPECT_THAT(warnings_of(loaded), IsEmpty());
}

TEST(MediaPorts, FewerPairsThanTheCallsThatAreAskedForIsAWarning) {
  const LoadedConfig loaded =
      load_text(with_line(8, inside_with("media: { ports: 20000-20099 }, limits: { calls: 51 }")));
  EXPECT_THAT(errors_of(loaded), IsEmpty());
  EXPECT_THAT(
      warnings_of(loaded),
      ElementsAre("c.yaml:8: realms[inside].media.ports: has 50 pairs of ports on each address, and the "
                  "realm may have 51 calls; write a range of 102 ports, or at most 50 in "
                  "realms[inside].limits.calls"));
}

TEST(MediaPorts, AsManyPairsAsCallsIsEnough) {
  EXPECT_THAT(warnings_of(load_text(
                  with_line(8, inside_with("media: { ports: 20000-20099 }, limits: { calls: 50 }")))),
              IsEmpty());
}

TEST(MediaPorts, MoreCallsThanAnyRangeCarriesAreTold) {
  std::vector<std::string> lines = kGoodLines;
  lines.push_back("dataplane: { capacity: { calls: 40000 } }");
  lines[6] =
      "  - { name: outside, port: outside, limits: { calls: 5000 }, listen: [{ transport: udp, port: 5060 }] "
      "}";
  lines[7] = inside_with("limits: { calls: 40000 }");
  EXPECT_THAT(
      warnings_of(load_text(joined(lines))),
      ElementsAre("c.yaml:8: realms[inside].media.ports: has 5000 pairs of ports on each address, and "
                  "the realm may have 40000 calls; write at most 5000 in realms[inside].limits.calls"));
}

// The capacity of the whole node bounds the calls of each realm.
TEST(MediaPorts, LimitOfTheNodeCountsToo) {
  std::vector<std::string> lines = kGoodLines;
  lines.push_back("dataplane: { capacity: { calls: 5000 } }");
  EXPECT_THAT(warnings_of(load_text(joined(lines))), IsEmpty());
}

TEST(MediaPorts, NothingIsSaidWhereNoNumberOfCallsIsWritten) {
  EXPECT_THAT(warnings_of(load_text(joined(kGoodLines))), IsEmpty());
}

TEST(MediaKeys, ThatAreBuiltAreTakenWithoutAWord) {
  const LoadedConfig loaded =
      load_text(with_line(13,
                          "profiles: [{ name: p, media: { latch: any, ice: refuse, rtcp: terminate, codecs: "
                          "[PCMA, telephone-event], "
                          "dtmf: pass, hold: inactive, inactivity: 20s, policing: 200% } }]"));
  EXPECT_THAT(errors_of(loaded), IsEmpty());
  EXPECT_THAT(warnings_of(loaded), IsEmpty());
  const ProfileMedia& media = loaded.config.profiles.at(0).media;
  EXPECT_EQ(media.latch, LatchMode::Any);
  EXPECT_EQ(media.rtcp, RtcpMode::Terminate);
  EXPECT_EQ(media.hold, HoldMode::Inactive);
  EXPECT_EQ(media.inactivity, Duration(20s));
  EXPECT_EQ(media.policing_percent, 200u);
}

TEST(MediaKeys, ValuesThatAreNotBuiltAreNamed) {
  EXPECT_THAT(
      warnings_of(load_text(with_line(13, "profiles: [{ name: p, media: { ice: auto, dtmf: rfc4733 } }]"))),
      ElementsAre(
          "c.yaml:13: profiles[p].media.ice: 'auto' is not built yet; it is checked but has no effect in "
          "this version"));
  EXPECT_THAT(
      warnings_of(load_text(
          with_line(10,
                    "  - { name: carrier, realm: outside, media: { ice: auto }, targets: [{ address: "
                    "\"198.18.1.2:5060\" }] }"))),
      ElementsAre(testing::StartsWith("c.yaml:10: peers[carrier].media.ice: 'auto' is not built yet")));
}

TEST(MediaKeys, DigitsByInfoNeedTheMethod) {
  EXPECT_THAT(
      errors_of(load_text(with_line(
          13, "profiles: [{ name: p, methods: [INVITE, ACK, BYE, CANCEL], media: { dtmf: info } }]"))),
      ElementsAre("c.yaml:13: profiles[p].media.dtmf: is info, and methods leave INFO out; add INFO to "
                  "methods"));
  EXPECT_THAT(errors_of(load_text(with_line(13, "profiles: [{ name: p, media: { dtmf: info } }]"))),
              IsEmpty());
  EXPECT_THAT(
      errors_of(load_text(with_line(
          10,
          "  - { name: carrier, realm: outside, methods: [INVITE, ACK, BYE], media: { dtmf: info }, targets: "
          "[{ address: \"198.18.1.2:5060\" }] }"))),
      ElementsAre(testing::StartsWith("c.yaml:10: peers[carrier].media.dtmf: is info")));
}

TEST(MediaKeys, OfARealmAreBuilt) {
  const LoadedConfig loaded = load_text(with_line(
      8, inside_with(
             "media: { addresses: [198.18.2.1], ports: 30000-30999, dscp: CS5, quarantine: 3s }, limits: "
             "{ media: 10Mbit }")));
  EXPECT_THAT(warnings_of(loaded), IsEmpty());
  EXPECT_EQ(loaded.config.realms[1].media.quarantine, Duration(3s));
  EXPECT_EQ(loaded.config.realms[1].media_limit.bits_per_second, 10'000'000u);
}

}  // namespace
}  // namespace sallyport::mgmt
