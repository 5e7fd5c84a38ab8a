// subscription_hostile_test.cpp — what others than the two ends say, and numbers without measure: RFC 6665
// §4.1; threats D1, D3, R1 and section 6.
#include "tests/support/exchange_fixture.h"

namespace sallyport::tests {
namespace {

class SubscriptionHostileTest : public ExchangeFixture {
 protected:
  std::uint64_t forged(std::size_t realm) {
    return dropped(RealmIndex(realm), sip::SipDropReason::ForgedRequest);
  }
  static std::string replaced(std::string text, std::string_view from, std::string_view to) {
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return at == std::string::npos ? text : text.replace(at, from.size(), to);
  }
};

// Threats D1, D3
TEST_F(SubscriptionHostileTest, RightNamesFromAnotherPlaceChangeNothing) {
  set_up_subscription();
  EXPECT_TRUE(holds(from_carrier(notify(subscribe_out, 2, "terminated")), "481"));
  EXPECT_EQ(forged(0), 1u);
  EXPECT_TRUE(holds(from_pbx(refresh(2, 0)), "481"));
  EXPECT_EQ(forged(1), 1u);
  EXPECT_TRUE(
      holds(from(*parse_endpoint("198.18.2.77:5060", 0), notify(subscribe_out, 2, "terminated")), "481"));
  EXPECT_EQ(forged(1), 2u);
  EXPECT_TRUE(holds(from_pbx(notify(subscribe_out, 2, "active")), "NOTIFY"));
  EXPECT_TRUE(holds(from_carrier(refresh(2, 600)), "SUBSCRIBE"));
  int told = 0;
  for (const sip::EngineEvent& event : events)
    told += std::holds_alternative<sip::DetectionEvent>(event.what);
  EXPECT_EQ(told, 3);
}

TEST_F(SubscriptionHostileTest, ForgeriesAreToldOfABoundedNumberOfTimes) {
  set_up_subscription();
  for (unsigned i = 0; i < 50; ++i) (void)from_carrier(notify(subscribe_out, 2 + i, "terminated"));
  EXPECT_EQ(forged(0), 50u);
  EXPECT_LE(events.size(), 8u);
}

TEST_F(SubscriptionHostileTest, WrongTagOrCallIdIs481) {
  set_up_subscription();
  const std::string good = notify(subscribe_out, 2, "terminated");
  EXPECT_TRUE(holds(from_pbx(replaced(good, ";tag=pbxtag", ";tag=guess")), "481"));
  EXPECT_TRUE(
      holds(from_pbx(replaced(notify(subscribe_out, 2, "terminated"), "Call-ID: ", "Call-ID: x")), "481"));
  EXPECT_TRUE(holds(from_pbx(notify(subscribe_out, 2, "active")), "NOTIFY"));
}

TEST_F(SubscriptionHostileTest, WhoDoesNotShowOurContactIsNotInTheDialog) {
  set_up_subscription();
  std::string bytes = notify(subscribe_out, 2, "terminated");
  bytes.replace(bytes.find("sip:") + 4, 44, "guess");
  EXPECT_TRUE(holds(from_pbx(bytes), "481"));
  EXPECT_EQ(forged(1), 1u);
  EXPECT_TRUE(holds(from_pbx(notify(subscribe_out, 2, "active")), "NOTIFY"));
}

TEST_F(SubscriptionHostileTest, OtherMethodsHaveNoPlaceInIt) {
  set_up_subscription();
  unsigned cseq = 1;
  for (const char* const method : {"BYE", "OPTIONS", "MESSAGE", "SUBSCRIBE", "INFO", "REFER"})
    EXPECT_TRUE(holds(from_pbx(in_dialog(method, ++cseq, subscribe_out)), "501")) << method;
  EXPECT_TRUE(holds(from_pbx(in_dialog("INVITE", ++cseq, subscribe_out)), "501"));
  EXPECT_TRUE(holds(from_carrier(in_dialog("NOTIFY", 2, accepted_out)), "501"));
  EXPECT_TRUE(holds(from_pbx(notify(subscribe_out, 20, "active")), "NOTIFY"));
}

TEST_F(SubscriptionHostileTest, BrokenNotifyChangesNothing) {
  set_up_subscription();
  const auto with = [&](unsigned cseq, std::string_view lines) {
    return in_dialog("NOTIFY", cseq, subscribe_out, lines);
  };
  EXPECT_TRUE(holds(from_pbx(with(2, "Event: dialog\r\n")), "400"));
  EXPECT_TRUE(holds(from_pbx(with(3, "Event: dialog\r\nSubscription-State: ;\r\n")), "400"));
  EXPECT_TRUE(holds(from_pbx(with(4, "Event: ;\r\nSubscription-State: terminated\r\n")), "400"));
  EXPECT_TRUE(holds(from_pbx(with(5, "Event: presence\r\nSubscription-State: terminated\r\n")), "489"));
  EXPECT_TRUE(holds(from_pbx(with(6, "Subscription-State: terminated\r\n")), "489"));
  EXPECT_TRUE(
      holds(from_pbx(with(7, "Event: dialog\r\nSubscription-State: terminated\r\nRequire: x\r\n")), "420"));
  EXPECT_TRUE(holds(from_pbx(notify(subscribe_out, 8, "active")), "NOTIFY"));
}

TEST_F(SubscriptionHostileTest, SubscribeThatCanMakeNoDialogIs400) {
  EXPECT_TRUE(holds(from_carrier(subscribe("a").contact("").build()), "400"));
  EXPECT_TRUE(holds(from_carrier(subscribe("b").line("Event: presence").build()), "400"));
  EXPECT_TRUE(holds(from_carrier(subscribe("c").line("Record-Route: <mailto:x>").build()), "400"));
  EXPECT_TRUE(holds(from_carrier(replaced(subscribe("d").build(), "Event: dialog", "Event: ,")), "400"));
}

// It is asked for a day at most, and never kept for longer.
TEST_F(SubscriptionHostileTest, HugeExpiresIsBounded) {
  subscribe_out =
      only(from_carrier(replaced(subscribe().build(), "Expires: 600", "Expires: 4294967295")), "SUBSCRIBE");
  EXPECT_EQ(subscribe_out.header("Expires"), "86400");
  accepted_out = only(from_pbx(accepted(subscribe_out, 4294967295u)), "200");
  (void)from_carrier(
      answer(only(from_pbx(notify(subscribe_out, 1, "active;expires=4294967295")), "NOTIFY"), 200, {}));
  (void)wait(std::chrono::hours(23));
  EXPECT_TRUE(holds(from_pbx(notify(subscribe_out, 2, "active")), "NOTIFY"));
  (void)from_carrier(answer(notify_out, 200, {}));
  (void)wait(std::chrono::hours(2));
  EXPECT_TRUE(holds(from_pbx(notify(subscribe_out, 3, "active")), "481"));
}

// RFC 4475 §3.1.2.4
TEST_F(SubscriptionHostileTest, ExpiresBeyond32BitsIs400) {
  EXPECT_TRUE(
      holds(from_carrier(replaced(subscribe().build(), "Expires: 600", "Expires: 4294967296")), "400"));
  EXPECT_TRUE(holds(from_carrier(replaced(subscribe("b").build(), "Expires: 600", "Expires: -1")), "400"));
}

TEST_F(SubscriptionHostileTest, FullTableIs503AndFreeAgainLater) {
  settings.calls_max = 4;
  config.dataplane.capacity.registrations = 4;
  std::vector<SentMessage> sent;
  for (int i = 0; i < 4; ++i)
    sent.push_back(only(from_carrier(subscribe("full" + std::to_string(i)).build()), "SUBSCRIBE"));
  const auto refused = only(from_carrier(subscribe("more").build()), "503");
  EXPECT_NE(refused.header("Retry-After"), "");
  (void)from_pbx(answer(sent[0], 403, "t"));
  EXPECT_TRUE(holds(from_carrier(subscribe("after").build()), "SUBSCRIBE"));
}

// Nothing of them stays, and nothing is lost on the way.
TEST_F(SubscriptionHostileTest, TenThousandSubscriptionsLeaveNothing) {
  keeps_books = false;
  settings.calls_max = 10'000;
  settings.transactions_max = 1000;
  std::uint64_t numbers = 0;
  for (int i = 0; i < 10'000; ++i) {
    const auto sent = from_carrier(subscribe("n" + std::to_string(i)).build());
    ASSERT_TRUE(holds(sent, "SUBSCRIBE")) << i;
    subscribe_out = only(sent, "SUBSCRIBE");
    (void)from_pbx(accepted(subscribe_out, 60));
    // Every second one hears of its state, the others never do; every third one is ended.
    if (i % 2 == 0) {
      const auto told =
          only(from_pbx(notify(subscribe_out, 1, i % 3 == 0 ? "terminated" : "active")), "NOTIFY");
      (void)from_carrier(answer(told, 200, {}));
      ++numbers;
    }
    if (i % 100 == 99) (void)wait(33s);
  }
  EXPECT_EQ(numbers, 5000u);
  (void)wait(10min);
  EXPECT_EQ(engine().counters().transactions_active.value(), 0u);
  for (const auto& saved : engine().save(now)) ADD_FAILURE() << saved.bytes.size();
  EXPECT_FALSE(engine().next_deadline().has_value());
}

}  // namespace
}  // namespace sallyport::tests
