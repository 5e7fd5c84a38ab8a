// router.cpp — see router.h.
#include "policy/route/router.h"

#include <algorithm>
#include <array>
#include <optional>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "policy/route/chance.h"
#include "policy/route/dialled.h"
#include "policy/route/pattern.h"
#include "policy/route/prefix_table.h"
#include "policy/route/time_span.h"

namespace sallyport::policy {
namespace {

// Answered when a route matched but none of its targets can be had: nobody is registered there, or no table
// knows the number.
constexpr std::uint16_t kNoTargetCode = 480;  // RFC 3261 §21.4.18
constexpr std::uint16_t kNoNumberCode = 404;  // RFC 3261 §21.4.5

[[nodiscard]] constexpr char to_small(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
[[nodiscard]] bool is_same_word(std::string_view one, std::string_view other) noexcept {
  return one.size() == other.size() && std::equal(one.begin(), one.end(), other.begin(),
                                                  [](char a, char b) { return to_small(a) == to_small(b); });
}

// `uri` is the service or one below it. RFC 5031 §4.1
[[nodiscard]] bool is_service(std::string_view uri, std::string_view service) noexcept {
  if (uri.size() < service.size() || !is_same_word(uri.substr(0, service.size()), service)) return false;
  return uri.size() == service.size() ||
         std::string_view(".;?#").find(uri[service.size()]) != std::string_view::npos;
}

// A name may end in a dot. RFC 1034 §3.1
[[nodiscard]] std::string_view without_last_dot(std::string_view host) noexcept {
  if (!host.empty() && host.back() == '.') host.remove_suffix(1);
  return host;
}

template <class T>
[[nodiscard]] bool is_among(const std::vector<T>& list, const T& value) noexcept {
  return std::find(list.begin(), list.end(), value) != list.end();
}

// A list that was written: without members that could be understood it matches nothing, not everything.
template <class T>
struct Filter {
  bool is_written = false;
  std::vector<T> members;

  template <class Matches>
  [[nodiscard]] bool allows(Matches matches) const noexcept {
    return !is_written || std::any_of(members.begin(), members.end(), matches);
  }
};

template <class Index, class Config>
[[nodiscard]] Filter<Index> positions_of(const std::vector<std::string>& names,
                                         const std::vector<Config>& configured) {
  Filter<Index> filter{!names.empty(), {}};
  for (std::size_t i = 0; i < configured.size(); ++i)
    if (is_among(names, configured[i].name)) filter.members.push_back(static_cast<Index>(i));
  return filter;
}

[[nodiscard]] Filter<Pattern> patterns_of(const std::vector<std::string>& texts) {
  Filter<Pattern> filter{!texts.empty(), {}};
  for (const std::string& text : texts)
    if (auto pattern = Pattern::compile(text)) filter.members.push_back(std::move(*pattern));
  return filter;
}

[[nodiscard]] Filter<TimeSpan> spans_of(const std::vector<std::string>& texts) {
  Filter<TimeSpan> filter{!texts.empty(), {}};
  for (const std::string& text : texts)
    if (const auto span = TimeSpan::parse(text)) filter.members.push_back(*span);
  return filter;
}

struct HeaderMatch {
  std::string name;
  std::optional<Pattern> pattern;  // nothing: it could not be compiled

  [[nodiscard]] bool is_in(std::span<const HeaderView> headers) const noexcept {
    return pattern && std::any_of(headers.begin(), headers.end(), [this](const HeaderView& header) {
             return is_same_word(header.name, name) && pattern->matches(header.value);
           });
  }
};

using PeerPositions = std::unordered_map<std::string_view, PeerIndex>;

[[nodiscard]] PeerPositions peer_positions(const SbcConfig& config) {
  PeerPositions positions;
  for (std::size_t i = 0; i < config.peers.size(); ++i)
    positions.emplace(config.peers[i].name, static_cast<PeerIndex>(i));
  return positions;
}

using LineOrder = FixedVector<std::uint32_t, kTargetsMax>;

// By chance in proportion to the weights, or the heaviest first; further lines than fit are left out.
[[nodiscard]] LineOrder order_of(std::span<const PrefixLine> lines, std::uint64_t random) noexcept {
  struct Ranked {
    double rank;
    std::uint32_t position;
  };
  std::array<Ranked, kTargetsMax> ranked;
  const std::size_t count = std::min(lines.size(), ranked.size());
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint16_t weight = lines[i].weight;
    ranked[i] = {random == 0 ? -share_of(weight) : rank_of(weight, mixed(random, i)),
                 static_cast<std::uint32_t>(i)};
  }
  std::sort(ranked.begin(), ranked.begin() + static_cast<std::ptrdiff_t>(count),
            [](const Ranked& a, const Ranked& b) {
              return std::tie(a.rank, a.position) < std::tie(b.rank, b.position);
            });
  LineOrder order;
  for (std::size_t i = 0; i < count; ++i) (void)order.push_back(ranked[i].position);
  return order;
}

// The list may be full: those in front are tried.
void add_target(PeerIndex peer, TargetOrigin origin, RouteDecision& decision) noexcept {
  if (std::find(decision.targets.begin(), decision.targets.end(), peer) != decision.targets.end()) return;
  if (decision.targets.push_back(peer)) (void)decision.origins.push_back(origin);
}

}  // namespace

// A list of targets as far as it can be had: what stands behind a reject or a redirect is never reached.
struct Router::TargetList {
  struct Item {
    PeerIndex peer = PeerIndex::kNone;
    std::uint16_t table = kNoTable;  // in place of a peer
    SharedValue<PrefixTable> content;
    std::vector<PeerIndex> peers;  // those that the table's lines count
  };
  std::vector<Item> items;
  std::uint16_t reject_code = 0;
  std::string redirect_uri;

