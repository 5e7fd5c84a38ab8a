// strangers_test.cpp — whatever strangers send, and however many they are, Prometheus sees the same series.
#include <gtest/gtest.h>

#include <set>

#include "mgmt/detections/detection_log.h"
#include "mgmt/metrics/exporter.h"
#include "tests/support/engine_fixture.h"
#include "tests/unit/mgmt/fake_observation.h"

namespace sallyport::mgmt {
namespace {

// What an engine counted, as the exporter shows it.
std::set<std::string> series_of(tests::EngineFixture& fixture) {
  Observation seen = fake_observation();
  for (std::size_t realm = 0; realm < 2; ++realm)
    seen.plane.realms[realm].add(fixture.engine().counters(static_cast<RealmIndex>(realm)));
  for (std::size_t i = 0; i < seen.plane.detections.size(); ++i)
    seen.plane.detections[i] +=
        fixture.engine().counters().detections.value(static_cast<sip::DetectionLabel>(i));
  std::set<std::string> out;
  for (const prometheus::MetricFamily& family : metric_families(seen))
    for (const prometheus::ClientMetric& metric : family.metric) {
      std::string name = family.name;
      for (const auto& label : metric.label) name += " " + label.name + "=" + label.value;
      out.insert(name);
    }
  return out;
}

// Threats R13: a million different phones and numbers of ten thousand sources.
TEST(Strangers, AMillionOfThemAddNoSeries) {
  tests::EngineFixture fixture;
  fixture.input.trust = TrustClass::Untrusted;
  fixture.input.peer = PeerIndex::kNone;
  const std::set<std::string> before = series_of(fixture);
  DetectionLog log(NumberMask::None);
  std::uint64_t told = 0;
  for (std::uint32_t i = 0; i < 1'000'000; ++i) {
    fixture.now += 100us;
    // A hundred requests of each: detectors have something to say.
    const std::uint32_t source = i / 100;
    fixture.input.remote = {IpAddress::v4(0x0a000000 + source),
                            static_cast<std::uint16_t>(1024 + source % 60'000)};
    const std::string number = std::to_string(i);
    static_cast<void>(fixture.receive(
        (i % 3 == 0   ? "INVITE"
         : i % 3 == 1 ? "REGISTER"
                      : "X" + number) +
        std::string(" sip:") + number + "@198.18.1.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK" +
        number + "\r\nFrom: <sip:" + number + "@a>;tag=" + number + "\r\nTo: <sip:" + number +
        "@b>\r\nCall-ID: " + number + "\r\nCSeq: 1 " +
        (i % 3 == 0   ? "INVITE"
         : i % 3 == 1 ? "REGISTER"
                      : "X" + number) +
        "\r\nUser-Agent: scanner " + number + "\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"));
    for (const sip::EngineEvent& event : fixture.out.events())
      if (const auto* const found = std::get_if<sip::DetectionEvent>(&event.what)) {
        log.add(*found, event.at);
        ++told;
      }
  }
  EXPECT_EQ(series_of(fixture), before);
  EXPECT_LE(log.page({}).kept, DetectionLog::kDetectionsMax);
  EXPECT_GT(told, 0u) << "else nothing was asked of the metrics";
}

}  // namespace
}  // namespace sallyport::mgmt
