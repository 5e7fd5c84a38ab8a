// trunk_fixture.h — a SipEngine that owns the trunks, with one peer outside that has two targets, driven in
// virtual time. What it sends to each target is kept until a test answers it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sipalg/engine/sip_engine.h"
#include "tests/support/call_fixture.h"

namespace sallyport::tests {

class TrunkFixture : public testing::Test {
 protected:
  TrunkFixture();

  sip::SipEngine& engine();
  policy::TargetBoard& board() {
    (void)engine();
    return shared_->targets;
  }
  // Moves time; what leaves meanwhile and is no retransmission.
  std::vector<SentMessage> wait(Duration time);
  // The same; each OPTIONS is answered at once with the code that its target has, 0: silence.
  std::vector<SentMessage> wait_answering(Duration time);
  // What comes out because of a message from that target.
  std::vector<SentMessage> from(const Endpoint& remote, std::string_view bytes);
  std::vector<SentMessage> answer(const SentMessage& request, int code, std::string_view extra = {});
  std::vector<SentMessage> unreachable(const SentMessage& request);
  // A reload: peers in the places that they had. `config` stays what the start began with.
  std::vector<SentMessage> adopt(const SbcConfig& next);
  // A new life of the node: nothing of the old one but its keys and its clock.
  void restart();

  [[nodiscard]] bool is_up(std::size_t target);
  [[nodiscard]] sip::TrunkView view();
  // The last thing that was said of that alarm; nothing: nothing.
  [[nodiscard]] std::optional<bool> alarm(std::string_view name) const;

  SbcConfig config;
  sip::SipEngineSettings settings;
  Timestamp now{std::chrono::hours(1)};
  const Endpoint first = *parse_endpoint("198.18.1.2:5060", 0),
                 second = *parse_endpoint("198.18.1.3:5060", 0);
  int first_code = 200, second_code = 200;  // of wait_answering()
  std::vector<sip::AlarmEvent> alarms;

 private:
  std::vector<SentMessage> take();

  sip::EngineOutput out_;
  std::unique_ptr<sip::SharedPolicy> shared_;
  std::unique_ptr<sip::SipEngine> engine_;
};

}  // namespace sallyport::tests
