// passed_refer_test.cpp — what a NOTIFY says of a REFER that went on, in whatever words. RFC 3515 §2.4, RFC
// 4488 §4, RFC 6665 §8.2.1.
#include "sipalg/call/passed_refer.h"

#include <gtest/gtest.h>

#include "tests/support/message_builder.h"

namespace sallyport::sip {
namespace {

using tests::MessageBuilder;

struct Words {
  const char* event;
  const char* state;
  bool is_of_refer, ends_it;
  const char* event_told;  // where it is another one
};

constexpr Words kWords[] = {
    {"Event: refer", "Subscription-State: active;expires=60", true, false, nullptr},
    {"Event: refer", "Subscription-State: pending", true, false, nullptr},
    {"Event: refer", "Subscription-State: terminated", true, true, nullptr},
    {"o: REFER", "Subscription-State: TERMINATED ; reason=noresource", true, true, nullptr},
    {"Event: refer;id=93809823", "Subscription-State: terminated;reason=noresource", true, true, "refer"},
    {"Event: refer \t;id=7", "Subscription-State: terminated\t;reason=timeout", true, true, "refer"},
    {"Event: refer", "X: none", true, false, nullptr},
    {"Event: refer", "Subscription-State: terminatedly", true, false, nullptr},
    {"Event: refer", "Subscription-State: active;reason=terminated", true, false, nullptr},
    {"Event: referral;id=7", "Subscription-State: terminated", false, false, nullptr},
    {"Event: presence;id=refer", "Subscription-State: terminated", false, false, nullptr},
    {"Event:", "Subscription-State: terminated", false, false, nullptr},
    {"X: refer", "Subscription-State: terminated", false, false, nullptr},
};

TEST(PassedRefer, NotifyIsOfAReferAndTheLastOneByItsWordsAlone) {
  for (const Words& words : kWords) {
    const std::string bytes = MessageBuilder("NOTIFY").line(words.event).line(words.state).build();
    SipMessage notify;
    ASSERT_EQ(parse_message(bytes, {}, notify), ParseStatus::Complete) << bytes;
    EXPECT_EQ(is_of_refer(notify), words.is_of_refer) << bytes;
    EXPECT_EQ(ends_refer(notify), words.ends_it) << bytes;
    const auto edits = plain_refer_event(notify);
    ASSERT_EQ(edits.size(), words.event_told != nullptr ? 1u : 0u) << bytes;
    if (words.event_told != nullptr) {
      EXPECT_EQ(edits[0].values, std::vector<std::string>{words.event_told}) << bytes;
    }
  }
  const std::string bytes =
      MessageBuilder("INFO").line("Event: refer").line("Subscription-State: terminated").build();
  SipMessage info;
  ASSERT_EQ(parse_message(bytes, {}, info), ParseStatus::Complete);
  EXPECT_FALSE(is_of_refer(info)) << "another method";
}

TEST(PassedRefer, OnlyASuccessPromisesAResultUnlessItSaysOtherwise) {
  const auto promises = [](std::string_view line) {
    const std::string bytes =
        "SIP/2.0 202 Accepted\r\nVia: SIP/2.0/UDP 198.18.1.2;branch=z9hG4bK1\r\n"
        "From: <sip:a@198.18.1.2>;tag=1\r\nTo: <sip:b@198.18.1.2>;tag=2\r\n"
        "Call-ID: 1\r\nCSeq: 1 REFER\r\n" +
        std::string(line) + "Content-Length: 0\r\n\r\n";
    SipMessage response;
    EXPECT_EQ(parse_message(bytes, {}, response), ParseStatus::Complete) << bytes;
    return promises_result(202, &response);
  };
  EXPECT_TRUE(promises(""));
  EXPECT_TRUE(promises("Refer-Sub: true\r\n"));
  EXPECT_FALSE(promises("Refer-Sub: false\r\n"));
  EXPECT_TRUE(promises_result(202, nullptr));
  EXPECT_FALSE(promises_result(603, nullptr));
  EXPECT_FALSE(promises_result(408, nullptr));
}

// The count of one side, whatever comes how often.
TEST(PassedRefer, CountNeitherWrapsNorFallsBelowNone) {
  Fork fork;
  close_refer(fork, Side::Caller);
  EXPECT_EQ(fork.dialogs[0].open_refers, 0);
  for (int i = 0; i < 1000; ++i) open_refer(fork, Side::Caller);
  EXPECT_GT(fork.dialogs[0].open_refers, 0);
  EXPECT_EQ(fork.dialogs[1].open_refers, 0);
  for (int i = 0; i < 1000; ++i) close_refer(fork, Side::Caller);
  EXPECT_EQ(fork.dialogs[0].open_refers, 0);
}

}  // namespace
}  // namespace sallyport::sip
