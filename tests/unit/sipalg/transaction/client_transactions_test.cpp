// client_transactions_test.cpp — RFC 3261 §17.1, §9.1, §18.4; RFC 6026 §7.2; threats D4. Each test runs
// twice: plain, and with the table written and read back after every step.
#include "sipalg/transaction/client_transactions.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/message_builder.h"

namespace sallyport::sip {
namespace {

using tests::header_of;
using tests::MessageBuilder;

const Path kPath{RealmIndex{1}, *parse_endpoint("198.18.2.1:5060", 0), *parse_endpoint("198.18.2.2:5060", 0)};
constexpr std::string_view kVia = "SIP/2.0/UDP 198.18.2.1:5060;branch=z9hG4bKours7;rport";

MessageBuilder request(std::string_view method, std::string_view cseq = {}) {
  MessageBuilder builder(method);
  builder.via(kVia).uri("sip:desk@198.18.2.2").from("\"A\" <sip:a@edge.test>;tag=ourtag");
  builder.to("<sip:desk@edge.test>").call_id("ours-1");
  builder.line("Route: <sip:198.18.2.2;lr>").line("Route: <sip:core.test;lr>");
  if (!cseq.empty()) builder.cseq(cseq);
  return builder;
}

std::string response(int code, std::string_view cseq = "1 INVITE", std::string_view to_tag = "t1") {
  return "SIP/2.0 " + std::to_string(code) + " X\r\nVia: " + std::string(kVia) +
         "\r\nFrom: \"A\" <sip:a@edge.test>;tag=ourtag\r\nTo: <sip:desk@edge.test>" +
         (to_tag.empty() ? "" : ";tag=" + std::string(to_tag)) +
         "\r\nCall-ID: ours-1\r\nCSeq: " + std::string(cseq) +
         "\r\nContact: <sip:desk@198.18.2.2>\r\nContent-Length: 0\r\n\r\n";
}

struct Sent {
  std::string bytes;
  Path path;
  bool is_again;
};

class ClientTransactionsTest : public testing::TestWithParam<bool> {
 protected:
  static constexpr std::uint32_t kCapacity = 4;

  bool start(TransactionKind kind, std::uint64_t number = 7, TransactionUser user = {5, 6, 8},
             const Path& path = kPath) {
    const auto bytes = request(kind == TransactionKind::Invite ? "INVITE" : "BYE").build();
    const bool started = table->start({number, kind, user, path, bytes, {}}, now);
    step_over();
    return started;
  }
  ResponseMatch receive(const std::string& bytes, std::uint64_t number = 7, const Path& arrived = kPath) {
    SipMessage message;
    EXPECT_EQ(parse_message(bytes, {}, message), ParseStatus::Complete);
    const auto match = table->on_response(number, message, arrived, now, out);
    step_over();
    return match;
  }
  void cancel(std::uint64_t number = 7) {
    table->cancel(number, now, out);
    step_over();
  }
  // Lets time pass, timer by timer; the events on the way.
  std::vector<TransactionEvent> pass(Duration time) {
    std::vector<TransactionEvent> events;
    const Timestamp end = now + time;
    for (int guard = 0; guard < 10000; ++guard) {
      const auto deadline = table->next_deadline();
      if (!deadline || *deadline > end) break;
      now = std::max(now, *deadline);
      while (const auto event = table->next_event(now, out)) events.push_back(*event);
      step_over();
    }
    now = end;
    return events;
  }
  // What was sent since the last call.
  std::vector<Sent> take() { return std::exchange(sent, {}); }
  std::vector<std::string> methods() {
    std::vector<std::string> names;
    for (const Sent& message : take()) names.push_back(message.bytes.substr(0, message.bytes.find(' ')));
    return names;
  }
  void step_over() {
    for (const SendMessage& message : out.sends())
      sent.push_back({std::string(message.bytes), message.path, message.is_again});
    out.clear();
    if (GetParam()) move_to(std::make_unique<ClientTransactions>(kCapacity), now);
  }
  void move_to(std::unique_ptr<ClientTransactions> fresh, Timestamp then) {
    std::string bytes;
    ArchiveWriter writer(bytes, now);
    for (std::uint64_t call = 0; call < 10; ++call) table->save(call, writer);
    ArchiveReader reader(bytes, then);
    for (std::uint64_t call = 0; call < 10; ++call) ASSERT_TRUE(fresh->restore(reader));
    ASSERT_TRUE(reader.done());
    ASSERT_EQ(fresh->size(), table->size());
    table = std::move(fresh);
    now = then;
  }

