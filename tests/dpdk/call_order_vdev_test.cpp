// call_order_vdev_test.cpp — with several lcores and several signalling threads the messages of one call
// leave in the order in which the engine sent them: RFC 3261 §17.1.1.2 would take a late 180 for a stray.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/dpdk/frames.h"
#include "tests/dpdk/running_rig.h"
#include "tests/support/message_builder.h"

namespace sallyport::dataplane {
namespace {

using tests::header_of;
using tests::MessageBuilder;
using tests::status_of;

constexpr std::size_t kOutside = 0, kInside = 1;
constexpr int kInfos = 5;
constexpr std::string_view kSdp =
    "v=0\r\no=a 1 1 IN IP4 198.18.1.2\r\ns=-\r\nc=IN IP4 198.18.1.2\r\nt=0 0\r\nm=audio 49170 RTP/AVP 0\r\n";

RigSettings two_sides(std::uint32_t lcores, std::uint32_t shards) {
  RigSettings settings;
  SbcConfig& config = settings.config;
  for (const char* more : {"203.0.113.2:5060", "203.0.114.2:5060", "203.0.115.2:5060"})
    config.peers[kOutside].targets.emplace_back().address = parse_endpoint(more, 5060);
  RouteConfig& route = config.routes.emplace_back();
  route.name = "inbound";
  route.match.peers = {config.peers[kOutside].name};
  route.to = {RouteToPeer{config.peers[kInside].name}};
  settings.lcores = lcores;
  settings.shards = shards;
  for (const std::size_t port : {kOutside, kInside})
    for (const PeerTarget& target : config.peers[port].targets)
      settings.asked_ahead.push_back({PortIndex(port), target.address->address});
  return settings;
}

// Callers outside and a PBX inside that answers all calls at once.
class CallOrder : public testing::TestWithParam<std::pair<std::uint32_t, std::uint32_t>> {
 protected:
  CallOrder() {
    running_.emplace(two_sides(GetParam().first, GetParam().second));
    for (const PeerTarget& target : running_->rig.config.peers[kOutside].targets) {
      if (!target.address->address.is_v4()) continue;
      callers_.push_back(flow_to(running_->rig, kOutside));
      callers_.back().source = *target.address;
    }
  }

  void say(std::size_t port, const Flow& flow, const std::string& text) {
    running_->rig.arrive(port, udp_frame(flow, text));
  }
  // Until the next hops of all callers and of the PBX are known.
  void greet() {
    std::size_t answers = 0;
    int number = 0;
    for (const Flow& caller : callers_) say(kOutside, caller, options(caller, number++));
    const Flow pbx = flow_to(running_->rig, kInside);
    say(kInside, pbx, options(pbx, number++));
    ASSERT_TRUE(running_->run_until([&] { return answers == callers_.size() + 1; },
                                    [&](std::size_t, const Bytes&) { ++answers; }));
  }

  [[nodiscard]] static std::string request(const char* method, int call, int cseq) {
    MessageBuilder builder(method);
    const std::string id = std::to_string(call);
    return builder.uri("sip:+15551234567@198.18.1.1")
        .via("SIP/2.0/UDP 198.18.1.2:5060;branch=z9hG4bK-" + id + "-" + std::to_string(cseq) + method +
             ";rport")
        .from("<sip:a@198.18.1.2>;tag=near")
        .call_id("order-" + id)
        .cseq(std::to_string(cseq) + " " + method)
        .contact("<sip:a@198.18.1.2:5060>")
        .to("<sip:+15551234567@198.18.1.1>")
        .build();
  }
  void invite(int call) {
    std::string text = request("INVITE", call, 1);
    const std::string empty = "Content-Length: 0\r\n\r\n";
    text.replace(text.size() - empty.size(), empty.size(),
                 "Content-Type: application/sdp\r\nContent-Length: " + std::to_string(kSdp.size()) +
                     "\r\n\r\n" + std::string(kSdp));
    say(kOutside, caller_of(call), text);
  }
  [[nodiscard]] const Flow& caller_of(int call) const {
    return callers_[static_cast<std::size_t>(call) % callers_.size()];
  }

  // Within the dialog that `ok` made.
  [[nodiscard]] static std::string in_dialog(const char* method, int call, int cseq, const std::string& ok) {
    const std::string contact = header_of(ok, "Contact"), uri = contact.substr(1, contact.find('>') - 1);
    std::string text = request(method, call, cseq);
    const std::string to = "To: <sip:+15551234567@198.18.1.1>", own = "sip:+15551234567@198.18.1.1 ";
    text.replace(text.find(to), to.size(), "To: " + header_of(ok, "To"));
    return text.replace(text.find(own), own.size(), uri + " ");
  }
  // ACK and INFOs, one right behind the other.
  void go_on(int call, const std::string& ok) {
    say(kOutside, caller_of(call), in_dialog("ACK", call, 1, ok));
    for (int i = 1; i <= kInfos; ++i) say(kOutside, caller_of(call), in_dialog("INFO", call, 1 + i, ok));
  }
  void answer(const std::string& heard, int code) {
    std::string text = "SIP/2.0 " + std::to_string(code) + " ok\r\nVia: " + header_of(heard, "Via") +
                       "\r\nFrom: " + header_of(heard, "From") + "\r\nTo: " + header_of(heard, "To");
    if (header_of(heard, "To").find(";tag=") == std::string::npos) text += ";tag=far";
    text += "\r\nCall-ID: " + header_of(heard, "Call-ID") + "\r\nCSeq: " + header_of(heard, "CSeq") +
            "\r\nContact: <sip:desk@198.18.2.2:5060>\r\nContent-Length: 0\r\n\r\n";
    say(kInside, flow_to(running_->rig, kInside), text);
  }

