// tls_handshakes_test.cpp — handshakes on threads of their own: every session comes back, or is freed.
#include "dataplane/tls/tls_handshakes.h"

#include <gtest/gtest.h>
#include <poll.h>

#include "tests/unit/dataplane/tls/tls_rig.h"

namespace sallyport::dataplane::test {
namespace {

struct Pair {
  std::unique_ptr<TlsSession> sides[2];  // null while it is away
  TlsState states[2] = {TlsState::Handshaking, TlsState::Handshaking};
  std::vector<std::uint8_t> for_side[2];  // off the wire
  bool was_asked[2] = {false, false};
};

class Exchange {
 public:
  Exchange(TlsRig& rig, TlsHandshakes& handshakes, std::size_t pairs)
      : handshakes_(handshakes), pairs_(pairs) {
    for (Pair& pair : pairs_) {
      pair.sides[0] = rig.contexts->connect_to(PeerIndex{0}, "sip.example.net");
      pair.sides[1] = rig.contexts->accept_on(ListenerIndex{0});
    }
  }
  // Sends off every session that has something to do; takes back what is done. Until all is done.
  void run() {
    while (submit_all()) {
      pollfd done{handshakes_.fd(), POLLIN, 0};
      ASSERT_EQ(::poll(&done, 1, 20'000), 1);
      while (auto step = handshakes_.take_done()) take_back(std::move(*step));
    }
  }
  [[nodiscard]] std::size_t open() const {
    std::size_t out = 0;
    for (const Pair& pair : pairs_)
      out += pair.states[0] == TlsState::Open && pair.states[1] == TlsState::Open ? 1 : 0;
    return out;
  }

 private:
  bool submit_all() {
    bool is_busy = false;
    for (std::size_t i = 0; i < pairs_.size(); ++i)
      for (std::size_t side = 0; side < 2; ++side) {
        Pair& pair = pairs_[i];
        const bool has_work = !pair.for_side[side].empty() || (side == 0 && !pair.was_asked[0]);
        if (!pair.sides[side]) is_busy = true;
        if (!pair.sides[side] || !has_work) continue;
        pair.was_asked[side] = true;
        is_busy = true;
        HandshakeStep step{i * 2 + side, std::move(pair.sides[side]), std::move(pair.for_side[side]), {}, {}};
        pair.for_side[side].clear();
        if (handshakes_.submit(step)) continue;
        pair.sides[side] = std::move(step.session);  // refused: later
        pair.for_side[side] = std::move(step.from_wire);
        pair.was_asked[side] = false;
      }
    return is_busy;
  }
  void take_back(HandshakeStep step) {
    Pair& pair = pairs_[step.connection / 2];
    const std::size_t side = step.connection % 2;
    pair.states[side] = step.state;
    const auto out = step.session->to_wire();
    pair.for_side[1 - side].insert(pair.for_side[1 - side].end(), out.begin(), out.end());
    step.session->written(out.size());
    pair.sides[side] = std::move(step.session);
  }

  TlsHandshakes& handshakes_;
  std::vector<Pair> pairs_;
};

TEST(TlsHandshakes, TwoThreadsGiveEverySessionBack) {
  TlsRig rig;
  ASSERT_EQ(rig.load(), "");
  const auto handshakes = TlsHandshakes::start(2, 16);
  ASSERT_TRUE(handshakes);
  Exchange exchange(rig, *handshakes, 20);
  exchange.run();
  EXPECT_EQ(exchange.open(), 20u);
  EXPECT_EQ(handshakes->waiting(), 0u);
}

TEST(TlsHandshakes, ThreadsAndRefreshMeetInTheContexts) {
  TlsRig rig;
  ASSERT_EQ(rig.load(), "");
  const auto handshakes = TlsHandshakes::start(2, 64);
  Exchange exchange(rig, *handshakes, 8);
  rig.put_pair("server", TestCertificate::make({.alternative_names = "DNS:sip.example.net"}, &rig.authority));
  EXPECT_EQ(rig.contexts->refresh().size(), 1u);
  rig.contexts->rotate_tickets(Timestamp(std::chrono::hours(5)));
  exchange.run();
  EXPECT_EQ(exchange.open(), 8u);
}

TEST(TlsHandshakes, FullQueueRefusesAndTheStepStaysTheCallers) {
  TlsRig rig;
  ASSERT_EQ(rig.load(), "");
  const auto handshakes = TlsHandshakes::start(0, 2);  // no thread: all that comes waits
  for (std::uint64_t i = 0; i < 3; ++i) {
    HandshakeStep step{i, rig.contexts->accept_on(ListenerIndex{0}), {1, 2, 3}, {}, {}};
    EXPECT_EQ(handshakes->submit(step), i < 2);
    EXPECT_EQ(step.session != nullptr, i == 2);
    EXPECT_EQ(step.from_wire.empty(), i < 2);
  }
  EXPECT_EQ(handshakes->waiting(), 2u);
  EXPECT_FALSE(handshakes->take_done().has_value());
}  // those that wait are freed with it

}  // namespace
}  // namespace sallyport::dataplane::test
