// data_plane_adopt.cpp — another configuration for a data plane that runs. First all is made that can fail or
// takes long; then each thread is given its part, and none of them waits.
#include <fmt/format.h>

#include "dataplane/dpdk/turns.h"
#include "dataplane/running_data_plane.h"
#include "policy/decide/exception_budget.h"

namespace sallyport::dataplane {

// What mgmt/config lets through, and yet hangs on what was made at the start.
Result<void, std::string> RunningDataPlane::can_follow(const SbcConfig& next) const {
  if (next.ports.size() != config_.ports.size())
    return fail(std::string("ports can't come or go while Sallyport runs: restart it"));
  if (next.realms.size() > realm_places(config_))
    return fail(fmt::format("realms: there is room for {}: restart for more", realm_places(config_)));
  if (next.peers.size() > peer_places(config_))
    return fail(fmt::format("peers: there is room for {}: restart for more", peer_places(config_)));
  const PrefixLimit& now = config_.security.limits.prefix;
  const PrefixLimit& then = next.security.limits.prefix;
  const bool is_same_v4 = now.ipv4_length == then.ipv4_length,
             is_same_v6 = now.ipv6_length == then.ipv6_length;
  // Which lcore counts a source hangs on its prefix (worker/source_owner.h).
  if (threads_.lcores > 1 && !(is_same_v4 && is_same_v6))
    return fail(
        fmt::format("security.limits.prefix.{}: can't change while several lcores share the sources between "
                    "them by it",
                    is_same_v4 ? "ipv6" : "ipv4"));
  return {};
}

StreamChange RunningDataPlane::stream_change(const SharedValue<SbcConfig>& next,
                                             const SharedValue<policy::SourceClassifier>& sources,
                                             std::vector<ListeningSocket> opened) {
  StreamChange change;
  change.tcp_idle = next->security.limits.tcp.idle;
  for (const PortConfig& port : next->ports)
    change.ports.push_back({policy::neighbours_of(*next, port), PortServices(*next, port),
                            stream_listeners(*next, port), ports_not_for_linux(*next, port)});
  const auto sockets = make_value<std::vector<ListeningSocket>>(std::move(opened));
  change.and_then = [this, next, sources, sockets](Timestamp now) {
    connections_->adopt(now, next, sources, std::move(*sockets));
    named_peers_->set_has_names(has_names(*next));
  };
  return change;
}

// Each turn of a shard begins with it, so one that does not answer follows before it does anything else.
void RunningDataPlane::make_engines_follow() {
  edition_.fetch_add(1, std::memory_order_acq_rel);
  for (std::size_t engine = 0; engine < commands_.size(); ++engine) {
    const auto follow = [&](Timestamp now) { (void)shards_[engine]->follow(now); };
    if (!commands_[engine]->run(follow, kTaskTimeout))
      eal_->log().say(
          fmt::format("reload: signalling thread {} is busy; it follows the new configuration as soon as it "
                      "has ended what it does; all else follows it now",
                      engine));
  }
}

std::vector<MacAddress> RunningDataPlane::macs() const {
  std::vector<MacAddress> all;
  for (std::size_t port = 0; port < config_.ports.size(); ++port) all.push_back(device_of(port).mac());
  return all;
}

// A reload that is under way does the same, and the stream thread waits for nobody.
bool RunningDataPlane::follow_names(Timestamp now) {
  const std::unique_lock one_at_a_time(adopting_, std::try_to_lock);
  if (!one_at_a_time) return false;
  SharedValue<SbcConfig> day;
  {
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock || !runs_) return false;
    day = day_ != nullptr ? day_ : SharedValue<SbcConfig>(SharedValue<SbcConfig>(), &config_);  // not owned
  }
  std::vector<policy::NamedAddress> named = named_addresses(*day, policy_.targets);
  if (named == named_) return true;
  LcoreRules rules(*day, macs(), named);
  connections_->adopt(now, day, rules.sources);
  lcore_rules_->adopt(*day, std::move(rules), secrets_.tables, workers_);
  named_ = std::move(named);
  return true;
}

void RunningDataPlane::follow_blocks() {
  const std::lock_guard not_while_stopping(adopting_);
  {
    const std::lock_guard lock(mutex_);
    if (!runs_) return;
  }
  stream_->doorbell().ring();
  wait_for_turns();
}

Result<void, std::string> RunningDataPlane::adopt(SharedValue<SbcConfig> next) {
  const std::lock_guard one_at_a_time(adopting_);
  {
    const std::lock_guard lock(mutex_);
    if (!runs_) return fail(std::string("the data plane does not run"));
  }
  if (auto can = can_follow(*next); !can) return can;
  auto rulebook = make_value<sip::Rulebook>(next, policy_.targets);
  auto opened = connections_->open_new(of_the_day(), *next);
  if (!opened) return fail(std::move(opened.error().message));
  // The last that can fail: nothing need be put back.
  if (auto done = tls_->prepare(*next); !done) return fail(std::move(done.error()));
  // Nobody is given a port before the relays know it; nothing arrives for a realm before all know that.
  lcore_rules_->adopt_media(*next, *ports_, policy_.media_ports, workers_);
  policy_.adopt(std::move(rulebook));
  named_ = named_addresses(*next, policy_.targets);
  LcoreRules rules(*next, macs(), named_);
  StreamChange for_stream = stream_change(next, rules.sources, std::move(*opened));
  {
    const std::lock_guard lock(mutex_);
    day_ = next;
  }
  make_engines_follow();
  if (!stream_->adopt(std::move(for_stream), kTaskTimeout))
    eal_->log().say(
        "reload: the thread of connections is busy; it follows the new configuration as soon as it has ended "
        "what it does; all else follows it now");
  lcore_rules_->adopt(*next, std::move(rules), secrets_.tables, workers_);
  return {};
}

}  // namespace sallyport::dataplane