  std::unique_ptr<ClientTransactions> table = std::make_unique<ClientTransactions>(kCapacity);
  Timestamp now{std::chrono::hours(1)};
  EngineOutput out;
  std::vector<Sent> sent;
};

INSTANTIATE_TEST_SUITE_P(PlainAndRestored, ClientTransactionsTest, testing::Bool());

using Methods = std::vector<std::string>;

// RFC 3261 §17.1.1.2
TEST_P(ClientTransactionsTest, InviteWithoutAnyResponseIsSentSevenTimesThenTimesOut) {
  ASSERT_TRUE(start(TransactionKind::Invite));
  EXPECT_TRUE(pass(32s - 1ms).empty());
  const auto resent = take();
  ASSERT_EQ(resent.size(), 6u);
  for (const Sent& message : resent) {
    EXPECT_EQ(message.bytes, request("INVITE").build());
    EXPECT_EQ(message.path, kPath);
    EXPECT_TRUE(message.is_again);
  }
  const auto events = pass(1ms);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].end, TransactionEnd::Timeout);
  EXPECT_EQ(events[0].kind, TransactionKind::Invite);
  EXPECT_EQ(events[0].number, 7u);
  EXPECT_EQ(events[0].user.call, 5u);
  EXPECT_EQ(events[0].user.part, 6u);
  EXPECT_EQ(events[0].user.purpose, 8u);
  EXPECT_EQ(table->size(), 0u);
  EXPECT_EQ(receive(response(200)).fate, ResponseFate::Unmatched);
}

// RFC 3261 §17.1.2.2
TEST_P(ClientTransactionsTest, NonInviteIsSentElevenTimesThenTimesOut) {
  ASSERT_TRUE(start(TransactionKind::NonInvite));
  EXPECT_TRUE(pass(32s - 1ms).empty());
  EXPECT_EQ(take().size(), 10u);
  EXPECT_EQ(pass(1ms).size(), 1u);
  EXPECT_EQ(table->size(), 0u);
}

TEST_P(ClientTransactionsTest, NonInviteAnswerIsDeliveredOnceAndForgottenAfterTimerK) {
  ASSERT_TRUE(start(TransactionKind::NonInvite));
  const auto match = receive(response(200, "1 BYE"));
  EXPECT_EQ(match.fate, ResponseFate::Deliver);
  EXPECT_EQ(match.kind, TransactionKind::NonInvite);
  EXPECT_EQ(match.user.call, 5u);
  EXPECT_EQ(receive(response(200, "1 BYE")).fate, ResponseFate::Absorbed);
  EXPECT_TRUE(pass(5s - 1ms).empty());
  EXPECT_EQ(table->size(), 1u);
  EXPECT_TRUE(pass(1ms).empty());
  EXPECT_EQ(table->size(), 0u);
  EXPECT_TRUE(take().empty());
}

// RFC 3261 §17.1.1.2: from the first provisional on nothing is sent and nothing times out.
TEST_P(ClientTransactionsTest, RingingStopsTheTimers) {
  ASSERT_TRUE(start(TransactionKind::Invite));
  EXPECT_EQ(receive(response(100, "1 INVITE", "")).fate, ResponseFate::Deliver);
  EXPECT_EQ(receive(response(180)).fate, ResponseFate::Deliver);
  EXPECT_EQ(receive(response(180)).fate, ResponseFate::Deliver);
  EXPECT_EQ(table->next_deadline(), std::nullopt);
  EXPECT_TRUE(pass(600s).empty());
  EXPECT_TRUE(take().empty());
  EXPECT_EQ(table->size(), 1u);
}

