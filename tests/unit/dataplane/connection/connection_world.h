// connection_world.h — Connections over loopback sockets in this process, with a clock of the test's own,
// mailboxes of two shards, and the other side's sockets.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/connection/connections.h"

namespace sallyport::dataplane {

inline const IpAddress kLoopback = IpAddress::v4(0x7f000001), kOtherLoopback = IpAddress::v4(0x7f000002);
inline constexpr RealmIndex kOutside{0}, kInside{1};

// The other side of a connection: a plain socket that waits a few seconds at most.
class FarEnd {
 public:
  FarEnd() = default;
  explicit FarEnd(UniqueFd fd);
  [[nodiscard]] static FarEnd connected_to(const Endpoint& remote, const IpAddress& from = kLoopback);

  [[nodiscard]] bool is_connected() const noexcept { return static_cast<bool>(fd_); }
  [[nodiscard]] Endpoint own() const noexcept { return local_endpoint(fd_.get()); }
  void say(std::string_view octets) const;
  // What has come so far, without waiting.
  [[nodiscard]] std::string hear_now() const;
  [[nodiscard]] bool has_been_closed() const;  // by FIN or RST; drops what came before
  void say_no_more() const;
  void close() noexcept { fd_.reset(); }
  void reset() noexcept { close_with_reset(std::move(fd_)); }
  void take_little() const;  // has a small receive buffer from now on

 private:
  UniqueFd fd_;
};

class FarListener {
 public:
  explicit FarListener(const IpAddress& address = kLoopback);
  [[nodiscard]] Endpoint endpoint() const noexcept { return local_endpoint(fd_.get()); }
  // Nothing when nobody has connected.
  [[nodiscard]] std::optional<FarEnd> take() const;

 private:
  UniqueFd fd_;
};

struct PermitBook final : EgressPermits {
  std::vector<std::pair<Endpoint, Endpoint>> open;
  bool has_room = true;
  bool permit_tcp(PortIndex port, const Endpoint& local, const Endpoint& remote) override;
  void revoke_tcp(PortIndex port, const Endpoint& local, const Endpoint& remote) override;
};

// Two realms, "outside" (untrusted; TCP and TLS listeners) and "inside" (trusted; TCP); the peer "pbx" inside
// at 127.0.0.2, the peer "trunk" outside by TLS at "trunk.example".
[[nodiscard]] SbcConfig loopback_config();
inline constexpr ListenerIndex kOutsideTcp{0}, kOutsideTls{1}, kInsideTcp{2};
inline constexpr PeerIndex kPbx{0}, kTrunk{1};

class ConnectionWorld : public ::testing::Test {
 protected:
  static constexpr std::size_t kShards = 2;
  ConnectionWorld() : config(loopback_config()) {}
  ~ConnectionWorld() override;

  // After the test has changed `config` and `mailbox_capacity`.
  void start();
  // A reload has brought `config` as it is now.
  void adopt();
  // Turns until nothing is left to do at this moment.
  void turn();
  // Turns, waiting for the sockets in between, until it is so; fails the test after some seconds.
  template <class Condition>
  void turn_until(Condition&& is_so) {
    for (int i = 0; i < 200; ++i) {
      turn();
      if (is_so()) return;
      wait_for_sockets();
    }
    FAIL() << "it never came about";
  }
  void pass(Duration time) {
    now += time;
    turn();
  }
  [[nodiscard]] FarEnd call_in(ListenerIndex listener = kOutsideTcp, const IpAddress& from = kLoopback);
  // The same of one who has said something and reads; `way_back` leads to it.
  [[nodiscard]] FarEnd spoken(sip::Path& way_back, ListenerIndex listener = kInsideTcp,
                              const IpAddress& from = kOtherLoopback);
  // What has been opened to `listener`, waiting for it.
  [[nodiscard]] FarEnd taken(const FarListener& listener);
  // A connection that we opened and that works.
  [[nodiscard]] FarEnd opened(const FarListener& listener);
  // So many octets, waiting for them.
  [[nodiscard]] std::string heard(const FarEnd& far, std::size_t octets);
  void send(const sip::Path& path, std::string bytes, std::size_t shard = 0);
  // More than `far`, who reads little from now on, takes at once; what it was.
  std::string send_big(const sip::Path& path, const FarEnd& far);
  void order_close(std::uint64_t connection);
  void ask(std::uint64_t id);

  // What the shards got, in the order of arrival at each; taken out of the mailboxes.
  void collect();
  [[nodiscard]] std::vector<StreamMessage::Arrived> take_arrived();
  [[nodiscard]] std::vector<StreamMessage::Failed> take_failed();
  [[nodiscard]] std::uint64_t active(Transport transport, ConnectionDirection direction) const;
  [[nodiscard]] std::uint64_t closed(Ending why) const { return connections->counters().closed.value(why); }
  [[nodiscard]] std::uint64_t refused(Refusal why) const {
    return connections->counters().refused.value(why);
  }
  [[nodiscard]] sip::Path inside_path(const Endpoint& remote) const;

  SbcConfig config;
  std::size_t mailbox_capacity = 64;  // of each lane to a shard; known peers' has twice as much
  std::size_t unfinished_octets = 1'000'000;
  Timestamp now{1s};
  PermitBook permits;
  TlsContexts* tls = nullptr;
  TlsHandshakes* handshakes = nullptr;
  std::function<void(std::uint64_t, const sip::DnsQuery&)> asker;
  std::unique_ptr<policy::TargetBoard> targets;
  std::vector<std::unique_ptr<ConnectionInbox>> inboxes;
  std::vector<std::unique_ptr<Mailbox<ToConnections>>> orders;
  std::unique_ptr<Connections> connections;
  std::vector<StreamMessage::Arrived> arrived;
  std::vector<StreamMessage::Failed> failed;
  std::vector<StreamMessage::DnsAnswered> answered;

 private:
  void wait_for_sockets() const;
  SbcConfig first_config_;  // of start(): outlives the connections
};

// The way back to where it came from.
[[nodiscard]] sip::Path answer_path(const StreamMessage::Arrived& message);
[[nodiscard]] std::string options_request(std::string_view call_id, std::string_view body = "");

}  // namespace sallyport::dataplane
