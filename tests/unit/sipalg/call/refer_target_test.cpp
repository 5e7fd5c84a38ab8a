// refer_target_test.cpp — what a REFER asks for, and what it can't ask for.
#include "sipalg/call/refer_target.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/message_builder.h"

namespace sallyport::sip {
namespace {

using tests::MessageBuilder;

struct Outcome {
  std::uint16_t code = 0;
  std::string request_uri;
  std::optional<Replaces> replaces;
};

Outcome read(const std::string& bytes) {
  static SipMessage message;
  EXPECT_EQ(parse_message(bytes, {}, message), ParseStatus::Complete) << bytes;
  const auto target = refer_target(message, StrictnessPolicy::of(Strictness::Normal));
  return target ? Outcome{0, target->request_uri, target->replaces} : Outcome{target.error(), {}, {}};
}

Outcome refer_to(const std::string& value) {
  return read(MessageBuilder("REFER").line("Refer-To: " + value).build());
}

TEST(ReferTarget, KeepsUserAndHostAndNothingElseOfAUri) {
  EXPECT_EQ(refer_to("<sip:+15551234567@198.18.1.1:5070;transport=tcp;user=phone>").request_uri,
            "sip:+15551234567@198.18.1.1");
  EXPECT_EQ(refer_to("\"Bob\" <sip:bob:secret@example.com?Subject=x&Route=%3Csip:evil%3E>;x=y").request_uri,
            "sip:bob@example.com");
  EXPECT_EQ(refer_to("sip:bob@example.com").request_uri, "sip:bob@example.com");
  EXPECT_EQ(refer_to("<sips:bob@[2001:db8::1]>").request_uri, "sips:bob@[2001:db8::1]");
  EXPECT_EQ(refer_to("<tel:+15551234567;phone-context=x>").request_uri, "tel:+15551234567");
  EXPECT_EQ(refer_to("<urn:service:sos>").request_uri, "urn:service:sos");
}

// RFC 3515 §2.4.2
TEST(ReferTarget, RefusesWhatIsMissingDoubledOrUnreadable) {
  EXPECT_EQ(read(MessageBuilder("REFER").build()).code, 400);
  EXPECT_EQ(
      read(MessageBuilder("REFER").line("Refer-To: <sip:a@b.c>").line("Refer-To: <sip:d@b.c>").build()).code,
      400);
  EXPECT_EQ(refer_to("<sip:a@b.c>, <sip:d@b.c>").code, 400);
  EXPECT_EQ(refer_to("<sip:a@b.c> x").code, 400);
  EXPECT_EQ(refer_to("<sip:b.c>").code, 400);
  EXPECT_EQ(refer_to("<sip:" + std::string(300, '1') + "@b.c>").code, 400);
  EXPECT_EQ(refer_to("<sip:a@>").code, 400);
  EXPECT_EQ(refer_to("<http://b.c/>").code, 416);
  EXPECT_EQ(refer_to("<mailto:a@b.c>").code, 416);
}

TEST(ReferTarget, TakesInviteOnly) {
  EXPECT_EQ(refer_to("<sip:a@b.c;method=INVITE>").code, 0);
  for (const char* const method : {"BYE", "SUBSCRIBE", "invite", "REGISTER"})
    EXPECT_EQ(refer_to(std::string("<sip:a@b.c;method=") + method + ">").code, 403) << method;
}

// RFC 3891 §6.1
TEST(ReferTarget, ReadsTheDialogThatIsToGiveWay) {
  const Outcome whole =
      refer_to("<sip:a@b.c?Subject=x&Replaces=one%40two%3Bto-tag%3D7743%3Bfrom-tag%3D6472%3Bearly-only>");
  ASSERT_TRUE(whole.replaces);
  EXPECT_EQ(whole.replaces->call_id, "one@two");
  EXPECT_EQ(whole.replaces->to_tag, "7743");
  EXPECT_EQ(whole.replaces->from_tag, "6472");
  EXPECT_TRUE(whole.replaces->early_only);
  EXPECT_FALSE(refer_to("<sip:a@b.c?Subject=x>").replaces);
}

TEST(ReferTarget, NobodyWritesLinesByWayOfAReplaces) {
  for (const char* const headers :
       {"Replaces=", "Replaces=one", "Replaces=one%3Bto-tag%3D1", "Replaces=one%3Bto-tag%3D1%3Bfrom-tag%3D",
        "Replaces=o%0D%0Ane%3Bto-tag%3D1%3Bfrom-tag%3D2", "Replaces=one%3Bto-tag%3D1%0A%3Bfrom-tag%3D2",
        "Replaces=one%00%3Bto-tag%3D1%3Bfrom-tag%3D2", "Replaces=a%40b%40c%3Bto-tag%3D1%3Bfrom-tag%3D2",
        "Replaces=one%3Bto-tag%3D1%3Bto-tag%3D1%3Bfrom-tag%3D2", "Replaces=one%3Bto-tag%3D%22%3Bfrom-tag%3D2",
        "Replaces=a%3Bto-tag%3D1%3Bfrom-tag%3D2&replaces=b%3Bto-tag%3D1%3Bfrom-tag%3D2",
        "Replaces=one%3Bto-tag%3D1%3Bfrom-tag%3D2%3Bearly-only%3D1"})
    EXPECT_EQ(refer_to(std::string("<sip:a@b.c?") + headers + ">").code, 400) << headers;
  EXPECT_FALSE(parse_replaces(std::string(2000, 'a') + ";to-tag=1;from-tag=2"));
}

// RFC 4488 §4
TEST(ReferTarget, NobodyNeedsToHearOfIt) {
  const auto declines = [](const char* line) {
    static SipMessage message;
    const std::string bytes = MessageBuilder("REFER").line(line).build();
    EXPECT_EQ(parse_message(bytes, {}, message), ParseStatus::Complete);
    return declines_subscription(message);
  };
  EXPECT_TRUE(declines("Refer-Sub: false"));
  EXPECT_TRUE(declines("refer-sub: FALSE ;x=y"));
  EXPECT_FALSE(declines("Refer-Sub: true"));
  EXPECT_FALSE(declines("Subject: false"));
}

}  // namespace
}  // namespace sallyport::sip