// RFC 3261 §17.1.1.3
TEST_P(ClientTransactionsTest, FailureIsAcknowledgedAgainForEachRetransmission) {
  ASSERT_TRUE(start(TransactionKind::Invite));
  EXPECT_EQ(receive(response(486)).fate, ResponseFate::Deliver);
  auto acks = take();
  ASSERT_EQ(acks.size(), 1u);
  const std::string ack = acks[0].bytes;
  EXPECT_EQ(ack.substr(0, ack.find('\r')), "ACK sip:desk@198.18.2.2 SIP/2.0");
  EXPECT_EQ(header_of(ack, "Via"), kVia);
  EXPECT_EQ(header_of(ack, "From"), "\"A\" <sip:a@edge.test>;tag=ourtag");
  EXPECT_EQ(header_of(ack, "To"), "<sip:desk@edge.test>;tag=t1");
  EXPECT_EQ(header_of(ack, "Call-ID"), "ours-1");
  EXPECT_EQ(header_of(ack, "CSeq"), "1 ACK");
  EXPECT_NE(ack.find("Route: <sip:198.18.2.2;lr>\r\nRoute: <sip:core.test;lr>\r\n"), std::string::npos);
  EXPECT_EQ(acks[0].path, kPath);
  EXPECT_FALSE(acks[0].is_again);
  SipMessage parsed;
  EXPECT_EQ(parse_message(ack, {StrictnessPolicy::of(Strictness::Strict)}, parsed), ParseStatus::Complete);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(receive(response(486)).fate, ResponseFate::Absorbed);
    acks = take();
    ASSERT_EQ(acks.size(), 1u);
    EXPECT_EQ(acks[0].bytes, ack);
    EXPECT_TRUE(acks[0].is_again);
  }
  EXPECT_EQ(receive(response(180)).fate, ResponseFate::Absorbed);
  EXPECT_TRUE(pass(32s - 1ms).empty());
  EXPECT_EQ(table->size(), 1u);  // timer D
  EXPECT_TRUE(pass(1ms).empty());
  EXPECT_EQ(table->size(), 0u);
}

// RFC 6026 §7.2: the dialog acknowledges them, and each fork's is another dialog.
TEST_P(ClientTransactionsTest, EverySuccessIsDeliveredUntilTimerM) {
  ASSERT_TRUE(start(TransactionKind::Invite));
  EXPECT_EQ(receive(response(200, "1 INVITE", "fork1")).fate, ResponseFate::Deliver);
  EXPECT_EQ(receive(response(200, "1 INVITE", "fork2")).fate, ResponseFate::Deliver);
  EXPECT_TRUE(pass(31s).empty());
  EXPECT_EQ(receive(response(200, "1 INVITE", "fork1")).fate, ResponseFate::Deliver);
  EXPECT_EQ(receive(response(180)).fate, ResponseFate::Absorbed);
  EXPECT_EQ(receive(response(486)).fate, ResponseFate::Absorbed);
  EXPECT_TRUE(take().empty());
  EXPECT_TRUE(pass(1s).empty());
  EXPECT_EQ(table->size(), 0u);
}

// RFC 3261 §16.7 step 5: a proxy forwards a late fork's 2xx behind the failure.
TEST_P(ClientTransactionsTest, SuccessBehindAFailureIsDelivered) {
  ASSERT_TRUE(start(TransactionKind::Invite));
  receive(response(408));
  EXPECT_EQ(receive(response(200, "1 INVITE", "late")).fate, ResponseFate::Deliver);
  EXPECT_EQ(receive(response(408)).fate, ResponseFate::Absorbed);
  EXPECT_EQ(methods(), (Methods{"ACK", "ACK"}));
}

// RFC 3261 §9.1
TEST_P(ClientTransactionsTest, CancelWaitsForAProvisional) {
  ASSERT_TRUE(start(TransactionKind::Invite));
  cancel();
  cancel();
  EXPECT_TRUE(take().empty());
  EXPECT_TRUE(pass(500ms).empty());
  EXPECT_EQ(methods(), Methods{"INVITE"});
  EXPECT_EQ(receive(response(100, "1 INVITE", "")).fate, ResponseFate::Deliver);
  const auto cancels = take();
  ASSERT_EQ(cancels.size(), 1u);
  const std::string& bytes = cancels[0].bytes;
  EXPECT_EQ(bytes.substr(0, bytes.find('\r')), "CANCEL sip:desk@198.18.2.2 SIP/2.0");
  EXPECT_EQ(header_of(bytes, "Via"), kVia);
  EXPECT_EQ(header_of(bytes, "To"), "<sip:desk@edge.test>");
  EXPECT_EQ(header_of(bytes, "From"), "\"A\" <sip:a@edge.test>;tag=ourtag");
  EXPECT_EQ(header_of(bytes, "CSeq"), "1 CANCEL");
  EXPECT_NE(bytes.find("Route: <sip:198.18.2.2;lr>\r\nRoute: <sip:core.test;lr>\r\n"), std::string::npos);
}

