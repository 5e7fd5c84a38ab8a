// The simulator judged by itself: its agents call each other without a border between them, so that what they
// blame a border for later is the border's.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/sim/forking_proxy.h"
#include "tests/sim/user_agent.h"

namespace sallyport::sim {
namespace {

Endpoint at(const char* text) { return *parse_endpoint(text, 0); }

struct DirectCalls {
  Judge judge;
  SimRandom random;
  VirtualNetwork network;
  PlanBook plans;
  std::vector<std::unique_ptr<UserAgent>> agents;
  ForkingProxy proxy;

  DirectCalls(std::uint64_t seed, const LinkSettings& link, bool calm, const char* first_hop)
      : random(seed),
        network(seed, link, judge),
        proxy("proxy", at("198.18.2.10:5060"), network, judge, random.fork(9)) {
    judge.set_calm(calm);
    network.keep_trace();
    const char* places[] = {"198.18.2.2:5060", "198.18.2.3:5060", "198.18.2.4:5060"};
    for (std::size_t i = 0; i < 3; ++i) {
      const UserAgentSettings settings{"agent" + std::to_string(i),        "mark", at(places[i]),
                                       at(i == 0 ? first_hop : places[0]), false,  true};
      agents.push_back(std::make_unique<UserAgent>(settings, network, judge, plans, random.fork(i)));
    }
    proxy.add_target(at(places[1]));
    proxy.add_target(at(places[2]));
  }
  void run(unsigned calls, bool simple, bool calm) {
    for (unsigned i = 0; i < calls; ++i) {
      const PlanTerms terms{0, '0', 0s, simple, calm};
      CallPlan plan = make_plan(i, terms, random);
      // No border is there to end what nobody ends.
      plan.caller_hangs_up = true;
      plan.gone = Gone::Nobody;
      agents[0]->dial(plans.add(plan));
      run_for(random.between(0s, 3s));
    }
    run_for(20min);
  }
  void run_for(Duration time) {
    const Timestamp until = network.now() + time;
    while (network.step(until)) {
    }
  }
  unsigned answered() const {
    unsigned count = 0;
    for (const auto& [call_id, leg] : agents[0]->legs()) count += leg.was_up ? 1 : 0;
    return count;
  }
  std::string complaints() const {
    std::string text;
    for (const Violation& violation : judge.violations()) text += violation.text + "\n";
    return text;
  }
};

constexpr LinkSettings kCalm{0, 0, 0, 20ms, 20ms};
constexpr LinkSettings kRough{0.1, 0.05, 0.1, 5ms, 60ms};

TEST(DirectCalls, AnswerEachCallInACalmNetwork) {
  DirectCalls calls(1, kCalm, true, "198.18.2.3:5060");
  calls.run(100, true, true);
  EXPECT_EQ(calls.complaints(), "");
  EXPECT_EQ(calls.answered(), 100u);
  for (const auto& agent : calls.agents)
    for (const auto& [call_id, leg] : agent->legs()) EXPECT_EQ(leg.state, LegState::Over);
}

TEST(DirectCalls, AgreeOnTheEndOfEachCallInARoughNetwork) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    DirectCalls calls(seed, kRough, false, "198.18.2.3:5060");
    calls.run(50, false, false);
    EXPECT_EQ(calls.complaints(), "") << "seed " << seed;
    for (const auto& agent : calls.agents)
      for (const auto& [call_id, leg] : agent->legs())
        EXPECT_TRUE(leg.state == LegState::Over || leg.gone ||
                    leg.plan->callee(agent->settings().name).final_code == 0)
            << "seed " << seed << " " << call_id;
  }
}

// A caller of these agents knows one callee: that a second one answers is what it must complain about.
TEST(DirectCalls, NoticeThatTwoCalleesOfAForkingProxyAnswered) {
  DirectCalls calls(3, kCalm, true, "198.18.2.10:5060");
  calls.run(50, true, true);
  EXPECT_NE(calls.complaints().find("two callees answered"), std::string::npos);
}

TEST(VirtualNetwork, DoesTheSameThingsForTheSameSeed) {
  std::string first, second;
  for (std::string* text : {&first, &second}) {
    DirectCalls calls(5, kRough, false, "198.18.2.3:5060");
    calls.run(10, false, false);
    *text = print_trace(calls.network.trace());
  }
  EXPECT_GT(first.size(), 10000u);
  EXPECT_EQ(first, second);
}

}  // namespace
}  // namespace sallyport::sim
