// access_list_test.cpp — of the access rules that name a source the first decides.
#include "policy/decide/access_list.h"

#include <gtest/gtest.h>

namespace sallyport::policy {
namespace {

constexpr RealmIndex kOutside{0}, kInside{1};

IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }

SbcConfig config_with(std::vector<AccessRule> rules) {
  SbcConfig config;
  config.realms.resize(2);
  config.realms[0].name = "outside";
  config.realms[1].name = "inside";
  config.security.access = std::move(rules);
  return config;
}

AccessRule rule(std::string_view source, std::string realm, AccessAction action) {
  return {parse_prefix(source).value(), std::move(realm), action};
}

TEST(AccessList, SaysNothingOfASourceThatNoRuleNames) {
  const AccessList list(config_with({rule("192.0.2.0/24", "", AccessAction::Deny)}));
  EXPECT_EQ(list.match(kOutside, ip("198.18.1.2")), std::nullopt);
}

TEST(AccessList, LetsTheFirstRuleWinEvenOverALongerPrefix) {
  const AccessList list(config_with(
      {rule("192.0.2.0/24", "", AccessAction::Deny), rule("192.0.2.7", "", AccessAction::Trusted)}));
  EXPECT_EQ(list.match(kOutside, ip("192.0.2.7")), AccessAction::Deny);
  const AccessList turned(config_with(
      {rule("192.0.2.7", "", AccessAction::Trusted), rule("192.0.2.0/24", "", AccessAction::Deny)}));
  EXPECT_EQ(turned.match(kOutside, ip("192.0.2.7")), AccessAction::Trusted);
  EXPECT_EQ(turned.match(kOutside, ip("192.0.2.8")), AccessAction::Deny);
}

TEST(AccessList, AppliesARuleOnlyInItsRealm) {
  const AccessList list(config_with({rule("0.0.0.0/0", "outside", AccessAction::Deny)}));
  EXPECT_EQ(list.match(kOutside, ip("198.18.1.2")), AccessAction::Deny);
  EXPECT_EQ(list.match(kInside, ip("198.18.1.2")), std::nullopt);
}

TEST(AccessList, MatchesAMappedAddressWithAnIpv4Rule) {
  const AccessList list(config_with({rule("192.0.2.0/24", "", AccessAction::Deny)}));
  EXPECT_EQ(list.match(kOutside, ip("::ffff:192.0.2.9")), AccessAction::Deny);
}

TEST(AccessList, DoesNotTakeAllOfIpv6ForIpv4) {
  const AccessList list(config_with({rule("::/0", "", AccessAction::Deny)}));
  EXPECT_EQ(list.match(kOutside, ip("192.0.2.9")), std::nullopt);
  EXPECT_EQ(list.match(kOutside, ip("fd18::1")), AccessAction::Deny);
}

}  // namespace
}  // namespace sallyport::policy
