// Whom a request for our registered Contact calls: RFC 3261 §10.2.1, RFC 7315 §4.2.
#include "sipalg/trunk/registered_contact.h"

#include <gtest/gtest.h>

#include <memory>

#include "tests/support/call_fixture.h"

namespace sallyport::sip {
namespace {

class RegisteredContact : public testing::Test, protected tests::CallFixture {
 protected:
  RegisteredContact() {
    config.peers[0].registration = OutboundRegistration{.aor = "sip:+15550100@example.net"};
    user = std::string(view(registered_user(settings.token_key, config.peers[0])));
  }
  std::string called(const std::string& request_user, const std::string& to, const std::string& line = {}) {
    tests::MessageBuilder builder = invite();
    builder.uri("sip:" + request_user + "@198.18.1.1").to(to);
    if (!line.empty()) builder.line(line);
    const std::string text = builder.build();
    const auto message = std::make_unique<SipMessage>();
    EXPECT_EQ(parse_message(text, {}, *message), ParseStatus::Complete);
    return std::string(RegisteredContacts(config, settings.token_key).called_user(*message));
  }
  std::string user;
};

TEST_F(RegisteredContact, TheNumberThatWasDialledStandsInTo) {
  EXPECT_EQ(called(user, "<sip:+15551234567@example.net>"), "+15551234567");
}

TEST_F(RegisteredContact, ThePartyThatWasCalledGoesBeforeTo) {
  EXPECT_EQ(
      called(user, "<sip:+15551234567@example.net>", "P-Called-Party-ID: <sip:+15557654321@example.net>"),
      "+15557654321");
}

TEST_F(RegisteredContact, WithoutANumberItIsTheOneThatIsRegistered) {
  EXPECT_EQ(called(user, "<sip:" + user + "@198.18.1.1>"), "+15550100");
  EXPECT_EQ(called(user, "<sip:example.net>"), "+15550100");
}

TEST_F(RegisteredContact, AllElseIsCalledByItsRequestUri) {
  const std::string to = "<sip:+15551234567@example.net>";
  EXPECT_EQ(called("+15550000000", to), "+15550000000");
  std::string other = user;
  other.back() = other.back() == 'a' ? 'b' : 'a';
  EXPECT_EQ(called(other, to), other) << "not a token of ours";
  const TokenText call =
      write_token(settings.token_key, TokenKind::Contact, {.shard = 3, .part = 1, .number = 7});
  EXPECT_EQ(called(std::string(view(call)), to), view(call)) << "of a call, not of a registration";
  config.peers[0].registration->mode = RegisterMode::Bulk;
  EXPECT_EQ(called(user, to), user) << "in bulk the registrar names the number itself";
}

// The routes see the number, and the far side too
TEST_F(RegisteredContact, AnInviteForItIsRoutedByTheNumberThatWasDialled) {
  const std::string text = invite().uri("sip:" + user + "@198.18.1.1").build();
  const tests::SentMessage out = tests::only(from_carrier(text), "INVITE");
  EXPECT_EQ(out.uri(), "sip:+15551234567@198.18.2.2:5060");
  EXPECT_EQ(out.header("To"), "<sip:+15551234567@198.18.2.2:5060>");
  EXPECT_EQ(out.bytes.find(user), std::string::npos);
}

TEST_F(RegisteredContact, TheContactIsTheSameInEveryLifeAndDiffersBetweenPeersAndNodes) {
  EXPECT_EQ(user, view(registered_user(settings.token_key, config.peers[0])));
  EXPECT_NE(user, view(registered_user(settings.token_key, config.peers[1])));
  EXPECT_NE(user, view(registered_user(HashKey{9, 9}, config.peers[0])));
  EXPECT_EQ(user_of_aor("sip:+15550100@example.net"), "+15550100");
  EXPECT_EQ(user_of_aor("sip:example.net"), "");
}

}  // namespace
}  // namespace sallyport::sip
