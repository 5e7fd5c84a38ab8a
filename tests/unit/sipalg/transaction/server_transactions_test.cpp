// server_transactions_test.cpp — RFC 3261 §17.2, §8.2.2.2, §9.2; RFC 6026 §7.1; threats D2, D6, D7, R5. Each
// test runs twice: plain, and with the table written and read back after every step.
#include "sipalg/transaction/server_transactions.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/support/message_builder.h"

namespace sallyport::sip {
namespace {

using tests::MessageBuilder;

constexpr HashKey kKey{1, 2};
constexpr RealmIndex kRealm{1};
const IpAddress kSource = *IpAddress::parse("198.18.1.2");
const Path kPath{kRealm, *parse_endpoint("198.18.1.1:5060", 0), *parse_endpoint("198.18.1.2:5060", 0)};
using Fate = RequestMatch::Fate;

struct Sent {
  std::string bytes;
  Path path;
  bool is_again;
};

class ServerTransactionsTest : public testing::TestWithParam<bool> {
 protected:
  static constexpr std::uint32_t kCapacity = 4;

  static SipMessage parsed(const std::string& bytes) {
    SipMessage message;
    EXPECT_EQ(parse_message(bytes, {}, message), ParseStatus::Complete) << bytes;
    return message;
  }
  RequestMatch receive(const std::string& bytes, const IpAddress& source = kSource) {
    const SipMessage message = parsed(bytes);
    const auto match =
        table->on_request(server_transaction_key(kKey, message, kRealm, source), message, now, out);
    step_over();
    return match;
  }
  ServerTransactionId start(const std::string& bytes, TransactionUser user = {5, 6, 8},
                            Reliability reliability = Reliability::Unreliable) {
    EXPECT_EQ(receive(bytes).fate, Fate::New);
    const SipMessage message = parsed(bytes);
    const auto kind =
        message.start.method == Method::Invite ? TransactionKind::Invite : TransactionKind::NonInvite;
    const auto id = table->start(
        {server_transaction_key(kKey, message, kRealm, kSource), kind, user, kPath, {}, reliability}, message,
        now);
    step_over();
    return id;
  }
  bool respond(ServerTransactionId id, unsigned code) {
    const bool sent_it = table->respond(id, code, std::to_string(code), now, out);
    step_over();
    return sent_it;
  }
  bool ack(const std::string& bytes, RealmIndex realm = kRealm, const IpAddress& source = kSource) {
    const bool own = table->on_ack(parsed(bytes), realm, source, now);
    step_over();
    return own;
  }
  std::optional<Cancelled> find_cancelled(const std::string& bytes, RealmIndex realm = kRealm,
                                          const IpAddress& source = kSource) {
    return table->find_cancelled(parsed(bytes), realm, source);
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
  std::vector<std::string> take() {
    std::vector<std::string> bytes;
    for (const Sent& message : sent) bytes.push_back(message.bytes);
    sent.clear();
    return bytes;
  }
  void step_over() {
    for (const SendMessage& message : out.sends())
      sent.push_back({std::string(message.bytes), message.path, message.is_again});
    out.clear();
    if (GetParam()) move_to(std::make_unique<ServerTransactions>(capacity, kKey, ++boot), now);
  }
  void move_to(std::unique_ptr<ServerTransactions> fresh, Timestamp then) {
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

  std::uint32_t capacity = kCapacity;
  std::uint64_t boot = 1;
  std::unique_ptr<ServerTransactions> table = std::make_unique<ServerTransactions>(kCapacity, kKey, boot);
  Timestamp now{std::chrono::hours(1)};
  EngineOutput out;
  std::vector<Sent> sent;
};

INSTANTIATE_TEST_SUITE_P(PlainAndRestored, ServerTransactionsTest, testing::Bool());

using Texts = std::vector<std::string>;

MessageBuilder numbered(std::string_view method, int number) {
  const std::string text = std::to_string(number);
  return MessageBuilder(method).via("SIP/2.0/UDP 198.18.1.2:5060;branch=z9hG4bKn" + text).call_id("n" + text);
}

// RFC 3261 §17.2.2
TEST_P(ServerTransactionsTest, RequestThatComesAgainGetsTheKeptResponse) {
  const auto bytes = MessageBuilder("OPTIONS").build();
  const auto id = start(bytes);
  EXPECT_EQ(receive(bytes).fate, Fate::Absorbed);
  EXPECT_TRUE(take().empty());  // nothing was sent yet
  EXPECT_TRUE(respond(id, 200));
  EXPECT_EQ(receive(bytes).fate, Fate::Absorbed);
  const auto match = receive(bytes);
  EXPECT_EQ(match.user.call, 5u);
  ASSERT_EQ(sent.size(), 3u);
  EXPECT_FALSE(sent[0].is_again);
  EXPECT_TRUE(sent[1].is_again);
  EXPECT_EQ(sent[2].path, kPath);
  EXPECT_EQ(take(), (Texts{"200", "200", "200"}));
  EXPECT_FALSE(respond(id, 404));  // a second final response
  EXPECT_TRUE(pass(32s - 1ms).empty());
  EXPECT_EQ(table->size(), 1u);
  EXPECT_TRUE(pass(1ms).empty());
  EXPECT_EQ(table->size(), 0u);  // timer J
  EXPECT_EQ(receive(bytes).fate, Fate::New);
  EXPECT_FALSE(respond(id, 200));
}

TEST_P(ServerTransactionsTest, ResponseThatLiesInTheOutputIsKeptToo) {
  const auto bytes = MessageBuilder("OPTIONS").build();
  const auto id = start(bytes);
  EXPECT_TRUE(table->keep(id, 200, "built in place", now));
  step_over();
  EXPECT_TRUE(take().empty());
  EXPECT_EQ(receive(bytes).fate, Fate::Absorbed);
  EXPECT_EQ(take(), Texts{"built in place"});
  EXPECT_FALSE(table->keep(ServerTransactionId::kNone, 200, "x", now));
}

// RFC 4320 §4.2: after 64*T1 the sender has given up, and T4 later its last copy has come, wherever it was
// held up: that one is no new request.
TEST_P(ServerTransactionsTest, NonInviteThatNobodyAnswersIsForgotten) {
  const auto id = start(MessageBuilder("INFO").build());
  EXPECT_TRUE(pass(32s + 5s - 1ms).empty());
  EXPECT_EQ(table->size(), 1u);
  EXPECT_TRUE(pass(1ms).empty());
  EXPECT_EQ(table->size(), 0u);
  EXPECT_FALSE(respond(id, 200));
}

// RFC 3261 §17.2.1
TEST_P(ServerTransactionsTest, InviteAgainGetsTheLastProvisional) {
  const auto bytes = MessageBuilder("INVITE").build();
  const auto id = start(bytes);
  EXPECT_EQ(receive(bytes).fate, Fate::Absorbed);
  EXPECT_TRUE(take().empty());
  respond(id, 100);
  respond(id, 180);
  EXPECT_EQ(receive(bytes).fate, Fate::Absorbed);
  EXPECT_EQ(take(), (Texts{"100", "180", "180"}));
  EXPECT_TRUE(pass(600s).empty());
  EXPECT_EQ(table->size(), 1u);
}

// RFC 3261 §17.2.1, threats D6
TEST_P(ServerTransactionsTest, FailureIsSentAgainUntilTheAck) {
  const auto bytes = MessageBuilder("INVITE").build();
  const auto id = start(bytes);
  respond(id, 486);
  EXPECT_FALSE(respond(id, 200));
  EXPECT_TRUE(pass(3500ms).empty());
  EXPECT_EQ(take(), (Texts{"486", "486", "486", "486"}));
  EXPECT_EQ(receive(bytes).fate, Fate::Absorbed);
  EXPECT_EQ(take(), Texts{"486"});
  EXPECT_TRUE(ack(MessageBuilder("ACK").to("<sip:desk@edge.test>;tag=x").build()));
  EXPECT_TRUE(ack(MessageBuilder("ACK").to("<sip:desk@edge.test>;tag=x").build()));
  EXPECT_EQ(receive(bytes).fate, Fate::Absorbed);
  EXPECT_TRUE(pass(5s - 1ms).empty());
  EXPECT_TRUE(take().empty());
  EXPECT_EQ(table->size(), 1u);
  EXPECT_TRUE(pass(1ms).empty());
  EXPECT_EQ(table->size(), 0u);  // timer I
  EXPECT_FALSE(ack(MessageBuilder("ACK").build()));
}

TEST_P(ServerTransactionsTest, FailureThatIsNeverAcknowledgedIsReportedOnce) {
  const auto id = start(MessageBuilder("INVITE").build());
  respond(id, 404);
  EXPECT_TRUE(pass(32s - 1ms).empty());
  EXPECT_EQ(take().size(), 11u);
  const auto events = pass(1ms);
  ASSERT_EQ(events.size(), 1u);  // timer H
  EXPECT_EQ(events[0].end, TransactionEnd::Timeout);
  EXPECT_EQ(events[0].kind, TransactionKind::Invite);
  EXPECT_EQ(events[0].number, static_cast<std::uint64_t>(id));
  EXPECT_EQ(events[0].user.call, 5u);
  EXPECT_EQ(table->size(), 0u);
  EXPECT_TRUE(pass(60s).empty());
}

// RFC 6026 §7.1
TEST_P(ServerTransactionsTest, AcceptedInviteStaysUntilTimerL) {
  const auto bytes = MessageBuilder("INVITE").build();
  const auto id = start(bytes);
  respond(id, 200);
  EXPECT_EQ(receive(bytes).fate, Fate::Absorbed);
  EXPECT_EQ(take(), (Texts{"200", "200"}));
  EXPECT_TRUE(respond(id, 200));  // its user sends it again until the ACK
  EXPECT_FALSE(respond(id, 486));
  EXPECT_FALSE(ack(MessageBuilder("ACK").build()));  // the dialog's
  take();
  EXPECT_EQ(receive(bytes).fate, Fate::Absorbed);
  EXPECT_TRUE(take().empty());
  EXPECT_TRUE(pass(32s - 1ms).empty());
  EXPECT_EQ(table->size(), 1u);
  EXPECT_TRUE(pass(1ms).empty());
  EXPECT_EQ(table->size(), 0u);
}

// RFC 6026 §7.1: the ACK of a 2xx is the dialog's, which says that it came.
TEST_P(ServerTransactionsTest, AnswerThatHasArrivedIsNotSentAgain) {
  const auto bytes = MessageBuilder("INVITE").build();
  const auto id = start(bytes);
  respond(id, 200);
  forget_response(*table, id);
  take();
  EXPECT_EQ(receive(bytes).fate, Fate::Absorbed);
  EXPECT_TRUE(take().empty());
  forget_response(*table, id);
  forget_response(*table, ServerTransactionId::kNone);
  EXPECT_EQ(table->size(), 1u);
  EXPECT_TRUE(pass(32s).empty());
  EXPECT_EQ(table->size(), 0u);
  forget_response(*table, id);  // it is gone
}

TEST_P(ServerTransactionsTest, ReliableTransportIsForgottenAtOnce) {
  const auto id = start(MessageBuilder("OPTIONS").build(), {}, Reliability::Reliable);
  respond(id, 200);
  EXPECT_TRUE(pass(1ms).empty());
  EXPECT_EQ(table->size(), 0u);
}

TEST_P(ServerTransactionsTest, AckFromElsewhereIsNotBelieved) {
  const auto id = start(MessageBuilder("INVITE").build());
  EXPECT_FALSE(ack(MessageBuilder("ACK").build()));  // nothing to acknowledge yet
  respond(id, 486);
  EXPECT_FALSE(ack(MessageBuilder("ACK").build(), kRealm, *IpAddress::parse("198.18.1.3")));
  EXPECT_FALSE(ack(MessageBuilder("ACK").build(), RealmIndex{0}));
  EXPECT_FALSE(ack(MessageBuilder("ACK").via("SIP/2.0/UDP 198.18.1.2:5060;branch=z9hG4bKother").build()));
  EXPECT_TRUE(ack(MessageBuilder("ACK").build()));
}

// RFC 3261 §9.1, §9.2; threats D2
TEST_P(ServerTransactionsTest, CancelFindsItsInviteOnlyWhenAllOfItIsTheSame) {
  const auto id = start(MessageBuilder("INVITE").build());
  const auto cancel = [] { return MessageBuilder("CANCEL"); };
  const auto is_forged = [this](const std::string& bytes) {
    const auto other = find_cancelled(bytes);
    return other && other->is_forged && other->id == ServerTransactionId::kNone;
  };
  const auto found = find_cancelled(cancel().build());
  ASSERT_TRUE(found);
  EXPECT_EQ(found->id, id);
  EXPECT_EQ(found->user.call, 5u);
  EXPECT_FALSE(found->is_answered);
  for (const auto& elsewhere : {find_cancelled(cancel().build(), RealmIndex{0}),
                                find_cancelled(cancel().build(), kRealm, *IpAddress::parse("198.18.1.3"))}) {
    ASSERT_TRUE(elsewhere);
    EXPECT_TRUE(elsewhere->is_forged);
    EXPECT_EQ(elsewhere->id, ServerTransactionId::kNone);
    EXPECT_EQ(elsewhere->user.call, 5u);
  }
  EXPECT_FALSE(find_cancelled(cancel().call_id("other").build(), RealmIndex{0}));
  EXPECT_FALSE(find_cancelled(cancel().via("SIP/2.0/UDP 198.18.1.2:5060;branch=z9hG4bKother").build()));
  EXPECT_FALSE(find_cancelled(cancel().via("SIP/2.0/UDP 198.18.1.9:5060;branch=z9hG4bKbuilder1").build()));
  EXPECT_TRUE(is_forged(cancel().call_id("other").build()));
  EXPECT_TRUE(is_forged(cancel().from("<sip:probe@198.18.1.2>;tag=f2").build()));
  EXPECT_TRUE(is_forged(cancel().cseq("2 CANCEL").build()));
  EXPECT_TRUE(is_forged(cancel().uri("sip:other@edge.test").build()));
  respond(id, 180);
  EXPECT_FALSE(find_cancelled(cancel().build())->is_answered);
  respond(id, 200);
  EXPECT_TRUE(find_cancelled(cancel().build())->is_answered);
}

TEST_P(ServerTransactionsTest, OnlyAnInviteIsFoundByACancel) {
  start(MessageBuilder("OPTIONS").build());
  EXPECT_FALSE(find_cancelled(MessageBuilder("CANCEL").build()));
}

// RFC 3261 §9.2: a CANCEL has a transaction of its own beside the INVITE's.
TEST_P(ServerTransactionsTest, CancelIsNeitherARetransmissionNorMerged) {
  start(MessageBuilder("INVITE").build());
  const auto cancel = MessageBuilder("CANCEL").build();
  const auto id = start(cancel);
  respond(id, 200);
  EXPECT_EQ(receive(cancel).fate, Fate::Absorbed);
  EXPECT_EQ(take(), (Texts{"200", "200"}));
}

// RFC 3261 §8.2.2.2, threats D7
TEST_P(ServerTransactionsTest, SameRequestByAnotherWayIsMerged) {
  const auto id = start(MessageBuilder("INVITE").build());
  const auto by_another = [] {
    return MessageBuilder("INVITE").via("SIP/2.0/UDP 198.18.1.3:5060;branch=z9hG4bKbuilder9");
  };
  const auto match = receive(by_another().build(), *IpAddress::parse("198.18.1.3"));
  EXPECT_EQ(match.fate, Fate::Merged);
  EXPECT_EQ(match.user.call, 5u);
  EXPECT_EQ(receive(by_another().call_id("other").build()).fate, Fate::New);
  EXPECT_EQ(receive(by_another().cseq("2 INVITE").build()).fate, Fate::New);
  EXPECT_EQ(receive(by_another().from("<sip:probe@198.18.1.2>;tag=f2").build()).fate, Fate::New);
  EXPECT_EQ(receive(by_another().to("<sip:desk@edge.test>;tag=t").build()).fate, Fate::New);
  respond(id, 486);
  EXPECT_EQ(receive(by_another().build()).fate, Fate::Merged);
  ack(MessageBuilder("ACK").build());
  pass(6s);
  EXPECT_EQ(table->size(), 0u);
  EXPECT_EQ(receive(by_another().build()).fate, Fate::New);
}

TEST_P(ServerTransactionsTest, FullTableSaysSoAndIsWholeAgainLater) {
  for (int i = 0; i < static_cast<int>(kCapacity); ++i) {
    EXPECT_TRUE(table->has_room());
    respond(start(numbered("OPTIONS", i).build()), 200);
  }
  EXPECT_FALSE(table->has_room());
  EXPECT_EQ(start(numbered("INVITE", 99).build()), ServerTransactionId::kNone);
  EXPECT_EQ(table->size(), kCapacity);
  EXPECT_EQ(receive(numbered("OPTIONS", 0).build()).fate, Fate::Absorbed);
  EXPECT_TRUE(pass(33s).empty());
  EXPECT_EQ(table->size(), 0u);
  EXPECT_EQ(table->next_deadline(), std::nullopt);
  EXPECT_NE(start(numbered("INVITE", 99).build()), ServerTransactionId::kNone);
}

// R5: 503 for all that a peer's limit refuses filled the table, and other peers' calls found no room.
TEST_P(ServerTransactionsTest, RequestsThatWereAnsweredAtOnceTakeHalfOfTheTableAtMost) {
  const TransactionUser nobody;
  for (std::uint32_t i = 0; i < kCapacity / 2; ++i)
    EXPECT_NE(start(numbered("INVITE", static_cast<int>(i)).build(), nobody), ServerTransactionId::kNone);
  EXPECT_EQ(start(numbered("INVITE", 50).build(), nobody), ServerTransactionId::kNone);
  EXPECT_TRUE(table->has_room());
  for (std::uint32_t i = kCapacity / 2; i < kCapacity; ++i)
    EXPECT_NE(start(numbered("INVITE", static_cast<int>(i)).build()), ServerTransactionId::kNone);
  EXPECT_FALSE(table->has_room());
}

// R4, R5: a flood in the name of a peer never acknowledges; each 503 that was kept went to that peer ten
// times.
TEST_P(ServerTransactionsTest, RefusedInvitesWithoutAckTakeASixteenthOfTheTableAtMost) {
  constexpr int kShare = 100;
  capacity = 16 * kShare;
  table = std::make_unique<ServerTransactions>(capacity, kKey, boot);
  const TransactionUser nobody;
  const auto refuse = [&](int number) {
    const auto id = start(numbered("INVITE", number).build(), nobody);
    if (id != ServerTransactionId::kNone) respond(id, 503);
    return id != ServerTransactionId::kNone;
  };
  for (int i = 0; i < kShare; ++i) ASSERT_TRUE(refuse(i)) << i;
  EXPECT_FALSE(refuse(1000));
  EXPECT_NE(start(numbered("OPTIONS", 1001).build(), nobody), ServerTransactionId::kNone);
  EXPECT_NE(start(numbered("INVITE", 1002).build()), ServerTransactionId::kNone) << "a call has its own";
  EXPECT_TRUE(ack(numbered("ACK", 0).build()));
  EXPECT_TRUE(refuse(1003)) << "its place is free again";
  EXPECT_FALSE(refuse(1004));
  (void)pass(33s);
  for (int i = 0; i < kShare; ++i) ASSERT_TRUE(refuse(2000 + i)) << i;
}

// What a detector refuses in a peer's name was a call each, which is over at once.
TEST_P(ServerTransactionsTest, RefusedInvitesOfCallsThatAreOverAreAmongThem) {
  constexpr int kShare = 100;
  capacity = 16 * kShare;
  table = std::make_unique<ServerTransactions>(capacity, kKey, boot);
  const auto end_call_with = [&](int number, unsigned code) {
    const auto id = start(numbered("INVITE", number).build());
    respond(id, code);
    EXPECT_TRUE(table->has_room(RoomFor::RefusedInvite) || number >= kShare);
    table->disown(id);
  };
  for (int i = 0; i < kShare; ++i) end_call_with(1000 + i, 200);
  EXPECT_TRUE(table->has_room(RoomFor::RefusedInvite)) << "nobody acknowledges a 2xx to the table";
  for (int i = 0; i < kShare; ++i) end_call_with(i, 480);
  EXPECT_FALSE(table->has_room(RoomFor::RefusedInvite));
  EXPECT_TRUE(table->has_room());
  EXPECT_EQ(start(numbered("INVITE", 2000).build(), TransactionUser{}), ServerTransactionId::kNone);
  EXPECT_TRUE(ack(numbered("ACK", 0).build()));
  EXPECT_TRUE(table->has_room(RoomFor::RefusedInvite));
  end_call_with(2001, 480);
  EXPECT_FALSE(table->has_room(RoomFor::RefusedInvite));
  (void)pass(33s);
  EXPECT_TRUE(table->has_room(RoomFor::RefusedInvite));
}

TEST_P(ServerTransactionsTest, AnIdIsNeverUsedTwice) {
  std::set<ServerTransactionId> ids;
  for (int i = 0; i < 200; ++i) {
    const auto id = start(numbered("OPTIONS", i).build());
    EXPECT_TRUE(ids.insert(id).second);
    EXPECT_NE(id, ServerTransactionId::kNone);
    respond(id, 200);
    pass(32s);
    EXPECT_FALSE(respond(id, 200));
  }
  for (const auto id : ids) EXPECT_FALSE(table->keep(id, 200, "x", now));
}

// RFC 3261 §17.2.4, §18.4; RFC 6026 §7.1: the transaction stays, and its user decides.
TEST_P(ServerTransactionsTest, UnreachableIsReportedOnceForInvites) {
  const auto id = start(MessageBuilder("INVITE").build());
  start(numbered("OPTIONS", 1).build());
  respond(id, 180);
  Path other = kPath;
  other.remote.port = 5080;
  table->on_unreachable(other);
  step_over();
  EXPECT_TRUE(pass(1ms).empty());
  table->on_unreachable(kPath);
  step_over();
  const auto events = pass(1ms);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].end, TransactionEnd::TransportError);
  EXPECT_EQ(events[0].number, static_cast<std::uint64_t>(id));
  EXPECT_TRUE(pass(1s).empty());
  EXPECT_TRUE(respond(id, 500));
}

TEST_P(ServerTransactionsTest, DisownedTransactionsDrainInSilence) {
  const auto ringing = start(numbered("INVITE", 1).build());
  const auto failed = start(numbered("INVITE", 2).build());
  const auto accepted = start(numbered("INVITE", 3).build());
  const auto asked = start(numbered("INFO", 4).build());
  respond(ringing, 180);
  respond(failed, 480);
  respond(accepted, 200);
  for (const auto id : {ringing, failed, accepted, asked, ServerTransactionId::kNone}) table->disown(id);
  step_over();
  EXPECT_TRUE(pass(1ms).empty());
  EXPECT_EQ(receive(numbered("INVITE", 2).build()).user.call, 0u);
  EXPECT_TRUE(pass(40s).empty());
  EXPECT_EQ(table->size(), 0u);
}

TEST_P(ServerTransactionsTest, AllTransactionsOfACallAreDisownedTogether) {
  respond(start(numbered("INVITE", 1).build(), {5}), 404);
  start(numbered("INVITE", 2).build(), {5});
  const auto other = start(numbered("INVITE", 3).build(), {6});
  table->disown_call(5);
  step_over();
  EXPECT_TRUE(pass(300s).empty());
  EXPECT_EQ(table->size(), 1u);
  EXPECT_TRUE(respond(other, 200));
}

TEST_P(ServerTransactionsTest, DisownedInviteCanStillBeAnswered) {
  const auto id = start(MessageBuilder("INVITE").build());
  table->disown(id);
  step_over();
  EXPECT_TRUE(pass(31s).empty());
  EXPECT_TRUE(respond(id, 500));
  EXPECT_TRUE(pass(600ms).empty());
  EXPECT_EQ(take(), (Texts{"500", "500"}));
}

TEST_P(ServerTransactionsTest, IdsAndTimersGoOnElsewhere) {
  for (int i = 0; i < 3; ++i) start(numbered("OPTIONS", i).build(), {9});
  const auto id = start(numbered("INVITE", 7).build(), {3});
  respond(id, 486);
  EXPECT_TRUE(pass(10s).empty());
  std::string bytes;
  ArchiveWriter writer(bytes, now);
  table->save(3, writer);
  // A table that has transactions of its own in the same slots.
  auto other = std::make_unique<ServerTransactions>(64, kKey, boot);
  const std::string info = numbered("INFO", 50).build();
  const SipMessage message = parsed(info);
  NewServerTransaction fresh;
  fresh.key = server_transaction_key(kKey, message, kRealm, kSource);
  const auto own = other->start(fresh, message, now);
  ArchiveReader reader(bytes, Timestamp(std::chrono::seconds(3)));
  ASSERT_TRUE(other->restore(reader));
  EXPECT_TRUE(reader.done());
  EXPECT_EQ(other->size(), 2u);
  EXPECT_NE(own, id);
  EXPECT_TRUE(other->keep(own, 200, "x", Timestamp(std::chrono::seconds(3))));
  ArchiveReader again(bytes, Timestamp(std::chrono::seconds(3)));
  EXPECT_FALSE(other->restore(again));  // it is there already
  EXPECT_EQ(other->size(), 2u);
  EXPECT_FALSE(other->keep(id, 200, "x", Timestamp(std::chrono::seconds(3))));  // answered
  EXPECT_TRUE(
      other->on_ack(parsed(numbered("ACK", 7).build()), kRealm, kSource, Timestamp(std::chrono::seconds(4))));
}

// Found by the fuzzer: the first request of the last run came again after a restart and got the same id,
// which a restored call still held for the one that had ended.
TEST_P(ServerTransactionsTest, AnIdOfTheLastRunNamesNoTransactionOfThisOne) {
  const std::string invite = numbered("INVITE", 1).build();
  const auto last = start(invite);
  table = std::make_unique<ServerTransactions>(kCapacity, kKey, boot + 1);
  EXPECT_NE(start(invite), last);
  EXPECT_FALSE(table->respond(last, 200, "x", now, out));
}

TEST_P(ServerTransactionsTest, RestoreSurvivesBrokenBytesAndAFullTable) {
  respond(start(numbered("INVITE", 1).build()), 486);
  respond(start(numbered("OPTIONS", 2).build()), 200);
  std::string bytes;
  ArchiveWriter writer(bytes, now);
  table->save(5, writer);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    ServerTransactions other(8, kKey, boot);
    ArchiveReader reader(std::string_view(bytes).substr(0, size), now);
    EXPECT_FALSE(other.restore(reader));
  }
  ServerTransactions small(1, kKey, boot);
  ArchiveReader reader(bytes, now);
  EXPECT_FALSE(small.restore(reader));
  EXPECT_TRUE(reader.done());
  EXPECT_EQ(small.size(), 0u);
}

TEST_P(ServerTransactionsTest, LateTimersFireInBoundedPortions) {
  table = std::make_unique<ServerTransactions>(1000, kKey, boot);
  if (GetParam()) return;  // only the small table is written and read
  for (int i = 0; i < 1000; ++i) respond(start(numbered("INVITE", i).build()), 486);
  now += 600ms;
  EXPECT_EQ(table->next_event(now, out), std::nullopt);
  const std::size_t first = out.sends().size();
  EXPECT_GT(first, 0u);
  EXPECT_LE(first, EngineOutput::kSendsMax);
  EXPECT_LE(*table->next_deadline(), now);
}

}  // namespace
}  // namespace sallyport::sip