  TargetList() = default;
  TargetList(const std::vector<RouteTarget>& targets, const PeerPositions& peers_by_name,
             const std::vector<TableConfig>& tables) {
    for (const RouteTarget& target : targets) {
      if (const auto* peer = std::get_if<RouteToPeer>(&target)) {
        const auto found = peers_by_name.find(peer->name);
        if (found != peers_by_name.end()) items.push_back({found->second, kNoTable, nullptr, {}});
      } else if (const auto* registrar = std::get_if<RouteToRegistrar>(&target)) {
        // Its place among the peers has its name.
        const auto found = peers_by_name.find(registrar->name);
        if (found != peers_by_name.end()) items.push_back({found->second, kNoTable, nullptr, {}});
      } else if (const auto* table = std::get_if<RouteToTable>(&target)) {
        add_table(table->name, peers_by_name, tables);
      } else if (const auto* redirect = std::get_if<RouteRedirect>(&target)) {
        redirect_uri = redirect->uri;
        return;
      } else if (const auto* reject = std::get_if<RouteReject>(&target)) {
        reject_code = reject->code;
        return;
      }
    }
  }
  void add_table(std::string_view name, const PeerPositions& peers_by_name,
                 const std::vector<TableConfig>& tables) {
    for (std::size_t i = 0; i < tables.size(); ++i) {
      if (tables[i].name != name || tables[i].content == nullptr) continue;
      Item& item =
          items.emplace_back(Item{PeerIndex::kNone, static_cast<std::uint16_t>(i), tables[i].content, {}});
      for (const std::string& peer : tables[i].peers) {
        const auto found = peers_by_name.find(peer);
        item.peers.push_back(found == peers_by_name.end() ? PeerIndex::kNone : found->second);
      }
    }
  }
  [[nodiscard]] bool has_table() const noexcept {
    return std::any_of(items.begin(), items.end(), [](const Item& item) { return item.content != nullptr; });
  }
};

struct Router::Route {
  std::string name;
  Filter<PeerIndex> peers;
  Filter<RealmIndex> realms;
  Filter<PeerIndex> registrars;  // their places among the peers
  Filter<std::string> methods, hosts;
  Filter<TimeSpan> times;
  Filter<Pattern> called, caller;
  std::vector<HeaderMatch> headers;
  TargetList to;
  std::vector<std::uint16_t> rules, retry_on;