TEST_P(ClientTransactionsTest, CancelWhileRingingGoesOutAtOnceAndOnce) {
  ASSERT_TRUE(start(TransactionKind::Invite));
  receive(response(180));
  cancel();
  EXPECT_EQ(methods(), Methods{"CANCEL"});
  cancel();
  EXPECT_TRUE(take().empty());
  EXPECT_EQ(receive(response(183)).fate, ResponseFate::Deliver);  // 1xx after CANCEL
  EXPECT_TRUE(take().empty());
}

// RFC 3261 §9.1: the CANCEL is a transaction of its own, with timers E and F.
TEST_P(ClientTransactionsTest, CancelIsSentAgainUntilItIsAnswered) {
  ASSERT_TRUE(start(TransactionKind::Invite));
  receive(response(180));
  cancel();
  EXPECT_TRUE(pass(1500ms).empty());
  EXPECT_EQ(methods(), (Methods{"CANCEL", "CANCEL", "CANCEL"}));
  EXPECT_EQ(receive(response(200, "1 CANCEL")).fate, ResponseFate::Absorbed);
  EXPECT_EQ(receive(response(200, "1 CANCEL")).fate, ResponseFate::Absorbed);
  EXPECT_TRUE(pass(20s).empty());
  EXPECT_TRUE(take().empty());
  EXPECT_EQ(receive(response(487)).fate, ResponseFate::Deliver);
  EXPECT_EQ(methods(), Methods{"ACK"});
  EXPECT_EQ(receive(response(200, "1 CANCEL")).fate, ResponseFate::Absorbed);
}

TEST_P(ClientTransactionsTest, FailureStopsTheCancel) {
  ASSERT_TRUE(start(TransactionKind::Invite));
  receive(response(180));
  cancel();
  receive(response(487));
  EXPECT_EQ(methods(), (Methods{"CANCEL", "ACK"}));
  EXPECT_TRUE(pass(20s).empty());
  EXPECT_TRUE(take().empty());
}

// RFC 3261 §9.1, last paragraph
TEST_P(ClientTransactionsTest, CancelledInviteWithoutFinalResponseTimesOut) {
  ASSERT_TRUE(start(TransactionKind::Invite));
  receive(response(180));
  EXPECT_TRUE(pass(100s).empty());
  cancel();
  receive(response(200, "1 CANCEL"));
  EXPECT_TRUE(pass(32s - 1ms).empty());
  const auto events = pass(1ms);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].end, TransactionEnd::Timeout);
  EXPECT_EQ(table->size(), 0u);
}

// RFC 3261 §9.1, threats D4: CANCEL and 2xx crossed; the user acknowledges it and says BYE.
TEST_P(ClientTransactionsTest, SuccessAfterCancelIsDelivered) {
  ASSERT_TRUE(start(TransactionKind::Invite));
  receive(response(180));
  cancel();
  EXPECT_EQ(receive(response(200)).fate, ResponseFate::Deliver);
  take();
  EXPECT_TRUE(pass(10s).empty());
  EXPECT_TRUE(take().empty());
  cancel();
  EXPECT_TRUE(take().empty());  // no effect after a final response
}

TEST_P(ClientTransactionsTest, CancelBeforeAFinalResponseWithoutProvisionalIsNeverSent) {
  ASSERT_TRUE(start(TransactionKind::Invite));
  cancel();
  EXPECT_EQ(receive(response(486)).fate, ResponseFate::Deliver);
  EXPECT_EQ(methods(), Methods{"ACK"});
  EXPECT_EQ(receive(response(200, "1 CANCEL")).fate, ResponseFate::Unmatched);
}

TEST_P(ClientTransactionsTest, OnlyAnInviteCanBeCancelled) {
  ASSERT_TRUE(start(TransactionKind::NonInvite));
  receive(response(100, "1 BYE"));
  cancel();
  cancel(99);
  EXPECT_TRUE(take().empty());
}

// Threats D4
TEST_P(ClientTransactionsTest, ResponseFromElsewhereIsNotBelieved) {
  ASSERT_TRUE(start(TransactionKind::Invite));
  Path other = kPath;
  other.remote.address = *IpAddress::parse("198.18.2.3");
  EXPECT_EQ(receive(response(200), 7, other).fate, ResponseFate::Forged);
  other = kPath;
  other.realm = RealmIndex{0};
  EXPECT_EQ(receive(response(200), 7, other).fate, ResponseFate::Forged);
  other = kPath;
  other.local.port = 5070;
  EXPECT_EQ(receive(response(200), 7, other).fate, ResponseFate::Forged);
  other = kPath;
  other.remote.port = 50000;  // it sends from another port than it listens on
  EXPECT_EQ(receive(response(180), 7, other).fate, ResponseFate::Deliver);
}

