// route_rules_fuzz.cpp — routes, rules, numbers and identity over fields that a stranger wrote. Each line of
// the input is one field. Held: results are bounded and clean, spellings of a number are one number.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>

#include "policy/identity/identity_policy.h"
#include "policy/route/router.h"
#include "policy/route/rule_set.h"

namespace sallyport::policy {
namespace {

constexpr std::size_t kFields = 8;

void must(bool holds) {
  if (!holds) std::abort();
}

SbcConfig fuzzed_config() {
  SbcConfig config;
  config.peers.emplace_back().name = "pbx";
  config.header_rules.push_back(
      {"numbers",
       {},
       {{"called", RuleAction::Replace, "^\\+?(1|2)([0-9a-f]*)(.*)$", "\\2\\1\\3\\3"},
        {"called", RuleAction::Replace, "(a|b|ab)+$", ""},
        {"caller", RuleAction::Replace, "(x*)*y?", "\\1\\0\\1"},
        {"identity", RuleAction::Replace, "^.*$", "\\0\\0\\0\\0\\0\\0\\0\\0\\0"},
        {"diversion", RuleAction::Remove, "", "all"},
        {"header:X-A", RuleAction::Replace, "(.)(.*)$", "\\2\\1\\2"},
        {"header:X-B", RuleAction::Remove, "", "first"}}});
  RouteConfig& route = config.routes.emplace_back();
  route.name = "one";
  route.match.called = {"^(a+)+$", "^\\+1555[0-9]{4}$"};
  route.match.headers = {{"X-A", "^(.*)b$"}};
  route.rules = {"numbers"};
  route.to = {RouteToPeer{"pbx"}};
  return config;
}

bool is_clean(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

void check_numbers(std::string_view field) {
  const std::string plain = unescaped_user(field);
  must(unescaped_user(plain) == plain);
  must(plain.size() <= field.size());
  const std::string written = escaped_user(field);
  must(is_clean(written) && written.find_first_of("@<>\" :") == std::string::npos);
  must(escaped_user(written) == written);
  must(is_same_number(field, field) && is_same_number(field, plain));
}

void check_rules(const RuleSet& rules, const RouteRequest& request, std::string_view identity) {
  RuleSubject subject{std::string(request.called),
                      std::string(request.caller),
                      std::string(identity),
                      "1",
                      request.method,
                      request.headers};
  const bool had_called = std::any_of(subject.called.begin(), subject.called.end(), [](char c) {
    return static_cast<unsigned char>(c) > 0x20 && c != 0x7f;
  });
  const std::size_t largest = std::max(subject.called.size(), kNumberBytesMax);
  std::vector<RuleTrace> trace;
  RuleEdits edits;
  edits.trace = &trace;
  constexpr std::array<std::uint16_t, 2> kRules{0, 9};
  rules.apply(kRules, subject, edits);
  must(!had_called || !subject.called.empty());
  must(subject.called.size() <= largest && subject.diversion.empty());
  must(is_clean(subject.called) && is_clean(subject.caller) && is_clean(subject.identity));
  for (const HeaderEdit& edit : edits.headers)
    for (const std::string& value : edit.values) must(is_clean(value));
  must(trace.size() == 7);
}

}  // namespace
}  // namespace sallyport::policy

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sallyport::policy;
  static const sallyport::SbcConfig config = fuzzed_config();
  static const Router router(config);
  static const RuleSet rules(config.header_rules);
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  std::array<std::string_view, kFields> fields;
  for (std::string_view& field : fields) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    field = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    check_numbers(field);
  }
  const std::array<HeaderView, 3> headers{{{"x-a", fields[3]}, {"X-B", fields[4]}, {fields[5], rest}}};
  RouteRequest request;
  request.method = "INVITE";
  request.called = fields[0];
  request.caller = fields[1];
  request.request_uri = fields[2];
  request.headers = headers;
  const RouteDecision decision = router.route(request);
  must(decision.retry_on != nullptr);
  must(decision.is_emergency == router.is_emergency(fields[0], fields[2]));
  check_rules(rules, request, fields[6]);
  IdentityFacts facts;
  must(facts.asserted.push_back(fields[5]));
  facts.remote_party = fields[6];
  facts.privacy = fields[7];
  const IdentityDecision hidden = decide_identity(facts, {.accept = sallyport::IdentityAccept::None});
  must(hidden.identity.empty() && is_clean(hidden.privacy));
  const IdentityDecision known =
      decide_identity(facts, {.accept = sallyport::IdentityAccept::All, .far_is_trusted = true});
  must(known.identity.size() <= kAssertedMax && is_clean(known.privacy));
  return 0;
}
