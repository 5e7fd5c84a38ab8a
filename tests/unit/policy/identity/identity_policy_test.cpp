// identity_policy_test.cpp — asserted identity and privacy at the trust border, RFC 3323, RFC 3325.
#include "policy/identity/identity_policy.h"

#include <gtest/gtest.h>

namespace sallyport::policy {
namespace {

constexpr std::string_view kSip = "\"Ann\" <sip:+15550100@example.net>", kTel = "<tel:+15550100>",
                           kPreferred = "<sip:+15550111@example.net>",
                           kRpid = "\"Ann\" <sip:+15550122@example.net>;party=calling;screen=yes;privacy=off";

IdentityFacts facts(std::string_view privacy = {}) {
  IdentityFacts facts;
  static_cast<void>(facts.asserted.push_back(kSip));
  static_cast<void>(facts.asserted.push_back(kTel));
  facts.preferred = kPreferred;
  facts.remote_party = kRpid;
  facts.privacy = privacy;
  return facts;
}

IdentityTerms terms(IdentityAccept accept, bool far_is_trusted, IdentitySend send = IdentitySend::Pai) {
  return {accept, send, true, far_is_trusted};
}

constexpr auto kNone = IdentityAccept::None, kPai = IdentityAccept::Pai, kAll = IdentityAccept::All;

// RFC 3325 §5
TEST(IdentityPolicy, NothingThatAnUntrustedNeighbourAssertsCrosses) {
  for (const bool trusted : {false, true})
    for (const IdentitySend send : {IdentitySend::None, IdentitySend::Pai, IdentitySend::Rpid}) {
      const IdentityDecision decision = decide_identity(facts(), terms(kNone, trusted, send));
      EXPECT_TRUE(decision.identity.empty());
      EXPECT_EQ(decision.write, IdentitySend::None);
      EXPECT_TRUE(decision.remote_party_params.empty());
      EXPECT_FALSE(decision.hide_from);
    }
}

// RFC 3325 §9.1
TEST(IdentityPolicy, BothAssertedUrisCross) {
  const IdentityDecision decision = decide_identity(facts(), terms(kPai, false));
  ASSERT_EQ(decision.identity.size(), 2U);
  EXPECT_EQ(decision.identity[0], kSip);
  EXPECT_EQ(decision.identity[1], kTel);
  EXPECT_EQ(decision.write, IdentitySend::Pai);
  EXPECT_EQ(decision.privacy, "");
}

TEST(IdentityPolicy, AcceptPaiBelievesNothingElse) {
  IdentityFacts without = facts();
  without.asserted.clear();
  EXPECT_TRUE(decide_identity(without, terms(kPai, true)).identity.empty());
}

TEST(IdentityPolicy, AcceptAllTakesRemotePartyThenPreferred) {
  IdentityFacts without = facts();
  without.asserted.clear();
  EXPECT_EQ(decide_identity(without, terms(kAll, true)).identity[0], kRpid);
  without.remote_party = {};
  EXPECT_EQ(decide_identity(without, terms(kAll, true)).identity[0], kPreferred);
  without.preferred = {};
  EXPECT_TRUE(decide_identity(without, terms(kAll, true)).identity.empty());
}

TEST(IdentityPolicy, ARemotePartyThatIsNotTheCallerOrNotScreenedIsNotBelieved) {
  for (const std::string_view value :
       {"<sip:1@a>;party=called", "<sip:1@a>;screen=no", "<sip:1@a>; PARTY = Called ;screen=yes"}) {
    IdentityFacts odd;
    odd.remote_party = value;
    EXPECT_TRUE(decide_identity(odd, terms(kAll, true)).identity.empty()) << value;
  }
}

TEST(IdentityPolicy, NothingGoesToANeighbourThatIsSentNone) {
  const IdentityDecision decision = decide_identity(facts("id"), terms(kPai, true, IdentitySend::None));
  EXPECT_TRUE(decision.identity.empty());
  EXPECT_EQ(decision.write, IdentitySend::None);
  EXPECT_EQ(decision.privacy, "id");
}

// RFC 3325 §7, §9.3
TEST(IdentityPolicy, IdKeepsTheAssertedIdentityInTheTrustDomain) {
  const IdentityDecision outside = decide_identity(facts("id"), terms(kPai, false));
  EXPECT_TRUE(outside.identity.empty());
  EXPECT_EQ(outside.privacy, "");
  EXPECT_FALSE(outside.hide_from) << "id is about the asserted identity alone";
  const IdentityDecision within = decide_identity(facts("id;critical"), terms(kPai, true));
  EXPECT_EQ(within.identity.size(), 2U);
  EXPECT_EQ(within.privacy, "id;critical");
}

// RFC 3323 §5.3
TEST(IdentityPolicy, UserHidesFromAndTheAssertedIdentity) {
  const IdentityDecision outside = decide_identity(facts("user;id"), terms(kPai, false));
  EXPECT_TRUE(outside.hide_from);
  EXPECT_TRUE(outside.hide_headers);
  EXPECT_TRUE(outside.identity.empty());
  EXPECT_EQ(outside.privacy, "");
  const IdentityDecision within = decide_identity(facts("user;id"), terms(kPai, true));
  EXPECT_FALSE(within.hide_from);
  EXPECT_EQ(within.privacy, "user;id");
}

// RFC 3323 §5.1, RFC 7044 §10.1
TEST(IdentityPolicy, HeaderAndHistoryHideHeaders) {
  for (const std::string_view wish : {"header", "history"}) {
    const IdentityDecision decision = decide_identity(facts(wish), terms(kPai, false));
    EXPECT_TRUE(decision.hide_headers);
    EXPECT_FALSE(decision.hide_from);
    EXPECT_EQ(decision.identity.size(), 2U);
  }
}

// An untrusted caller may ask for privacy as well as any other.
TEST(IdentityPolicy, PrivacyOfAnUntrustedCallerIsHonoured) {
  EXPECT_TRUE(decide_identity(facts("user"), terms(kNone, false)).hide_from);
}

// RFC 3323 §4.2
TEST(IdentityPolicy, NoneIsPassedOnAndHidesNothing) {
  for (const bool trusted : {false, true}) {
    const IdentityDecision decision = decide_identity(facts("none"), terms(kPai, trusted));
    EXPECT_EQ(decision.privacy, "none");
    EXPECT_EQ(decision.identity.size(), 2U);
  }
}

TEST(IdentityPolicy, IgnoredPrivacyHidesNothing) {
  IdentityTerms ignoring = terms(kPai, false);
  ignoring.honour_privacy = false;
  const IdentityDecision decision = decide_identity(facts("user;id"), ignoring);
  EXPECT_EQ(decision.identity.size(), 2U);
  EXPECT_FALSE(decision.hide_from);
}

TEST(IdentityPolicy, RemotePartyIdSaysWhetherPrivacyIsWished) {
  const IdentityDecision open = decide_identity(facts(), terms(kPai, true, IdentitySend::Rpid));
  EXPECT_EQ(open.write, IdentitySend::Rpid);
  EXPECT_EQ(open.remote_party_params, ";party=calling;screen=yes;privacy=off");
  const IdentityDecision kept = decide_identity(facts("id"), terms(kPai, true, IdentitySend::Rpid));
  EXPECT_EQ(kept.remote_party_params, ";party=calling;screen=yes;privacy=full");
}

TEST(IdentityPolicy, PrivacyOfARemotePartyIdCounts) {
  IdentityFacts hidden;
  hidden.remote_party = "<sip:1@a>;privacy=full;screen=yes";
  EXPECT_TRUE(decide_identity(hidden, terms(kAll, false)).identity.empty());
  EXPECT_EQ(decide_identity(hidden, terms(kAll, true)).privacy, "id");
}

TEST(IdentityPolicy, TrustComesFromTheRealmOrFromBelief) {
  EXPECT_TRUE(is_in_trust_domain(RealmTrust::Trusted, kNone));
  EXPECT_TRUE(is_in_trust_domain(RealmTrust::Untrusted, kPai));
  EXPECT_FALSE(is_in_trust_domain(RealmTrust::Untrusted, kNone));
}

// RFC 3323 §4.2
TEST(Privacy, WordsAreReadWithoutRegardToCaseAndSpace) {
  const PrivacyWish wish = parse_privacy(" ID ; User,\r\n\tHEADER;session;history;critical");
  EXPECT_TRUE(wish.id && wish.user && wish.header && wish.session && wish.history && wish.critical);
  EXPECT_FALSE(wish.none);
  EXPECT_TRUE(parse_privacy("").is_empty());
  EXPECT_TRUE(parse_privacy("identity;idx;;,").is_empty());
}

TEST(Privacy, NoneBesideOthersLoses) {
  EXPECT_FALSE(parse_privacy("none;id").none);
  EXPECT_TRUE(parse_privacy("none;critical").none);
}

TEST(Privacy, HostileValuesAreHarmless) {
  const std::string many(4096, ';');
  EXPECT_TRUE(parse_privacy(many).is_empty());
  EXPECT_TRUE(parse_privacy(std::string_view("\0id\xff;\x80", 6)).is_empty());
  IdentityFacts odd;
  for (const std::string& value :
       {many, std::string(4096, '>'), std::string(";", 1), std::string(";="), std::string("<>;privacy")}) {
    odd.remote_party = value;
    odd.privacy = value;
    EXPECT_EQ(decide_identity(odd, terms(kNone, false)).identity.size(), 0U);
    static_cast<void>(decide_identity(odd, terms(kAll, false)));
  }
}

}  // namespace
}  // namespace sallyport::policy
