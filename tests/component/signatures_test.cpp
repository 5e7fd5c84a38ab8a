// signatures_test.cpp — signatures in the engine: what is dropped, refused, told or only counted, before
// anything is made of a message; and that no valid message of the corpora meets a shipped rule that drops.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "policy/signatures/rule_file.h"
#include "policy/signatures/signature_set.h"
#include "sipalg/engine/signature_view.h"
#include "tests/support/engine_fixture.h"
#include "tests/support/message_builder.h"

namespace sallyport::sip {
namespace {

using tests::EngineFixture;
using tests::MessageBuilder;
using tests::status_of;

SharedValue<policy::SignatureSet> compiled(std::string_view rules, bool applies_to_all,
                                           std::vector<std::uint32_t> dry_run = {}) {
  policy::RuleFile file = policy::parse_rule_file(rules);
  EXPECT_TRUE(file.problems.empty()) << file.problems[0].what;
  std::vector<policy::SignatureSource> sources;
  sources.push_back({std::move(file.signatures), applies_to_all, std::move(dry_run)});
  std::vector<policy::SourceProblem> problems;
  auto set = policy::SignatureSet::compile(std::move(sources), problems);
  EXPECT_TRUE(problems.empty());
  return set;
}

std::string rule(std::string_view action) {
  return std::string(action) +
         " sip any any -> any any (msg:\"bad phone\"; sip.user_agent; content:\"bad\"; sid:7;)";
}

std::string bad(std::string_view method) { return MessageBuilder(method).line("User-Agent: bad").build(); }

std::vector<DetectionEvent> detections(EngineOutput& out) {
  std::vector<DetectionEvent> found;
  for (const EngineEvent& event : out.events())
    if (const auto* const one = std::get_if<DetectionEvent>(&event.what)) found.push_back(*one);
  return found;
}

TEST(EngineSignatures, DropIsSilentCountedAndTold) {
  EngineFixture fixture;
  fixture.config.security.signature_set = compiled(rule("drop"), true);
  EXPECT_FALSE(fixture.receive(bad("OPTIONS")));
  ASSERT_EQ(detections(fixture.out).size(), 1u);
  const DetectionEvent told = detections(fixture.out)[0];
  EXPECT_EQ(told.detector, "signature");
  EXPECT_EQ(told.action, "drop");
  EXPECT_EQ(told.evidence, "sid 7: bad phone");
  EXPECT_EQ(told.source, fixture.input.remote);
  EXPECT_EQ(fixture.dropped(SipDropReason::Signature), 1u);
  EXPECT_EQ(fixture.engine().counters().detections.value(DetectionLabel::SignatureDrop), 1u);
  EXPECT_EQ(status_of(fixture.receive(MessageBuilder("OPTIONS").build())->bytes), 200);
}

TEST(EngineSignatures, RejectIs403WithoutATransaction) {
  EngineFixture fixture;
  fixture.config.security.signature_set = compiled(rule("reject"), true);
  for (int i = 0; i < 3; ++i) {
    const auto answer = fixture.receive(bad("INVITE"));
    ASSERT_TRUE(answer);
    EXPECT_EQ(status_of(answer->bytes), 403);
    EXPECT_EQ(fixture.engine().counters().transactions_active.value(), 0u);
  }
  EXPECT_FALSE(fixture.receive(bad("ACK")));
  EXPECT_EQ(fixture.dropped(SipDropReason::Signature), 1u);
  EXPECT_EQ(fixture.engine().counters().detections.value(DetectionLabel::SignatureReject), 4u);
}

TEST(EngineSignatures, AlertIsToldAndTheMessageGoesItsWay) {
  EngineFixture fixture;
  fixture.config.security.signature_set = compiled(rule("alert"), true);
  EXPECT_EQ(status_of(fixture.receive(bad("OPTIONS"))->bytes), 200);
  EXPECT_EQ(detections(fixture.out).size(), 1u);
  EXPECT_EQ(fixture.dropped(SipDropReason::Signature), 0u);
}

TEST(EngineSignatures, ADryRunOnlyCounts) {
  EngineFixture fixture;
  const auto set = compiled(rule("drop"), true, {7});
  fixture.config.security.signature_set = set;
  EXPECT_EQ(status_of(fixture.receive(bad("OPTIONS"))->bytes), 200);
  EXPECT_TRUE(detections(fixture.out).empty());
  EXPECT_EQ(set->counts(0).dry_runs.load(), 1u);
  EXPECT_EQ(fixture.engine().counters().detections.value(DetectionLabel::SignatureDrop), 0u);
}

TEST(EngineSignatures, NoRuleStopsACallToAnEmergencyNumber) {
  EngineFixture fixture;
  fixture.config.security.signature_set = compiled(rule("drop"), true);
  const auto call = [&fixture](const char* uri) {
    (void)fixture.receive(MessageBuilder("INVITE").uri(uri).line("User-Agent: bad").build());
    return fixture.dropped(SipDropReason::Signature);
  };
  EXPECT_EQ(call("sip:%31%312@198.18.1.1"), 0u);
  EXPECT_EQ(call("urn:service:sos.police"), 0u);
  EXPECT_EQ(call("sip:1120@198.18.1.1"), 1u);
}

TEST(EngineSignatures, RulesForStrangersDoNotTouchPeers) {
  EngineFixture fixture;
  fixture.config.security.signature_set = compiled(rule("drop"), false);
  EXPECT_EQ(status_of(fixture.receive(bad("OPTIONS"))->bytes), 200);
}

// Where endpoints register, strangers are read; one whom nobody would answer gets no 403 either.
TEST(EngineSignatures, AStrangerWhoIsNotHeardGetsNoAnswer) {
  EngineFixture fixture;
  fixture.config.registrars.emplace_back().name = "phones";
  fixture.config.registrars[0].realm = "outside";
  fixture.config.registrars[0].upstream = "carrier";
  fixture.config.peers[1].name = "phones";  // their place among the peers
  fixture.config.peers[1].realm = "outside";
  fixture.config.peers[1].registrar = 0;
  fixture.config.security.signature_set = compiled(rule("reject"), false);
  fixture.input.trust = TrustClass::Untrusted;
  fixture.input.peer = PeerIndex::kNone;
  EXPECT_FALSE(fixture.receive(bad("OPTIONS")));
  EXPECT_EQ(fixture.dropped(SipDropReason::Signature), 1u);
  EXPECT_FALSE(fixture.receive(MessageBuilder("OPTIONS").build()));
  EXPECT_EQ(fixture.dropped(SipDropReason::Stranger), 1u);
}

TEST(EngineSignatures, AFloodThatMatchesIsNoFloodOfEvents) {
  EngineFixture fixture;
  fixture.config.security.signature_set = compiled(rule("drop"), true);
  std::size_t told = 0;
  for (int i = 0; i < 1000; ++i) {
    EXPECT_FALSE(fixture.receive(bad("OPTIONS")));
    told += detections(fixture.out).size();
  }
  EXPECT_EQ(told, 20u);
  EXPECT_EQ(fixture.engine().counters().detections.value(DetectionLabel::SignatureDrop), 1000u);
  fixture.now += 1s;
  EXPECT_FALSE(fixture.receive(bad("OPTIONS")));
  EXPECT_EQ(detections(fixture.out).size(), 1u);
}

TEST(EngineSignatures, AReloadBringsOtherSignatures) {
  EngineFixture fixture;
  SharedPolicy shared(fixture.config, HashKey{5, 6});
  SipEngine engine(fixture.config, shared, fixture.settings);
  const std::string bytes = bad("OPTIONS");
  fixture.input.bytes = bytes;
  const auto is_answered = [&] {
    fixture.out.clear();
    fixture.now += 1h;
    engine.on_message(fixture.now, fixture.input, fixture.out);
    return !fixture.out.sends().empty();
  };
  const auto reload = [&](SharedValue<policy::SignatureSet> set) {
    SbcConfig next = fixture.config;
    next.security.signature_set = std::move(set);
    shared.adopt(make_value<Rulebook>(make_value<SbcConfig>(next), shared.targets));
    fixture.out.clear();
    engine.adopt(fixture.now, fixture.out);
  };
  EXPECT_TRUE(is_answered());
  reload(compiled(rule("drop"), true));
  EXPECT_FALSE(is_answered());
  reload(nullptr);
  EXPECT_TRUE(is_answered());
  EXPECT_EQ(engine.counters().detections.value(DetectionLabel::SignatureDrop), 1u);
  EXPECT_EQ(engine.counters(RealmIndex{0}).dropped.value(SipDropReason::Signature), 1u);
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Files of a corpus that its verdicts call good.
std::vector<std::filesystem::path> valid_files(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  std::ifstream verdicts(folder / "verdicts.csv");
  std::string line;
  while (std::getline(verdicts, line)) {
    std::istringstream fields(line);
    std::string file, section, parse;
    std::getline(fields, file, ',');
    std::getline(fields, section, ',');
    std::getline(fields, parse, ',');
    if (parse == "ok") files.push_back(folder / file);
  }
  return files;
}

TEST(EngineSignatures, NoValidMessageOfTheCorporaMeetsAShippedRuleThatDrops) {
  policy::SignatureScanner scanner(HashKey{1, 2});
  scanner.adopt(compiled(read_file(SALLYPORT_RULES_FILE), true));
  SignatureView view;
  SipMessage message;
  std::vector<std::filesystem::path> files = valid_files(SALLYPORT_FIXTURES_DIR);
  const std::string shared = SALLYPORT_SHARED_CORPUS_DIR;
  if (!shared.empty())
    for (std::filesystem::path& file : valid_files(shared)) files.push_back(std::move(file));
  EXPECT_GT(files.size(), 20u);
  MessageInput input;
  for (const std::filesystem::path& file : files) {
    const std::string bytes = read_file(file);
    ASSERT_EQ(parse_message(bytes, {}, message), ParseStatus::Complete) << file;
    const policy::SignatureVerdict verdict = scanner.scan({}, view.look_at(input, message));
    EXPECT_TRUE(verdict.rule == nullptr || verdict.action == policy::SignatureAction::Alert)
        << file << " meets sid " << verdict.rule->signature.sid;
  }
}

}  // namespace
}  // namespace sallyport::sip
