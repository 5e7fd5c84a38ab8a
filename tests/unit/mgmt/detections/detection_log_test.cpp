// detection_log_test.cpp — what of many findings an operator still finds, and what attackers can't do to it.
#include "mgmt/detections/detection_log.h"

#include <gmock/gmock.h>

#include <thread>

#include "mgmt/detections/clean_evidence.h"

namespace sallyport::mgmt {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

constexpr Timestamp kStart{1h};

sip::DetectionEvent event(std::string_view detector, const char* source, std::string evidence = "evidence") {
  sip::DetectionEvent out{.detector = detector,
                          .action = "block",
                          .source = *parse_endpoint(source, 5060),
                          .evidence = std::move(evidence)};
  out.realm = RealmIndex{0};
  return out;
}

std::vector<std::string> sources(const DetectionLog::Page& page) {
  std::vector<std::string> out;
  for (const Detection& one : page.detections) out.push_back(to_string(one.source.address));
  return out;
}

TEST(DetectionLog, WhatRepeatsIsOneFindingWithItsCountAndTheLastEvidence) {
  DetectionLog log(NumberMask::None);
  log.add(event("scanner", "192.0.2.1:5060", "3 users"), kStart);
  log.add(event("scanner", "192.0.2.1:5061", "9 users"), kStart + 59s);
  log.add(event("scanner", "192.0.2.1:5062", "20 users"), kStart + 110s);
  const auto page = log.page({});
  ASSERT_THAT(page.detections, SizeIs(1));
  const Detection& one = page.detections[0];
  EXPECT_EQ(one.count, 3u);
  EXPECT_EQ(one.first, kStart);
  EXPECT_EQ(one.last, kStart + 110s);
  EXPECT_EQ(one.evidence, "20 users");
  EXPECT_EQ(one.source.port, 5062);
}

TEST(DetectionLog, AfterAPauseItIsAnotherFinding) {
  DetectionLog log(NumberMask::None);
  log.add(event("scanner", "192.0.2.1"), kStart);
  log.add(event("scanner", "192.0.2.1"), kStart + DetectionLog::kPauseMax + 1ms);
  EXPECT_THAT(log.page({}).detections, SizeIs(2));
}

TEST(DetectionLog, OtherSourceRealmCallDetectorOrActionIsAnotherFinding) {
  DetectionLog log(NumberMask::None);
  const sip::DetectionEvent first = event("scanner", "192.0.2.1");
  log.add(first, kStart);
  log.add(event("scanner", "192.0.2.2"), kStart);
  log.add(event("scanner", "2001:db8::1"), kStart);
  log.add(event("malformed", "192.0.2.1"), kStart);
  sip::DetectionEvent other = first;
  other.action = "log";
  log.add(other, kStart);
  other = first;
  other.realm = RealmIndex{1};
  log.add(other, kStart);
  other = first;
  other.call = 7;
  log.add(other, kStart);
  const auto page = log.page({});
  EXPECT_THAT(page.detections, SizeIs(7));
  for (const Detection& one : page.detections) EXPECT_EQ(one.count, 1u);
}

TEST(DetectionLog, TheLastComesFirstAndPagesFollowEachOther) {
  DetectionLog log(NumberMask::None);
  for (const char* const source : {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5"})
    log.add(event("scanner", source), kStart);
  log.add(event("scanner", "192.0.2.2"), kStart + 1s);
  const auto first = log.page({.detector = {}, .source = {}, .before = 0, .limit = 2});
  EXPECT_THAT(sources(first), ElementsAre("192.0.2.2", "192.0.2.5"));
  ASSERT_NE(first.next, 0u);
  const auto second = log.page({.detector = {}, .source = {}, .before = first.next, .limit = 2});
  EXPECT_THAT(sources(second), ElementsAre("192.0.2.4", "192.0.2.3"));
  const auto third = log.page({.detector = {}, .source = {}, .before = second.next, .limit = 2});
  EXPECT_THAT(sources(third), ElementsAre("192.0.2.1"));
  EXPECT_EQ(third.next, 0u);
}

TEST(DetectionLog, IsAskedByDetectorAndByPrefix) {
  DetectionLog log(NumberMask::None);
  log.add(event("scanner", "192.0.2.1"), kStart);
  log.add(event("malformed", "192.0.2.1"), kStart);
  log.add(event("scanner", "198.51.100.1"), kStart);
  log.add(event("scanner", "[2001:db8::1]:5060"), kStart);
  EXPECT_THAT(sources(log.page({.detector = "malformed", .source = {}})), ElementsAre("192.0.2.1"));
  EXPECT_THAT(log.page({.detector = {}, .source = parse_prefix("192.0.2.0/24")}).detections, SizeIs(2));
  EXPECT_THAT(sources(log.page({.detector = {}, .source = parse_prefix("2001:db8::/32")})),
              ElementsAre("2001:db8::1"));
  const auto page =
      log.page({.detector = "scanner", .source = parse_prefix("192.0.2.0/24"), .before = 0, .limit = 1});
  EXPECT_THAT(page.detections, SizeIs(1));
  EXPECT_EQ(page.next, 0u) << "nothing more of that kind follows";
}

// An attacker who forges his sources must not wipe out what was found of others.
TEST(DetectionLog, AScanFromManySourcesPushesOutNoOtherFinding) {
  DetectionLog log(NumberMask::None);
  sip::DetectionEvent forged = event("forged_request", "192.0.2.66", "BYE");
  forged.call = 0x67408c3e00000001;
  log.add(forged, kStart);
  for (std::uint32_t i = 0; i < 50'000; ++i) {
    sip::DetectionEvent scan = event("scanner", "10.0.0.0:5060");
    scan.source.address = IpAddress::v4(0x0a000000 + i);
    log.add(scan, kStart + 1ms);
  }
  const auto page = log.page({.detector = {}, .source = {}, .before = 0, .limit = 1});
  EXPECT_EQ(page.kept, DetectionLog::kDetectionsMax);
  EXPECT_EQ(page.forgotten, 50'001 - DetectionLog::kDetectionsMax);
  EXPECT_EQ(page.detections[0].source.address, IpAddress::v4(0x0a000000 + 49'999));
  EXPECT_THAT(sources(log.page({.detector = "forged_request", .source = {}})), ElementsAre("192.0.2.66"));
}

TEST(DetectionLog, ADetectorThatIsNotInTheClosedSetHasItsPlaceToo) {
  DetectionLog log(NumberMask::None, 2);
  for (const char* const source : {"192.0.2.1", "192.0.2.2", "192.0.2.3"})
    log.add(event("of_another_version", source), kStart);
  EXPECT_THAT(sources(log.page({})), ElementsAre("192.0.2.3", "192.0.2.2"));
  EXPECT_FALSE(DetectionLog::is_detector("of_another_version"));
  for (const sip::DetectionName& name : sip::kDetectionNames)
    EXPECT_TRUE(DetectionLog::is_detector(name.detector));
}

TEST(DetectionLog, EvidenceIsCleanMaskedAndShort) {
  DetectionLog log(NumberMask::Last4);
  std::string every_byte;
  for (int i = 0; i < 256; ++i) every_byte += static_cast<char>(i);
  log.add(event("scanner", "192.0.2.1", "sip:+4930123456@x \x1b[2J\r\n" + every_byte), kStart);
  const std::string evidence = log.page({}).detections[0].evidence;
  EXPECT_TRUE(evidence.starts_with("sip:+493012****@x \\x1b[2J\\x0d\\x0a")) << evidence;
  EXPECT_LE(evidence.size(), DetectionLog::kEvidenceBytesMax);
  for (const char c : evidence) EXPECT_GE(static_cast<unsigned char>(c), 0x20);
  log.add(event("scanner", "192.0.2.2", std::string(1'000'000, 'x')), kStart);
  EXPECT_EQ(log.page({}).detections[0].evidence.size(), DetectionLog::kEvidenceBytesMax);
}

TEST(CleanEvidence, IsCutBetweenTwoCharacters) {
  EXPECT_EQ(clean_evidence("Z\u00fcrich", NumberMask::None, 2), "Z");
  EXPECT_EQ(clean_evidence("Z\u00fcrich", NumberMask::None, 3), "Z\u00fc");
  EXPECT_EQ(clean_evidence("", NumberMask::All, 3), "");
  EXPECT_EQ(clean_evidence("call to 004930123456", NumberMask::All, 64), "call to ****");
}

TEST(DetectionLog, ThreadsMayAddAndAskAtTheSameTime) {
  DetectionLog log(NumberMask::None, 64);
  std::thread adds([&log] {
    for (std::uint32_t i = 0; i < 20'000; ++i) {
      sip::DetectionEvent scan = event("scanner", "10.0.0.0:5060");
      scan.source.address = IpAddress::v4(0x0a000000 + i % 100);
      log.add(scan, kStart);
    }
  });
  for (int i = 0; i < 2000; ++i) EXPECT_LE(log.page({}).kept, 64u);
  adds.join();
  EXPECT_EQ(log.page({}).kept, 64u);
}

}  // namespace
}  // namespace sallyport::mgmt