// RFC 3261 §17.1.3, threats D4
TEST_P(ClientTransactionsTest, ResponseOfAnotherMethodCSeqOrNumberIsNotBelieved) {
  ASSERT_TRUE(start(TransactionKind::Invite));
  EXPECT_EQ(receive(response(200, "1 BYE")).fate, ResponseFate::Unmatched);
  EXPECT_EQ(receive(response(200, "2 INVITE")).fate, ResponseFate::Unmatched);
  EXPECT_EQ(receive(response(200, "1 CANCEL")).fate, ResponseFate::Unmatched);  // none was sent
  EXPECT_EQ(receive(response(200, "1 OTHER")).fate, ResponseFate::Unmatched);
  EXPECT_EQ(receive(response(200), 8).fate, ResponseFate::Unmatched);
  EXPECT_EQ(receive(response(200), 0).fate, ResponseFate::Unmatched);
  EXPECT_TRUE(take().empty());
  EXPECT_EQ(receive(response(200)).fate, ResponseFate::Deliver);
}

TEST_P(ClientTransactionsTest, UnknownMethodIsComparedAsText) {
  const auto bytes = request("FROB").build();
  ASSERT_TRUE(table->start({7, TransactionKind::NonInvite, {}, kPath, bytes, {}}, now));
  EXPECT_EQ(receive(response(200, "1 BLAH")).fate, ResponseFate::Unmatched);
  EXPECT_EQ(receive(response(200, "1 FROB")).fate, ResponseFate::Deliver);
}

TEST_P(ClientTransactionsTest, FullTableStartsNothingAndLosesNothing) {
  for (std::uint64_t number = 1; number <= kCapacity; ++number) {
    EXPECT_TRUE(table->has_room());
    EXPECT_TRUE(start(TransactionKind::NonInvite, number));
  }
  EXPECT_FALSE(table->has_room());
  EXPECT_FALSE(start(TransactionKind::NonInvite, 99));
  EXPECT_EQ(table->size(), kCapacity);
  EXPECT_EQ(pass(40s).size(), kCapacity);
  EXPECT_EQ(table->size(), 0u);
  EXPECT_EQ(table->next_deadline(), std::nullopt);
  EXPECT_TRUE(start(TransactionKind::NonInvite, 99));
}

TEST_P(ClientTransactionsTest, NumberThatIsThereIsNotGivenOutAgain) {
  EXPECT_TRUE(start(TransactionKind::NonInvite, 7));
  EXPECT_FALSE(start(TransactionKind::Invite, 7));
  EXPECT_FALSE(start(TransactionKind::Invite, 0));
  EXPECT_EQ(table->size(), 1u);
}

// RFC 3261 §18.4
TEST_P(ClientTransactionsTest, UnreachableEndsWhatHasNoResponseOnThatPath) {
  Path other = kPath;
  other.remote.port = 5080;
  ASSERT_TRUE(start(TransactionKind::Invite, 1));
  ASSERT_TRUE(start(TransactionKind::NonInvite, 2));
  ASSERT_TRUE(start(TransactionKind::Invite, 3));
  ASSERT_TRUE(start(TransactionKind::Invite, 4, {}, other));
  receive(response(180), 3);
  table->on_unreachable(kPath);
  step_over();
  table->on_unreachable(kPath);
  step_over();
  const auto events = pass(1ms);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].number + events[1].number, 3u);
  EXPECT_EQ(events[0].end, TransactionEnd::TransportError);
  EXPECT_EQ(events[1].end, TransactionEnd::TransportError);
  EXPECT_EQ(table->size(), 2u);
  EXPECT_TRUE(pass(100ms).empty());
}

TEST_P(ClientTransactionsTest, DisownedInviteIsCancelledAndTellsNobody) {
  ASSERT_TRUE(start(TransactionKind::Invite));
  receive(response(180));
  table->disown(7);
  step_over();
  EXPECT_TRUE(pass(1ms).empty());
  EXPECT_EQ(methods(), Methods{"CANCEL"});
  const auto match = receive(response(487));
  EXPECT_EQ(match.fate, ResponseFate::Deliver);
  EXPECT_EQ(match.user.call, 0u);
  EXPECT_EQ(methods(), Methods{"ACK"});
  EXPECT_TRUE(pass(32s).empty());
  EXPECT_EQ(table->size(), 0u);
}

