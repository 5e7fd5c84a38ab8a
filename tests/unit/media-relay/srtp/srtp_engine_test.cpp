// srtp_engine_test.cpp — what every engine does with every suite: RFC 3711 §3.3, §3.4, §9.1, §9.2, RFC 7714
// §8; threats M2, M3.
#include <algorithm>
#include <string>

#include "policy/base/archive.h"
#include "tests/unit/media-relay/srtp/srtp_fixture.h"

namespace sallyport::media {
namespace {

constexpr std::uint32_t kSsrc = 0x12345678;

class SrtpEngineTest : public testing::TestWithParam<EngineAndSuite> {
 protected:
  SrtpEngineTest() : key_(key_of(GetParam().suite)), pair_(GetParam().engine, key_) {}
  [[nodiscard]] Octets secured(std::uint32_t ssrc, std::uint16_t sequence, std::size_t payload = 160) {
    Octets packet = rtp(ssrc, sequence, payload);
    EXPECT_EQ(pair_.protect(packet), SrtpResult::Ok);
    return packet;
  }
  [[nodiscard]] SrtpResult receive(Octets packet) { return pair_.unprotect(packet); }

  SrtpKey key_;
  SrtpPair pair_;
};
INSTANTIATE_TEST_SUITE_P(All, SrtpEngineTest, testing::ValuesIn(all_engines_and_suites()), name_of);

TEST_P(SrtpEngineTest, PacketsOfAnyLengthComeBackAsTheyWere) {
  std::uint16_t sequence = 1;
  for (std::size_t payload : {0, 1, 15, 16, 17, 20, 33, 160, 161, 320, 1000, 1400}) {
    const Octets clear = rtp(kSsrc, sequence++, payload);
    Octets packet = clear;
    ASSERT_EQ(pair_.protect(packet), SrtpResult::Ok);
    EXPECT_EQ(packet.size(), clear.size() + facts_of(key_.suite).rtp_tag_bytes);
    EXPECT_TRUE(std::equal(clear.begin(), clear.begin() + 12, packet.begin()));
    EXPECT_TRUE(payload < 15 || !std::equal(clear.begin() + 12, clear.end(), packet.begin() + 12));
    ASSERT_EQ(pair_.unprotect(packet), SrtpResult::Ok) << payload;
    EXPECT_EQ(packet, clear);
  }
}

// RFC 3711 §3.1: CSRC list and extension stay readable, and are covered by the tag.
TEST_P(SrtpEngineTest, SourcesAndExtensionStayReadable) {
  Octets clear = rtp(kSsrc, 7, 100);
  clear[0] = 0x80 | 0x10 | 2;       // extension, two CSRC
  write_u16(clear.data() + 22, 3);  // three words of it
  const std::size_t readable = 12 + 8 + 4 + 12;
  Octets packet = clear;
  ASSERT_EQ(pair_.protect(packet), SrtpResult::Ok);
  EXPECT_TRUE(std::equal(clear.begin(), clear.begin() + readable, packet.begin()));
  EXPECT_FALSE(std::equal(clear.begin() + readable, clear.end(), packet.begin() + readable));
  Octets changed = packet;
  changed[30] ^= 1;
  EXPECT_EQ(receive(changed), SrtpResult::BadTag);
  ASSERT_EQ(pair_.unprotect(packet), SrtpResult::Ok);
  EXPECT_EQ(packet, clear);
}

TEST_P(SrtpEngineTest, ReportsComeBackAsTheyWere) {
  for (std::size_t more : {0, 4, 20, 60, 500}) {
    const Octets clear = rtcp(kSsrc, more);
    Octets packet = clear;
    ASSERT_EQ(pair_.protect(packet, true), SrtpResult::Ok);
    EXPECT_EQ(packet.size(), clear.size() + facts_of(key_.suite).rtcp_tag_bytes + 4);
    ASSERT_EQ(pair_.unprotect(packet, true), SrtpResult::Ok);
    EXPECT_EQ(packet, clear);
  }
}

// Threat M2: whatever octet is changed, it is found, and neither packet nor state is touched.
TEST_P(SrtpEngineTest, NothingIsChangedByAPacketThatFails) {
  ASSERT_EQ(receive(secured(kSsrc, 99)), SrtpResult::Ok);
  const Octets good = secured(kSsrc, 100, 40);
  Octets report = rtcp(kSsrc);
  ASSERT_EQ(pair_.protect(report, true), SrtpResult::Ok);
  const SrtpContextState before = pair_.state(pair_.receiver);
  const auto expect_refused = [&](const Octets& packet, bool is_rtcp) {
    for (std::size_t at = 0; at < packet.size(); ++at) {
      Octets bad = packet;
      bad[at] = static_cast<std::uint8_t>(bad[at] ^ 0x40);
      const Octets as_it_came = bad;
      ASSERT_NE(pair_.unprotect(bad, is_rtcp), SrtpResult::Ok) << at;
      ASSERT_EQ(bad, as_it_came) << at;
    }
    for (std::size_t length = 0; length < packet.size(); ++length) {
      Octets bad(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(length));
      ASSERT_NE(pair_.unprotect(bad, is_rtcp), SrtpResult::Ok) << length;
    }
  };
  expect_refused(good, false);
  expect_refused(report, true);
  EXPECT_TRUE(pair_.state(pair_.receiver) == before);
  EXPECT_EQ(receive(good), SrtpResult::Ok);
  EXPECT_EQ(pair_.unprotect(report, true), SrtpResult::Ok);
}

// RFC 3711 §3.3.2
TEST_P(SrtpEngineTest, APacketIsTakenOnceAndNotWhenTooLate) {
  std::vector<Octets> sent;
  for (std::uint16_t i = 0; i < 300; ++i)
    sent.push_back(secured(kSsrc, static_cast<std::uint16_t>(1000 + i)));
  EXPECT_EQ(receive(sent[200]), SrtpResult::Ok);
  EXPECT_EQ(receive(sent[200]), SrtpResult::Replayed);
  EXPECT_EQ(receive(sent[200 - 127]), SrtpResult::Ok);
  EXPECT_EQ(receive(sent[200 - 127]), SrtpResult::Replayed);
  EXPECT_EQ(receive(sent[200 - 128]), SrtpResult::TooOld);
  EXPECT_EQ(receive(sent[150]), SrtpResult::Ok);
  EXPECT_EQ(receive(sent[264]), SrtpResult::Ok);
  EXPECT_EQ(receive(sent[150]), SrtpResult::Replayed);
  EXPECT_EQ(receive(sent[200]), SrtpResult::Replayed);
  EXPECT_EQ(receive(sent[299]), SrtpResult::Ok);
  EXPECT_EQ(receive(sent[171]), SrtpResult::TooOld);
  EXPECT_EQ(receive(sent[172]), SrtpResult::Ok);
}

TEST_P(SrtpEngineTest, AReportIsTakenOnceAndNotWhenTooLate) {
  std::vector<Octets> sent;
  for (int i = 0; i < 200; ++i) {
    sent.push_back(rtcp(kSsrc));
    ASSERT_EQ(pair_.protect(sent.back(), true), SrtpResult::Ok);
  }
  const auto receive_report = [&](std::size_t i) {
    Octets packet = sent[i];
    return pair_.unprotect(packet, true);
  };
  EXPECT_EQ(receive_report(199), SrtpResult::Ok);
  EXPECT_EQ(receive_report(199), SrtpResult::Replayed);
  EXPECT_EQ(receive_report(72), SrtpResult::Ok);
  EXPECT_EQ(receive_report(71), SrtpResult::TooOld);
  EXPECT_EQ(receive_report(72), SrtpResult::Replayed);
}

// RFC 3711 §9.1: two packets under one index would give away both.
TEST_P(SrtpEngineTest, ASenderNeverUsesANumberTwice) {
  (void)secured(kSsrc, 10);
  Octets other = rtp(kSsrc, 10, 30);
  const Octets as_it_came = other;
  EXPECT_EQ(pair_.protect(other), SrtpResult::Replayed);
  EXPECT_EQ(other, as_it_came);
  (void)secured(kSsrc, 200);
  (void)secured(kSsrc, 80);  // out of order, but within the window
  other = rtp(kSsrc, 72);
  EXPECT_EQ(pair_.protect(other), SrtpResult::TooOld);
}

// RFC 3711 §3.3.1, Appendix A
TEST_P(SrtpEngineTest, TheCounterRollsOverWithLossAndDisorder) {
  std::uint32_t index = 0xff00;
  for (std::uint32_t step : {1u, 200u, 100u, 1u, 0x7000u, 0x7000u, 0x7ff0u, 3u, 0x7000u}) {
    index += step;
    const Octets earlier = secured(kSsrc, static_cast<std::uint16_t>(index));
    const Octets later = secured(kSsrc, static_cast<std::uint16_t>(index + 5));
    EXPECT_EQ(receive(later), SrtpResult::Ok) << std::hex << index;
    EXPECT_EQ(receive(earlier), SrtpResult::Ok) << std::hex << index;
    index += 5;
  }
  const SrtpContextState state = pair_.state(pair_.receiver);
  ASSERT_EQ(state.sources.size(), 1u);
  EXPECT_EQ(state.sources[0].roc, index >> 16);
  EXPECT_EQ(state.sources[0].highest, index & 0xffff);
}

TEST_P(SrtpEngineTest, ASourceThatReturnsGoesOnWhereItWas) {
  for (std::uint32_t index = 0xfff0; index < 0x10010; ++index)
    ASSERT_EQ(receive(secured(kSsrc, static_cast<std::uint16_t>(index))), SrtpResult::Ok);
  const Octets late = secured(kSsrc, 0x20);
  ASSERT_EQ(receive(secured(kSsrc, 0x21)), SrtpResult::Ok);
  // So many others come that it is no longer known in full.
  for (std::uint32_t other = 1; other <= kSrtpSourcesFull; ++other)
    ASSERT_EQ(receive(secured(kSsrc + other, 0xfffe)), SrtpResult::Ok);
  EXPECT_EQ(receive(late), SrtpResult::Replayed);  // nobody knows any more
  ASSERT_EQ(receive(secured(kSsrc, 0x22)), SrtpResult::Ok);
  ASSERT_EQ(receive(secured(kSsrc + 1, 0xffff)), SrtpResult::Ok);
  ASSERT_EQ(receive(secured(kSsrc + 1, 0)), SrtpResult::Ok);
}

TEST_P(SrtpEngineTest, MoreSourcesThanThereIsRoomForAreRefused) {
  for (std::uint32_t i = 0; i < kSrtpSourcesMax; ++i)
    ASSERT_EQ(receive(secured(kSsrc + i, 5)), SrtpResult::Ok) << i;
  Octets packet = rtp(kSsrc + kSrtpSourcesMax, 5);
  EXPECT_EQ(pair_.protect(packet), SrtpResult::TooManySources);
  packet = rtcp(kSsrc + kSrtpSourcesMax);
  EXPECT_EQ(pair_.protect(packet, true), SrtpResult::TooManySources);
  packet = rtp(kSsrc + kSrtpSourcesMax, 5);
  EXPECT_EQ(pair_.unprotect(packet), SrtpResult::TooManySources);
  for (std::uint32_t i = 0; i < kSrtpSourcesMax; ++i)
    ASSERT_EQ(receive(secured(kSsrc + i, 6)), SrtpResult::Ok) << i;
}

TEST_P(SrtpEngineTest, WhatDoesNotFitIsRefused) {
  for (const bool is_rtcp : {false, true}) {
    const Octets clear = is_rtcp ? rtcp(kSsrc) : rtp(kSsrc, 1);
    const SrtpSuiteFacts facts = facts_of(key_.suite);
    const std::uint32_t more = is_rtcp ? facts.rtcp_tag_bytes + 4u : facts.rtp_tag_bytes;
    Octets room(clear.size() + more);
    std::copy(clear.begin(), clear.end(), room.begin());
    const auto length = static_cast<std::uint32_t>(clear.size());
    SrtpJob job{.context = pair_.sender, .packet = room.data(), .length = length, .is_rtcp = is_rtcp};
    for (const std::uint32_t capacity : {0u, length - 1, length, length + more - 1}) {
      job.capacity = capacity;
      pair_.engine->protect({&job, 1});
      EXPECT_EQ(job.result, SrtpResult::NoRoom) << capacity;
      EXPECT_EQ(job.length, length);
    }
    job.capacity = length + more;
    pair_.engine->protect({&job, 1});
    EXPECT_EQ(job.result, SrtpResult::Ok);
  }
}

TEST_P(SrtpEngineTest, LengthsThatLieAreMalformed) {
  const auto expect_malformed = [&](Octets packet, bool is_rtcp) {
    Octets again = packet;
    EXPECT_EQ(pair_.protect(packet, is_rtcp), SrtpResult::Malformed);
    EXPECT_EQ(pair_.unprotect(again, is_rtcp), SrtpResult::Malformed);
  };
  expect_malformed({}, false);
  expect_malformed(Octets(11, 0x80), false);
  expect_malformed({}, true);
  expect_malformed(Octets(7, 0x80), true);
  Octets packet = rtp(kSsrc, 1, 40);
  packet[0] = 0x40;  // version 1
  expect_malformed(packet, false);
  packet[0] = 0x8f;  // 15 CSRC
  expect_malformed(packet, false);
  packet[0] = 0x90;
  write_u16(packet.data() + 14, 10);  // extension beyond the end
  expect_malformed(packet, false);
  packet = rtcp(kSsrc);
  packet[0] = 0;
  expect_malformed(packet, true);
  packet = rtp(kSsrc, 1, facts_of(key_.suite).rtp_tag_bytes - 1u);
  EXPECT_EQ(pair_.unprotect(packet), SrtpResult::Malformed);
}

// Threat M10: nobody talks us into reports that are only signed.
TEST_P(SrtpEngineTest, AReportThatIsNotEncryptedIsRefused) {
  Octets packet = rtcp(kSsrc);
  ASSERT_EQ(pair_.protect(packet, true), SrtpResult::Ok);
  const std::size_t word = facts_of(key_.suite).is_aead ? packet.size() - 4 : packet.size() - 14;
  packet[word] &= 0x7f;
  EXPECT_EQ(pair_.unprotect(packet, true), SrtpResult::Malformed);
}

// RFC 3711 §3.1, RFC 4568 §6.1
TEST_P(SrtpEngineTest, TheMasterKeyIdentifierIsAddedAndAskedFor) {
  for (const std::uint8_t bytes : {std::uint8_t{1}, std::uint8_t{4}, std::uint8_t{128}}) {
    key_.mki_bytes = bytes;
    key_.mki = 5;
    SrtpPair with(GetParam().engine, key_);
    key_.mki = 6;
    SrtpPair other(GetParam().engine, key_);
    for (const bool is_rtcp : {false, true}) {
      const Octets clear = is_rtcp ? rtcp(kSsrc) : rtp(kSsrc, 3);
      Octets packet = clear;
      ASSERT_EQ(with.protect(packet, is_rtcp), SrtpResult::Ok);
      const SrtpSuiteFacts facts = facts_of(key_.suite);
      const std::size_t tag = is_rtcp ? facts.rtcp_tag_bytes : facts.rtp_tag_bytes;
      EXPECT_EQ(packet.size(), clear.size() + tag + bytes + (is_rtcp ? 4 : 0));
      EXPECT_EQ(packet[packet.size() - 1 - (facts.is_aead ? 0 : tag)], 5);
      Octets again = packet;
      EXPECT_EQ(other.unprotect(again, is_rtcp), SrtpResult::BadTag);
      EXPECT_EQ(again, packet);
      EXPECT_EQ(with.unprotect(packet, is_rtcp), SrtpResult::Ok);
      EXPECT_EQ(packet, clear);
    }
  }
  key_.mki_bytes = 129;
  EXPECT_EQ(pair_.engine->open(key_, SrtpDirection::Protect), SrtpContextId{});
}

// RFC 3711 §9.2, RFC 4568 §6.1
TEST_P(SrtpEngineTest, AKeyIsNotUsedBeyondItsLifetime) {
  key_.packets_max = 3;
  SrtpPair pair(GetParam().engine, key_);
  EXPECT_EQ(pair.engine->packets_left(pair.sender), 3u);
  for (std::uint16_t i = 0; i < 3; ++i) {
    Octets packet = rtp(kSsrc, i);
    ASSERT_EQ(pair.protect(packet), SrtpResult::Ok);
    ASSERT_EQ(pair.unprotect(packet), SrtpResult::Ok);
  }
  Octets packet = rtp(kSsrc, 3);
  EXPECT_EQ(pair.protect(packet), SrtpResult::KeyExpired);
  packet = rtp(kSsrc, 3);
  EXPECT_EQ(pair.unprotect(packet), SrtpResult::KeyExpired);
  EXPECT_EQ(pair.engine->packets_left(pair.sender), 0u);
  for (int i = 0; i < 3; ++i) {
    packet = rtcp(kSsrc);
    ASSERT_EQ(pair.protect(packet, true), SrtpResult::Ok);
  }
  packet = rtcp(kSsrc);
  EXPECT_EQ(pair.protect(packet, true), SrtpResult::KeyExpired);
}

TEST_P(SrtpEngineTest, TheCounterItselfDoesNotRollOver) {
  SrtpContextState state;
  (void)state.sources.push_back(
      {.ssrc = kSsrc, .roc = 0xffffffff, .highest = 0xfffe, .has_rtp = true, .rtp_seen = {1, 0}});
  ASSERT_TRUE(pair_.engine->restore(pair_.sender, state));
  Octets packet = rtp(kSsrc, 0xffff);
  EXPECT_EQ(pair_.protect(packet), SrtpResult::Ok);
  packet = rtp(kSsrc, 0);
  EXPECT_EQ(pair_.protect(packet), SrtpResult::KeyExpired);
}

TEST_P(SrtpEngineTest, AStateGoesOnInAnotherEngine) {
  std::vector<Octets> held;
  for (std::uint32_t index = 0xff80; index < 0x10040; ++index) {
    Octets packet = secured(kSsrc, static_cast<std::uint16_t>(index));
    if (index % 16 == 0)
      held.push_back(packet);
    else
      ASSERT_EQ(receive(packet), SrtpResult::Ok);
  }
  for (int i = 0; i < 10; ++i) {
    Octets report = rtcp(kSsrc);
    ASSERT_EQ(pair_.protect(report, true), SrtpResult::Ok);
    ASSERT_EQ(pair_.unprotect(report, true), SrtpResult::Ok);
  }
  std::string bytes;
  ArchiveWriter writer(bytes, Timestamp{});
  writer(pair_.state(pair_.sender), pair_.state(pair_.receiver));
  for (const SrtpEngineKind kind : kAllEngines) {
    SrtpPair next(kind, key_);
    if (next.engine == nullptr) continue;
    SrtpContextState sender, receiver;
    ArchiveReader reader(bytes, Timestamp{});
    reader(sender, receiver);
    ASSERT_TRUE(reader.good());
    ASSERT_TRUE(next.engine->restore(next.sender, sender));
    ASSERT_TRUE(next.engine->restore(next.receiver, receiver));
    EXPECT_TRUE(next.state(next.receiver) == receiver);
    for (std::size_t i = 0; i < held.size(); ++i) {  // those too old and those within the window
      Octets packet = held[i];
      const SrtpResult expected = 0xff80 + i * 16 + 128 <= 0x1003f ? SrtpResult::TooOld : SrtpResult::Ok;
      EXPECT_EQ(next.unprotect(packet), expected) << i;
    }
    Octets packet = rtp(kSsrc, 0x3e);
    EXPECT_EQ(next.protect(packet), SrtpResult::Replayed);
    packet = rtp(kSsrc, 0x41);
    ASSERT_EQ(next.protect(packet), SrtpResult::Ok);
    EXPECT_EQ(next.unprotect(packet), SrtpResult::Ok);
    packet = rtcp(kSsrc);
    ASSERT_EQ(next.protect(packet, true), SrtpResult::Ok);
    EXPECT_EQ(next.unprotect(packet, true), SrtpResult::Ok);
    EXPECT_EQ(next.state(next.sender).sources[0].rtcp_index, 11u);
  }
}

TEST_P(SrtpEngineTest, AStateThatCannotBeIsRefused) {
  SrtpContextState state;
  (void)state.sources.push_back({.ssrc = 1});
  (void)state.sources.push_back({.ssrc = 1});
  EXPECT_FALSE(pair_.engine->restore(pair_.receiver, state));
  state.sources.clear();
  (void)state.sources.push_back({.ssrc = 1, .has_rtcp = true, .rtcp_index = 0x80000000});
  EXPECT_FALSE(pair_.engine->restore(pair_.receiver, state));
}

TEST_P(SrtpEngineTest, AClosedContextAndOneOfTheOtherDirectionAreMisses) {
  Octets packet = rtp(kSsrc, 1);
  EXPECT_EQ(run(*pair_.engine, pair_.receiver, SrtpDirection::Protect, packet), SrtpResult::NoContext);
  EXPECT_EQ(run(*pair_.engine, pair_.sender, SrtpDirection::Unprotect, packet), SrtpResult::NoContext);
  EXPECT_EQ(run(*pair_.engine, {7, 1}, SrtpDirection::Protect, packet), SrtpResult::NoContext);
  EXPECT_EQ(run(*pair_.engine, {1000, 1}, SrtpDirection::Protect, packet), SrtpResult::NoContext);
  const SrtpContextId old = pair_.sender;
  pair_.engine->close(old);
  pair_.engine->close(old);
  EXPECT_EQ(pair_.protect(packet), SrtpResult::NoContext);
  SrtpContextState state;
  EXPECT_FALSE(pair_.engine->save(old, state));
  EXPECT_EQ(pair_.engine->packets_left(old), 0u);
  pair_.sender = pair_.engine->open(key_, SrtpDirection::Protect);
  EXPECT_EQ(pair_.sender.index, old.index);
  EXPECT_NE(pair_.sender, old);
  EXPECT_EQ(run(*pair_.engine, old, SrtpDirection::Protect, packet), SrtpResult::NoContext);
  EXPECT_EQ(pair_.protect(packet), SrtpResult::Ok);
}

TEST_P(SrtpEngineTest, AFullTableIsAnAnswer) {
  std::vector<SrtpContextId> ids;
  while (true) {
    const SrtpContextId id = pair_.engine->open(key_, SrtpDirection::Protect);
    if (id == SrtpContextId{}) break;
    ids.push_back(id);
    ASSERT_LE(ids.size(), 6u);
  }
  EXPECT_EQ(ids.size(), 6u);  // the pair has two of eight
  pair_.engine->close(ids[3]);
  EXPECT_NE(pair_.engine->open(key_, SrtpDirection::Unprotect), SrtpContextId{});
}

// Mixed in one burst longer than the engine's own, and one bad packet among the good.
TEST_P(SrtpEngineTest, ABurstIsWorkedOnAsOneAfterTheOther) {
  std::vector<Octets> packets;
  std::vector<SrtpJob> jobs;
  for (std::uint32_t i = 0; i < 100; ++i)
    packets.push_back(i % 10 == 9 ? rtcp(kSsrc) : rtp(kSsrc, static_cast<std::uint16_t>(0xffd0 + i), i));
  const std::vector<Octets> clear = packets;
  for (std::size_t i = 0; i < packets.size(); ++i) {
    const auto length = static_cast<std::uint32_t>(packets[i].size());
    packets[i].resize(length + kSrtpGrowthMax);
    jobs.push_back({.context = pair_.sender,
                    .packet = packets[i].data(),
                    .length = length,
                    .capacity = length + static_cast<std::uint32_t>(kSrtpGrowthMax),
                    .is_rtcp = i % 10 == 9});
  }
  pair_.engine->protect(jobs);
  for (SrtpJob& job : jobs) {
    ASSERT_EQ(job.result, SrtpResult::Ok);
    job.context = pair_.receiver;
  }
  jobs[50].packet[20] ^= 1;
  jobs.push_back(jobs[60]);  // the same packet twice would be undone twice: a copy of it
  Octets copy(jobs[60].packet, jobs[60].packet + jobs[60].length);
  jobs.back().packet = copy.data();
  pair_.engine->unprotect(jobs);
  for (std::size_t i = 0; i < clear.size(); ++i) {
    ASSERT_EQ(jobs[i].result, i == 50 ? SrtpResult::BadTag : SrtpResult::Ok) << i;
    EXPECT_TRUE(i == 50 || Octets(jobs[i].packet, jobs[i].packet + jobs[i].length) == clear[i]);
  }
  EXPECT_EQ(jobs.back().result, SrtpResult::Replayed);
}

// The budget of a call with GCM on both legs: two directions on each, and the relay's stream beside.
TEST(SrtpMemory, FourContextsAndAStreamFitInEightKilobytes) {
  constexpr std::size_t kRelayStreamBytes = 1650;
  const auto engine =
      make_srtp_engine(has_multibuffer() ? SrtpEngineKind::Multibuffer : SrtpEngineKind::Evp, 1);
  ASSERT_NE(engine, nullptr);
  EXPECT_LE(4 * engine->context_bytes() + kRelayStreamBytes, 8192u) << engine->context_bytes();
}

TEST(SrtpNames, EachAnswerHasOne) {
  for (std::size_t i = 0; i < static_cast<std::size_t>(SrtpResult::kCount); ++i)
    EXPECT_FALSE(to_string(static_cast<SrtpResult>(i)).empty());
}

TEST(SrtpEngines, TakeNoMoreOfTheirTableThanIsPlannedFor) {
  for (const SrtpEngineKind kind : kAllEngines)
    if (const auto engine = make_srtp_engine(kind, 1)) {
      EXPECT_LE(engine->context_bytes(), kSrtpContextBytesMax) << to_string(kind);
    }
}

}  // namespace
}  // namespace sallyport::media
