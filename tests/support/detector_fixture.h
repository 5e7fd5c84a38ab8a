// detector_fixture.h — calls of the PBX to the carrier and beyond, made to meet the detectors.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "policy/detect/detector.h"
#include "tests/support/call_fixture.h"

namespace sallyport::tests {

class DetectorFixture : public CallFixture {
 public:
  // +8821000 and the like.
  static constexpr std::string_view kCostly = "+88210001234";
  static constexpr std::string_view kContact = "Contact: <sip:far@198.18.1.2:5060>\r\n";

  DetectorFixture() {
    may_be_detected = true;
    settings.calls_max = 512;
    settings.transactions_max = 8192;
    settings.message_ring_bytes = 65536;
    caller_host = "198.18.2.2";
    callee_host = "198.18.1.2";
    callee_tag = "fartag";
    for (PeerConfig& peer : config.peers) peer.profile.refer = ReferMode::Resolve;
    RouteConfig anyone;  // whoever is in the inner realm may call out
    anyone.name = "anyone";
    anyone.match.realms = {"inside"};
    anyone.match.called = {"^[+0-9]+$"};
    anyone.to = {RouteToPeer{"carrier"}};
    config.routes[1] = anyone;
  }

  // Another call each time. Bytes that may be sent again, as a retransmission.
  [[nodiscard]] MessageBuilder calling(std::string_view number, std::string_view host = "198.18.2.2",
                                       std::string_view user = "1001") {
    const std::string name = std::to_string(++calls_made_);
    const std::string own = std::string(user) + "@" + std::string(host);
    return MessageBuilder("INVITE")
        .uri("sip:" + std::string(number) + "@198.18.2.1")
        .via("SIP/2.0/UDP " + std::string(host) + ":5060;branch=z9hG4bKcall" + name + ";rport")
        .from("<sip:" + own + ">;tag=tag" + name)
        .to("<sip:" + std::string(number) + "@198.18.2.1>")
        .call_id("call-" + name)
        .contact("<sip:" + own + ">")
        .body("application/sdp", kSdp);
  }
  // The answer to the caller's INVITE that is no 100; 0: it rings somewhere.
  [[nodiscard]] static int refused(const std::vector<SentMessage>& sent) {
    for (const SentMessage& message : sent)
      if (!message.is_request() && message.status() > 100) return message.status();
    return 0;
  }
  struct Up {
    SentMessage invite, ok;
  };
  // The PBX calls, the carrier answers.
  Up set_up(std::string_view number) {
    return answer_call(only(from_pbx(calling(number).build()), "INVITE"));
  }
  Up answer_call(const SentMessage& invite) {
    (void)from(invite.path.remote, answer(invite, 200, "fartag", kContact, kSdp));
    const SentMessage ok = only(journal(), "200");
    EXPECT_TRUE(holds(from(ok.path.remote, in_dialog("ACK", 1, ok)), "ACK"));
    return {invite, ok};
  }
  // Whoever called hangs up.
  void hang_up(const Up& call, unsigned cseq = 2) {
    const SentMessage bye = only(from(call.ok.path.remote, in_dialog("BYE", cseq, call.ok)), "BYE");
    (void)from(bye.path.remote, answer(bye, 200, ""));
    EXPECT_TRUE(holds(journal(), "200"));
  }
  // The target refuses.
  std::vector<SentMessage> fail(const SentMessage& invite, int code, std::string_view lines = {}) {
    return from(invite.path.remote, answer(invite, code, "no", lines));
  }

  [[nodiscard]] std::vector<sip::DetectionEvent> told(std::string_view detector = {}) const {
    std::vector<sip::DetectionEvent> found;
    for (const sip::EngineEvent& event : events)
      if (const auto* const one = std::get_if<sip::DetectionEvent>(&event.what))
        if (detector.empty() || one->detector == detector) found.push_back(*one);
    return found;
  }
  [[nodiscard]] std::uint64_t counted(policy::Detector detector, DetectorAction action) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < std::max<std::size_t>(engines, 1); ++i)
      sum += engine_of(static_cast<std::uint8_t>(i))
                 .counters()
                 .detections.value(sip::label_of(detector, action));
    return sum;
  }
  void reload(const DetectorsConfig& detectors) {
    SbcConfig next = config;
    next.security.detectors = detectors;
    (void)adopt(next);
  }

  const Endpoint office = *parse_endpoint("198.18.2.50:5060", 0),  // inside: trusted, no peer
      office_v6 = *parse_endpoint("[fd18:2::50]:5060", 0),         // the same over IPv6
      stranger = *parse_endpoint("198.18.1.99:5070", 0);

 private:
  unsigned calls_made_ = 0;
};

}  // namespace sallyport::tests
