// A whole world: a border of one or more SipEngines between agents on two sides, a lossy network, a journal
// that is late, and the checks of all that happens. RFC 3261; design: sans-I/O core.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sipalg/engine/sip_engine.h"
#include "tests/sim/border_checks.h"
#include "tests/sim/call_plan.h"
#include "tests/sim/forking_proxy.h"
#include "tests/sim/keep_alives.h"
#include "tests/sim/media_world.h"
#include "tests/sim/messenger.h"
#include "tests/sim/notifier.h"
#include "tests/sim/registration.h"
#include "tests/sim/subscriber.h"
#include "tests/sim/upstream_registrar.h"
#include "tests/sim/user_agent.h"
#include "tests/sim/world_places.h"
#include "tests/sim/world_settings.h"

namespace sallyport::sim {

struct WorldCounts {
  unsigned calls = 0, answered = 0, failed = 0;  // as the callers saw it
  unsigned exchanges = 0, subscriptions = 0, registrations = 0;
  unsigned stale = 0;                                    // requests of the past that were refused
  std::uint64_t datagrams = 0, restarts = 0, steps = 0;  // a step: something was put into an engine
};

class SipWorld {
 public:
  explicit SipWorld(const WorldSettings& settings);
  SipWorld(const SipWorld&) = delete;
  SipWorld& operator=(const SipWorld&) = delete;

  // Draws the plans and does them all, waits until all is silent, and looks at what is left.
  void run();

  // By hand, for the fuzzer.
  const CallPlan& place_call(std::size_t caller, char destination, bool simple);
  void inject(const Endpoint& from, const Endpoint& to, std::string_view bytes);
  void run_for(Duration time);
  void calm_down() { network_.calm_down(); }
  // What of the border is not as it was before the first call; empty: nothing.
  [[nodiscard]] std::string left_behind();
  [[nodiscard]] std::vector<std::unique_ptr<UserAgent>>& agents() noexcept { return agents_; }
  // The last few datagrams that went in or out.
  [[nodiscard]] const std::vector<std::string>& last_seen() const noexcept { return last_seen_; }
  [[nodiscard]] std::size_t most_sends() const noexcept { return most_sends_; }  // of one step
  // Does not judge what only well-behaved agents may expect.
  void expect_nonsense() noexcept { nonsense_ = true; }

  [[nodiscard]] const Judge& judge() const noexcept { return judge_; }
  [[nodiscard]] const VirtualNetwork& network() const noexcept { return network_; }
  [[nodiscard]] WorldCounts counts() const;

 private:
  enum class Cause : std::uint8_t { Input, Time };
  using Work = std::function<void(sip::SipEngine&, sip::EngineOutput&)>;

  void remember(std::string_view bytes);
  void make_agents();
  void make_plans();
  void plan_peer_call(Duration start);
  void plan_transfer(CallPlan& plan);
  void hang_up_by_operator();
  void tell_of_media();
  void tell(const media::MediaNotice& notice);
  void make_engines(unsigned count);
  void arrive(const Endpoint& from, const Endpoint& to, std::string_view bytes);
  void expect_trying(const Endpoint& from, std::string_view bytes);
  using Letters = std::deque<std::unique_ptr<sip::EngineLetter>>;
  void drive(std::size_t engine, Cause why, const Work& work);
  void do_work(std::size_t engine, const Work& work, Letters& letters);
  void post_letters(sip::EngineOutput& out);
  void send_all(sip::EngineOutput& out);
  void take_events(std::size_t engine, sip::EngineOutput& out);
  void arm(std::size_t engine);
  void on_timer(std::size_t engine);
  void restart();
  void reload();
  [[nodiscard]] Timestamp border_now() const noexcept { return network_.now() + clock_base_; }

  // world_phones.cpp
  void make_phones();
  void begin_registrations();
  void plan_phone_call(Duration start);
  void plan_exchange(Duration start);
  void dial_phone(CallPlan plan);
  void begin_exchange(const ExchangePlan& plan);
  void watch_bindings();
  void check_exchanges();
  // Where its router shows it, the first time or later.
  [[nodiscard]] static Endpoint seen_of(std::size_t agent, unsigned turn);
  void move(std::size_t agent, unsigned turn);
  void check_flow(std::size_t agent, bool is_bound);
  [[nodiscard]] Registration* registration_of(std::size_t agent) noexcept;
  [[nodiscard]] bool is_bound_for_a_while(std::size_t agent);

  // world_verdict.cpp
  void check_agreement();
  void check_attempt(const UserAgent& agent, const AgentLeg& leg);
  void check_one_phone_rings();
  void check_expectations();

  WorldSettings settings_;
  Judge judge_;
  SimRandom random_;
  VirtualNetwork network_;
  BorderChecks border_;
  MediaWorld media_;
  SbcConfig config_;
  PlanBook plans_;
  std::unique_ptr<sip::SharedPolicy> policy_;
  std::vector<std::unique_ptr<sip::SipEngine>> engines_;
  std::vector<VirtualNetwork::TimerId> timers_;
  std::vector<std::unique_ptr<UserAgent>> agents_;
  std::unique_ptr<ForkingProxy> proxy_;
  ExchangeBook exchanges_;
  std::vector<std::unique_ptr<Messenger>> messengers_;        // of each agent
  std::vector<std::unique_ptr<Subscriber>> subscribers_;      // of each agent
  std::vector<std::unique_ptr<Notifier>> notifiers_;          // of each agent
  std::vector<std::unique_ptr<Registration>> registrations_;  // of each phone, from kFirstPhone
  std::vector<std::unique_ptr<KeepAlives>> keep_alives_;      // of some agents
  std::array<Timestamp, kPlaces.size()> flow_since_{};        // bound and heard of
  std::unique_ptr<UpstreamRegistrar> upstream_;
  std::unique_ptr<sip::EngineOutput> output_;
  std::vector<std::string> last_seen_;
  std::size_t most_sends_ = 0;
  Duration clock_base_{};
  std::uint64_t generation_ = 0, restarts_ = 0, steps_ = 0, drives_ = 0, reloads_ = 0;
  Timestamp woken_at_{};  // when timers fired last, and how often at that moment
  unsigned woken_ = 0;
  unsigned planned_ = 0, letters_ = 0;
  bool nonsense_ = false;
};

}  // namespace sallyport::sim
