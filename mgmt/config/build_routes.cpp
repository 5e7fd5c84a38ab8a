// build_routes.cpp — header rules, tables, routes and emergency as values.
#include "mgmt/config/build_config.h"

namespace sallyport::mgmt {
namespace {

RuleStep build_step(const Section& section) {
  RuleStep step;
  step.field = section.text("field");
  if (section.written("replace") != nullptr) {
    step.action = RuleAction::Replace;
    step.pattern = section.text("replace");
    step.value = section.text("with");
  } else if (section.written("remove") != nullptr) {
    step.action = RuleAction::Remove;
    step.value = section.text("remove");
  } else {
    step.action = RuleAction::Set;
    step.value = section.text("set");
  }
  return step;
}

RouteTarget build_map_target(const Section& section) {
  if (section.written("registrar") != nullptr) return RouteToRegistrar{section.text("registrar")};
  if (section.written("table") != nullptr) return RouteToTable{section.text("table")};
  if (section.written("redirect") != nullptr) return RouteRedirect{section.text("redirect")};
  return RouteReject{section.written("reject") == nullptr ? std::uint16_t{403}
                                                          : read_number<std::uint16_t>(section, "reject")};
}

// Words and maps mixed, in the order of the file.
std::vector<RouteTarget> build_targets(const Section& section, std::string_view key) {
  std::vector<RouteTarget> targets;
  const YamlNode* list = section.value(key);
  if (list == nullptr) return targets;
  const std::vector<Section> maps = section.items(key);
  std::size_t next_map = 0;
  for (const YamlNode& item : list->items) {
    if (item.is_map()) {
      targets.push_back(build_map_target(maps[next_map++]));
    } else {
      targets.push_back(RouteToPeer{item.text});
    }
  }
  return targets;
}

RouteMatch build_match(const Section& section) {
  RouteMatch match;
  match.peers = section.texts("peer");
  match.realms = section.texts("realm");
  match.registrars = section.texts("registrar");
  match.called = section.texts("called");
  match.caller = section.texts("caller");
  match.methods = section.texts("method");
  match.hosts = section.texts("host");
  match.times = section.texts("time");
  if (const YamlNode* headers = section.written("header"))
    for (const YamlEntry& entry : headers->entries) match.headers.emplace_back(entry.key, entry.value.text);
  return match;
}

std::uint16_t to_code(std::string_view text) {
  const auto number = parse_integer(text);
  return number ? static_cast<std::uint16_t>(*number) : std::uint16_t{0};
}

RouteConfig build_route(const Section& section) {
  RouteConfig route;
  route.name = section.text("name");
  route.match = build_match(section.child("match"));
  route.rules = section.texts("rules");
  route.to = build_targets(section, "to");
  route.retry_on.clear();
  for (const std::string& code : section.texts("retry_on")) route.retry_on.push_back(to_code(code));
  return route;
}

}  // namespace

void build_routes(const Section& root, SbcConfig& config) {
  for (const Section& item : root.items("header_rules")) {
    HeaderRuleConfig& rule = config.header_rules.emplace_back();
    rule.name = item.text("name");
    rule.when_methods = item.child("when").texts("methods");
    for (const Section& step : item.items("steps")) rule.steps.push_back(build_step(step));
  }
  for (const Section& item : root.items("tables"))
    config.tables.push_back({item.text("name"), item.file("file"), nullptr, {}});
  for (const Section& item : root.items("routes")) config.routes.push_back(build_route(item));
  const Section emergency = root.child("emergency");
  config.emergency.numbers = emergency.texts("numbers");
  config.emergency.urns = emergency.texts("urns");
  config.emergency.to = build_targets(emergency, "to");
  config.emergency.callback = read_duration(emergency, "callback");
}

}  // namespace sallyport::mgmt