  [[nodiscard]] bool matches(const RouteRequest& request, std::string_view called_number,
                             std::string_view caller_number) const noexcept {
    const std::string_view host = without_last_dot(request.host);
    return peers.allows([&](PeerIndex one) { return one == request.peer; }) &&
           realms.allows([&](RealmIndex one) { return one == request.realm; }) &&
           registrars.allows([&](PeerIndex one) { return one == request.peer; }) &&
           methods.allows([&](const std::string& one) { return one == request.method; }) &&
           hosts.allows([&](const std::string& one) { return is_same_word(without_last_dot(one), host); }) &&
           times.allows([&](const TimeSpan& one) { return one.contains(request.time); }) &&
           called.allows([&](const Pattern& one) { return one.matches(called_number); }) &&
           caller.allows([&](const Pattern& one) { return one.matches(caller_number); }) &&
           std::all_of(headers.begin(), headers.end(),
                       [&](const HeaderMatch& one) { return one.is_in(request.headers); });
  }
};

bool RouteDecision::retries_on(std::uint16_t code) const noexcept {
  return retry_on != nullptr && is_among(*retry_on, code);
}

std::vector<Router::Route> Router::compiled_routes(const SbcConfig& config) const {
  const PeerPositions peers = peer_positions(config);
  std::vector<Route> routes;
  routes.reserve(config.routes.size());
  for (const RouteConfig& from : config.routes) {
    Route& route = routes.emplace_back();
    const RouteMatch& match = from.match;
    route.name = from.name;
    route.peers = positions_of<PeerIndex>(match.peers, config.peers);
    route.realms = positions_of<RealmIndex>(match.realms, config.realms);
    route.registrars = positions_of<PeerIndex>(match.registrars, config.peers);
    route.methods = {!match.methods.empty(), match.methods};
    route.hosts = {!match.hosts.empty(), match.hosts};
    route.times = spans_of(match.times);
    route.called = patterns_of(match.called);
    route.caller = patterns_of(match.caller);
    for (const auto& [name, text] : match.headers) {
      auto pattern = Pattern::compile(text);
      HeaderMatch& header = route.headers.emplace_back(HeaderMatch{name, std::nullopt});
      if (pattern) header.pattern = std::move(*pattern);
    }
    route.to = TargetList(from.to, peers, config.tables);
    for (const std::string& rule : from.rules)
      for (std::size_t i = 0; i < config.header_rules.size(); ++i)
        if (config.header_rules[i].name == rule) route.rules.push_back(static_cast<std::uint16_t>(i));
    route.retry_on = from.retry_on;
  }
  return routes;
}

Router::Router(const SbcConfig& config)
    : routes_(compiled_routes(config)),
      emergency_to_(std::make_unique<TargetList>(config.emergency.to, peer_positions(config), config.tables)),
      emergency_numbers_(config.emergency.numbers),
      emergency_urns_(config.emergency.urns),
      retry_default_(RouteConfig{}.retry_on) {}

Router::~Router() = default;

bool Router::is_emergency(std::string_view number, std::string_view request_uri) const noexcept {
  const bool is_number =
      !number.empty() && std::any_of(emergency_numbers_.begin(), emergency_numbers_.end(),
                                     [&](const std::string& one) { return is_same_number(one, number); });
  return is_number || std::any_of(emergency_urns_.begin(), emergency_urns_.end(),
                                  [&](const std::string& one) { return is_service(request_uri, one); });
}

const Router::Route* Router::first_match(const RouteRequest& request, std::string_view called,
                                         std::string_view caller) const noexcept {
  const auto found = std::find_if(routes_.begin(), routes_.end(),
                                  [&](const Route& route) { return route.matches(request, called, caller); });
  return found == routes_.end() ? nullptr : &*found;
}

void Router::add_targets(const TargetList& from, const RouteRequest& request, std::string_view called,
                         RouteDecision& decision) noexcept {
  for (const TargetList::Item& item : from.items) {
    if (item.content == nullptr) {
      add_target(item.peer, {}, decision);
      continue;
    }
    const auto lines = item.content->find(called);
    for (const std::uint32_t position : order_of(lines, request.random)) {
      const PrefixLine& line = lines[position];
      const PeerIndex peer = line.peer < item.peers.size() ? item.peers[line.peer] : PeerIndex::kNone;
      if (peer != PeerIndex::kNone) add_target(peer, {item.table, line.line}, decision);
    }
  }
  decision.reject_code = from.reject_code;
  decision.redirect_uri = from.redirect_uri;
}

RouteDecision Router::route(const RouteRequest& request) const noexcept {
  RouteDecision decision;
  decision.retry_on = &retry_default_;
  decision.is_emergency = request.is_emergency || is_emergency(request.called, request.request_uri);
  const bool goes_first =
      decision.is_emergency && (!emergency_to_->items.empty() || emergency_to_->reject_code != 0 ||
                                !emergency_to_->redirect_uri.empty());
  const auto is_plain = [](std::string_view number) {
    return number.find_first_of("%-.()") == std::string_view::npos;
  };
  std::string called_plain, caller_plain;  // stay empty unless another spelling is needed
  std::string_view called = request.called, caller = request.caller;
  if (!is_plain(called)) called = called_plain = unescaped_user(called);
  if (!is_plain(caller)) caller = caller_plain = unescaped_user(caller);
  if (goes_first) {
    add_targets(*emergency_to_, request, called, decision);
    decision.emergency_targets = static_cast<std::uint8_t>(decision.targets.size());
    decision.route = kEmergencyRoute;
  }
  const Route* const matched = first_match(request, called, caller);
  if (matched != nullptr) {
    const bool is_complete = decision.reject_code != 0 || !decision.redirect_uri.empty();
    if (!is_complete) add_targets(matched->to, request, called, decision);
    decision.route = static_cast<std::uint16_t>(matched - routes_.data());
    decision.rules = matched->rules;
    decision.retry_on = &matched->retry_on;
  }
  if (!decision.targets.empty()) {
    decision.outcome = RouteDecision::Outcome::Targets;
  } else if (!decision.redirect_uri.empty()) {
    decision.outcome = RouteDecision::Outcome::Redirect;
  } else if (decision.reject_code != 0 || matched != nullptr) {
    if (decision.reject_code == 0)
      decision.reject_code = matched->to.has_table() ? kNoNumberCode : kNoTargetCode;
    decision.outcome = RouteDecision::Outcome::Reject;
  }
  return decision;
}

std::string_view Router::name_of(std::uint16_t route) const noexcept {
  if (route == kEmergencyRoute) return "emergency";
  return route < routes_.size() ? std::string_view(routes_[route].name) : std::string_view();
}

}  // namespace sallyport::policy
