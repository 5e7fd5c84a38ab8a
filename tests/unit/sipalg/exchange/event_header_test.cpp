// event_header_test.cpp — Event, Subscription-State and Allow-Events: RFC 6665 §8.2, §8.4.
#include "sipalg/exchange/event_header.h"

#include <gtest/gtest.h>

#include "tests/support/message_builder.h"

namespace sallyport::sip {
namespace {

class EventHeader : public testing::Test {
 protected:
  const SipMessage& with(const std::vector<std::string>& lines) {
    tests::MessageBuilder builder("NOTIFY");
    for (const std::string& line : lines) builder.line(line);
    bytes_ = builder.build();
    EXPECT_EQ(parse_message(bytes_, {}, message_), ParseStatus::Complete) << bytes_;
    return message_;
  }

 private:
  std::string bytes_;
  SipMessage message_;
};

// RFC 6665 §8.2.1
TEST_F(EventHeader, PackageIsTheTokenBeforeTheParameters) {
  EXPECT_EQ(event_package(with({"Event: presence"})), "presence");
  EXPECT_EQ(event_package(with({"o: presence.winfo ;id=4"})), "presence.winfo");
  EXPECT_EQ(event_package(with({})), "");
}

TEST_F(EventHeader, WhatCannotBeReadOrStandsTwiceIsNoPackage) {
  for (const char* const value : {"", ";id=1", "a b", "dialog;=", "dialog,presence", "<dialog>"})
    EXPECT_EQ(event_package(with({"Event: " + std::string(value)})), std::nullopt) << value;
  EXPECT_EQ(event_package(with({"Event: dialog", "Event: presence"})), std::nullopt);
}

// RFC 6665 §8.4
TEST_F(EventHeader, StateSaysWhetherItIsOverAndHowLongItLasts) {
  EXPECT_FALSE(subscription_state(with({"Subscription-State: active;expires=60"}))->is_terminated);
  EXPECT_EQ(subscription_state(with({"Subscription-State: pending ; Expires=60"}))->expires, 60u);
  EXPECT_TRUE(subscription_state(with({"Subscription-State: Terminated;reason=timeout"}))->is_terminated);
  EXPECT_EQ(subscription_state(with({"Subscription-State: active"}))->expires, std::nullopt);
  EXPECT_EQ(subscription_state(with({"Subscription-State: active;expires=4294967296"}))->expires,
            std::nullopt);
}

TEST_F(EventHeader, StateThatIsMissingBrokenOrThereTwiceIsNone) {
  EXPECT_FALSE(subscription_state(with({})));
  EXPECT_FALSE(subscription_state(with({"Subscription-State: "})));
  EXPECT_FALSE(subscription_state(with({"Subscription-State: active;="})));
  EXPECT_FALSE(subscription_state(with({"Subscription-State: active, pending"})));
  EXPECT_FALSE(subscription_state(with({"Subscription-State: active", "Subscription-State: terminated"})));
}

TEST(EventPackages, AreComparedOctetByOctet) {
  ProfileConfig profile;
  profile.events = {"dialog", "presence"};
  EXPECT_TRUE(lists_event(profile, "presence"));
  EXPECT_FALSE(lists_event(profile, "Presence"));
  EXPECT_FALSE(lists_event(profile, "presence.winfo"));
  EXPECT_FALSE(lists_event(profile, ""));
  EXPECT_EQ(allow_events(profile), "dialog, presence");
}

}  // namespace
}  // namespace sallyport::sip