  void see_inside(const std::string& heard) {
    if (heard.starts_with("INVITE ")) {
      answer(heard, 180);
      answer(heard, 200);
    } else if (heard.starts_with("INFO ")) {
      answer(heard, 200);
    }
    if (heard.starts_with("SIP/2.0 ")) return;
    const int cseq = std::atoi(header_of(heard, "CSeq").c_str());
    cseqs_[header_of(heard, "Call-ID")].push_back(cseq);
  }
  void see_outside(const std::string& heard) {
    const std::string call_id = header_of(heard, "Call-ID");
    if (!heard.starts_with("SIP/2.0 ") || !call_id.starts_with("order-")) return;
    const bool is_info = header_of(heard, "CSeq").ends_with("INFO");
    std::vector<int>& codes = codes_[call_id];
    if (is_info) {
      EXPECT_EQ(status_of(heard), 200) << heard;
      ++infos_done_;
      return;
    }
    codes.push_back(status_of(heard));
    const int call = std::atoi(call_id.substr(6).c_str());
    if (codes.back() == 200 && answered_.emplace(call, heard).second) go_on(call, heard);
  }
  // Until each is answered and all its INFOs are.
  [[nodiscard]] bool place_calls(int first, int count) {
    for (int call = first; call < first + count; ++call) invite(call);
    return running_->run_until([&] { return infos_done_ == (first + count) * kInfos; },
                               [&](std::size_t port, const Bytes& frame) { see(port, frame); });
  }
  void see(std::size_t port, const Bytes& frame) {
    const std::string heard = datagram_of({frame}).payload;
    port == kInside ? see_inside(heard) : see_outside(heard);
  }

  std::optional<RunningRig> running_;
  std::vector<Flow> callers_;
  std::map<std::string, std::vector<int>> codes_;  // of responses to INVITE, by the caller's Call-ID
  std::map<std::string, std::vector<int>> cseqs_;  // of requests, by our Call-ID
  std::map<int, std::string> answered_;            // the 200 of each
  int infos_done_ = 0;
};

TEST_P(CallOrder, TheMessagesOfACallDoNotOvertakeEachOther) {
  constexpr int kRounds = 4, kCalls = 24;
  greet();
  for (int round = 0; round < kRounds; ++round) ASSERT_TRUE(place_calls(round * kCalls, kCalls));
  ASSERT_EQ(codes_.size(), std::size_t{kRounds * kCalls});
  for (auto& [call_id, codes] : codes_) {
    EXPECT_TRUE(std::is_sorted(codes.begin(), codes.end())) << call_id << testing::PrintToString(codes);
    EXPECT_EQ(std::set<int>(codes.begin(), codes.end()), (std::set<int>{100, 180, 200})) << call_id;
  }
  ASSERT_EQ(cseqs_.size(), std::size_t{kRounds * kCalls});
  for (auto& [call_id, cseqs] : cseqs_)
    EXPECT_TRUE(std::is_sorted(cseqs.begin(), cseqs.end())) << testing::PrintToString(cseqs);
}

// As at a restart: the threads may be fewer then.
TEST_P(CallOrder, SavedCallsGoOnWithAnotherNumberOfThreads) {
  constexpr int kCalls = 12;
  greet();
  ASSERT_TRUE(place_calls(0, kCalls));
  std::vector<sip::SipEngine::SavedCall> saved;
  for (std::size_t i = 0; i < running_->rig.shards.size(); ++i) {
    ASSERT_TRUE(running_->rig.commands[i]->run(
        [&](Timestamp now) {
          for (auto& call : running_->rig.shards[i]->save(now)) saved.push_back(std::move(call));
        },
        10s));
  }
  EXPECT_EQ(std::count_if(saved.begin(), saved.end(), [](const auto& call) { return call.is_call; }),
            std::ptrdiff_t{kCalls});
  running_.reset();
  constexpr std::uint32_t kShards = 3;
  LcoreRig rig(two_sides(1, kShards));
  rig.turn();
  for (const auto& call : saved)
    rig.shards[call.shard % kShards]->with_engine([&](sip::SipEngine& engine, sip::EngineOutput& out) {
      EXPECT_TRUE(engine.restore(rig.now, call.bytes, out));
    });
  for (const auto& [call, ok] : answered_) {
    Flow caller = flow_to(rig, kOutside);
    caller.source = caller_of(call).source;
    rig.arrive(kOutside, udp_frame(caller, in_dialog("BYE", call, 20, ok)));
    rig.turn();
    const auto inside = rig.sent(kInside);
    ASSERT_FALSE(inside.empty()) << call;
    EXPECT_TRUE(datagram_of({inside.front()}).payload.starts_with("BYE ")) << call;
  }
}

INSTANTIATE_TEST_SUITE_P(LcoresAndSignallingThreads, CallOrder,
                         testing::Values(std::pair{1U, 1U}, std::pair{2U, 4U}));

}  // namespace
}  // namespace sallyport::dataplane
