// schema_test.cpp — the table of keys is whole and agrees with itself and with the values' own defaults.
#include "mgmt/config/schema.h"

#include <gmock/gmock.h>

#include <set>

#include "mgmt/config/check_scalar.h"
#include "mgmt/config/section.h"
#include "mgmt/config/yaml_document.h"
#include "tests/unit/mgmt/config/config_text.h"

namespace sallyport::mgmt {
namespace {

TEST(Schema, NamesEachPathOnceWithALineOfDocumentation) {
  std::set<std::string_view> seen;
  for (const Option& option : all_options()) {
    EXPECT_TRUE(seen.insert(option.path).second) << option.path;
    EXPECT_FALSE(option.doc.empty()) << option.path;
    EXPECT_TRUE(option.doc.ends_with('.')) << option.path;
    EXPECT_EQ(option.doc.find('\n'), std::string_view::npos) << option.path;
  }
}

TEST(Schema, HasTheParentOfEachPath) {
  for (const Option& option : all_options()) {
    const std::size_t dot = option.path.rfind('.');
    if (dot == std::string_view::npos) continue;
    std::string parent(option.path.substr(0, dot));
    const bool is_list = parent.ends_with("[]");
    if (is_list) parent.resize(parent.size() - 2);
    const Option* found = find_option(parent);
    ASSERT_NE(found, nullptr) << option.path;
    EXPECT_EQ(found->type, is_list ? OptionType::Maps : OptionType::Map) << option.path;
  }
}

TEST(Schema, HasNothingBuiltBelowWhatIsNotBuilt) {
  for (const Option& option : all_options()) {
    if (!option.built) continue;
    for (std::size_t dot = option.path.find('.'); dot != std::string_view::npos;
         dot = option.path.find('.', dot + 1)) {
      std::string parent(option.path.substr(0, dot));
      if (parent.ends_with("[]")) parent.resize(parent.size() - 2);
      EXPECT_TRUE(find_option(parent)->built) << option.path;
    }
  }
}

TEST(Schema, HasDefaultsThatPassTheirOwnChecks) {
  for (const Option& option : all_options()) {
    if (option.fallback.empty()) continue;
    EXPECT_FALSE(option.required) << option.path;
    const YamlDocument document = parse_yaml(option.fallback, 0);
    ASSERT_TRUE(document.root) << option.path;
    if (document.root->is_scalar()) {
      if (document.root->text == option.whole) continue;
      EXPECT_FALSE(check_scalar(option, *document.root)) << option.path;
    }
    for (const YamlNode& item : document.root->items)
      if (item.is_scalar()) {
        EXPECT_FALSE(check_scalar(option, item)) << option.path << " " << item.text;
      }
  }
}

TEST(Schema, RefersOnlyToListsOfNamedThings) {
  for (const Option& option : all_options())
    if (!option.refers.empty()) {
      EXPECT_NE(find_option(std::string(option.refers) + "[].name"), nullptr) << option.path;
    }
}

TEST(Schema, DescribesAPeersOverridesByTheProfile) {
  EXPECT_EQ(find_option("peers[].media.codecs"), find_option("profiles[].media.codecs"));
  EXPECT_EQ(find_option("peers[].name")->doc, "Name of the peer.");
  EXPECT_EQ(find_option("peers[].trust"), nullptr);
  EXPECT_THAT(child_keys("peers[]"), testing::AllOf(testing::Contains("realm"), testing::Contains("srtp")));
}

// The words of an enumeration stand in the order of its enumerators; one that is out of order shows here.
TEST(Schema, GivesTheSameDefaultsAsTheValuesThemselves) {
  const LoadedConfig loaded = load_text(joined(kGoodLines));
  ASSERT_FALSE(loaded.has_errors());
  const ProfileConfig &made = loaded.config.peers[0].profile, plain;
  EXPECT_EQ(made.methods, plain.methods);
  EXPECT_EQ(made.events, plain.events);
  EXPECT_EQ(made.strictness, plain.strictness);
  EXPECT_EQ(made.refer, plain.refer);
  EXPECT_EQ(made.redirect, plain.redirect);
  EXPECT_EQ(made.responses_to, plain.responses_to);
  EXPECT_EQ(made.identity_send, plain.identity_send);
  EXPECT_EQ(made.honour_privacy, plain.honour_privacy);
  EXPECT_EQ(made.timers.t1, plain.timers.t1);
  EXPECT_EQ(made.timers.session, plain.timers.session);
  EXPECT_EQ(made.srtp.mode, plain.srtp.mode);
  EXPECT_EQ(made.srtp.keying, plain.srtp.keying);
  EXPECT_EQ(made.srtp.suites, plain.srtp.suites);
  EXPECT_EQ(made.media.latch, plain.media.latch);
  EXPECT_EQ(made.media.inactivity, plain.media.inactivity);
  EXPECT_EQ(made.media.policing_percent, plain.media.policing_percent);
  EXPECT_TRUE(made.media.codecs.empty());
  const SecurityConfig &security = loaded.config.security, own;
  EXPECT_EQ(security.limits.source, own.limits.source);
  EXPECT_EQ(security.limits.prefix.limit, own.limits.prefix.limit);
  EXPECT_EQ(security.limits.unknown, own.limits.unknown);
  EXPECT_EQ(security.limits.tcp.idle, own.limits.tcp.idle);
  EXPECT_EQ(security.detectors.invite_flood.action, own.detectors.invite_flood.action);
  EXPECT_EQ(security.detectors.tdos_calls_per_callee, own.detectors.tdos_calls_per_callee);
  EXPECT_EQ(security.detectors.toll_fraud_prefixes, own.detectors.toll_fraud_prefixes);
  EXPECT_EQ(security.overload_cpu_percent, own.overload_cpu_percent);
  EXPECT_EQ(loaded.config.dataplane.capacity.sources, Capacity{}.sources);
  EXPECT_EQ(loaded.config.management.cdr.size(), 1u);
  EXPECT_EQ(loaded.config.management.cdr[0].keep, CdrSink{}.keep);
  EXPECT_EQ(loaded.config.management.messages_keep, ManagementConfig{}.messages_keep);
  EXPECT_EQ(loaded.config.emergency.numbers, EmergencyConfig{}.numbers);
  EXPECT_EQ(loaded.config.realms[0].media.dscp, RealmMedia{}.dscp);
  EXPECT_EQ(loaded.config.realms[0].signalling_dscp, RealmConfig{}.signalling_dscp);
  EXPECT_EQ(loaded.config.realms[0].media_limit, RealmConfig{}.media_limit);
  EXPECT_EQ(loaded.config.routes[0].retry_on, RouteConfig{}.retry_on);
}

}  // namespace
}  // namespace sallyport::mgmt