TEST_P(ClientTransactionsTest, DisownedTransactionsDrainInSilence) {
  ASSERT_TRUE(start(TransactionKind::Invite, 1));
  ASSERT_TRUE(start(TransactionKind::NonInvite, 2));
  ASSERT_TRUE(start(TransactionKind::Invite, 3));
  receive(response(180), 3);
  for (std::uint64_t number = 1; number <= 9; ++number) table->disown(number);
  step_over();
  EXPECT_TRUE(pass(300s).empty());
  EXPECT_EQ(table->size(), 0u);
}

TEST_P(ClientTransactionsTest, AllTransactionsOfACallAreDisownedTogether) {
  ASSERT_TRUE(start(TransactionKind::Invite, 1, {5}));
  ASSERT_TRUE(start(TransactionKind::NonInvite, 2, {5}));
  ASSERT_TRUE(start(TransactionKind::NonInvite, 3, {6}));
  receive(response(180), 1);
  table->disown_call(5);
  step_over();
  const auto events = pass(300s);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].user.call, 6u);
  EXPECT_EQ(table->size(), 0u);
}

TEST_P(ClientTransactionsTest, TimersGoOnUnderAnotherClock) {
  ASSERT_TRUE(start(TransactionKind::Invite));
  EXPECT_TRUE(pass(10s).empty());
  EXPECT_EQ(take().size(), 4u);
  move_to(std::make_unique<ClientTransactions>(9), Timestamp(std::chrono::seconds(3)));
  EXPECT_TRUE(pass(22s - 1ms).empty());
  EXPECT_EQ(take().size(), 2u);
  EXPECT_EQ(pass(1ms).size(), 1u);
}

TEST_P(ClientTransactionsTest, OnlyTheTransactionsOfThatCallAreSaved) {
  ASSERT_TRUE(start(TransactionKind::Invite, 1, {5}));
  ASSERT_TRUE(start(TransactionKind::Invite, 2, {6}));
  ASSERT_TRUE(start(TransactionKind::NonInvite, 3, {5}));
  ASSERT_TRUE(start(TransactionKind::NonInvite, 4, {}));
  for (const auto& [call, size] : {std::pair{5u, 2u}, {6u, 1u}, {0u, 1u}, {9u, 0u}}) {
    std::string bytes;
    ArchiveWriter writer(bytes, now);
    table->save(call, writer);
    ClientTransactions other(8);
    ArchiveReader reader(bytes, now);
    EXPECT_TRUE(other.restore(reader));
    EXPECT_EQ(other.size(), size);
  }
}

TEST_P(ClientTransactionsTest, RestoreSurvivesBrokenBytesAndAFullTable) {
  ASSERT_TRUE(start(TransactionKind::Invite, 1));
  ASSERT_TRUE(start(TransactionKind::NonInvite, 2));
  std::string bytes;
  ArchiveWriter writer(bytes, now);
  table->save(5, writer);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    ClientTransactions other(8);
    ArchiveReader reader(std::string_view(bytes).substr(0, size), now);
    EXPECT_FALSE(other.restore(reader));
  }
  ClientTransactions small(1);
  ArchiveReader reader(bytes, now);
  EXPECT_FALSE(small.restore(reader));
  EXPECT_TRUE(reader.done());
  EXPECT_EQ(small.size(), 0u);
  ArchiveReader again(bytes, now);
  EXPECT_FALSE(table->restore(again));  // the numbers are there
  EXPECT_EQ(table->size(), 2u);
}

TEST_P(ClientTransactionsTest, LargeRequestIsKeptWhole) {
  const auto bytes = request("INVITE").body("application/sdp", std::string(20000, 'x')).build();
  ASSERT_TRUE(table->start({7, TransactionKind::Invite, {1}, kPath, bytes, {}}, now));
  step_over();
  EXPECT_TRUE(pass(500ms).empty());
  const auto resent = take();
  ASSERT_EQ(resent.size(), 1u);
  EXPECT_EQ(resent[0].bytes, bytes);
  receive(response(480));
  EXPECT_EQ(methods(), Methods{"ACK"});
}

}  // namespace
}  // namespace sallyport::sip
