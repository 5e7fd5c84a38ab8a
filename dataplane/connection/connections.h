// connections.h — all TCP and TLS connections of a node: RFC 3261 §18, RFC 5626 §4.4.1 (pings), RFC 5922
// (who a certificate speaks for), RFC 5923 (reuse). A part of the stream thread.
//
// Messages that arrive are cut out (sip::StreamFramer), judged as datagrams are by the guard, and handed to
// the shard of their call. Messages to send take an open connection or open one. Nothing here waits: a slow
// peer holds up nobody but itself, and everything it can make us keep is bounded (threats R8).
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/connection/connection.h"
#include "dataplane/connection/connection_counters.h"
#include "dataplane/connection/shard_posts.h"
#include "dataplane/connection/source_caps.h"
#include "dataplane/connection/stream_socket.h"
#include "dataplane/connection/ways.h"
#include "dataplane/stream/egress_permits.h"
#include "dataplane/stream/turn_taker.h"
#include "dataplane/tls/tls_contexts.h"
#include "dataplane/tls/tls_handshakes.h"
#include "policy/base/shared_value.h"
#include "policy/base/slot_map.h"
#include "policy/base/timer_wheel.h"
#include "policy/decide/block_table.h"
#include "policy/decide/source_classifier.h"
#include "policy/decide/source_limiter.h"
#include "policy/model/sbc_config.h"
#include "policy/route/target_board.h"

namespace sallyport::dataplane {

// That listens already.
struct ListeningSocket {
  PortIndex port = PortIndex::kNone;
  Endpoint local;  // as configured
  UniqueFd fd;
};

// What is pointed to outlives the connections.
struct ConnectionsSetup {
  std::vector<ConnectionShard> shards;
  std::unique_ptr<SocketMaker> sockets;
  SharedValue<policy::SourceClassifier> sources;
  const policy::TargetBoard* targets = nullptr;  // null: nobody has a name
  TlsContexts* tls = nullptr;                    // null: no TLS
  TlsHandshakes* handshakes = nullptr;
  EgressPermits* permits = nullptr;            // null: none are needed
  const policy::BlockTable* blocks = nullptr;  // null: nobody is blocked
  // Asks name servers; `tag` comes back by on_dns_reply(). Empty: no name is ever found.
  std::function<void(std::uint64_t tag, const sip::DnsQuery& query)> ask;
  HashKey table_key, token_key;
  std::size_t unfinished_octets = 64 * 1024 * 1024;  // of messages of all strangers together
};

class Connections final : public TurnTaker {
 public:
  static constexpr std::size_t kPeerQueueOctets = 1024 * 1024;  // of a known peer's
  static constexpr Duration kStopTime = 1s;                     // for what waits to leave at the end

  // Opens the listening sockets: the ports' addresses must be there. `config` lives until adopt().
  [[nodiscard]] static Result<std::unique_ptr<Connections>, NetError> create(const SbcConfig& config,
                                                                             ConnectionsSetup setup);
  ~Connections() override;

  [[nodiscard]] int fd() const noexcept override { return epoll_.get(); }
  bool run_once(Timestamp now) override;
  [[nodiscard]] bool has_mail() const noexcept override;
  [[nodiscard]] std::optional<Timestamp> next_deadline() const noexcept override;
  void begin_stop(Timestamp now) override;
  [[nodiscard]] bool has_stopped() const noexcept override;

  // Any thread: sockets for the listeners that `next` has and `today` has not.
  [[nodiscard]] Result<std::vector<ListeningSocket>, NetError> open_new(const SbcConfig& today,
                                                                        const SbcConfig& next) const;
  // The stream thread: from now on peers, limits, sources, realms and listeners are those of `next`; open
  // connections are judged anew, those of listeners that are gone as well as others. `opened`: by open_new().
  void adopt(Timestamp now, SharedValue<SbcConfig> next, SharedValue<policy::SourceClassifier> sources,
             std::vector<ListeningSocket> opened = {});
  // In a call of NameServers, on the stream thread.
  void on_dns_reply(std::uint64_t tag, const sip::DnsReply& reply);
  // Any thread.
  [[nodiscard]] const ConnectionCounters& counters() const noexcept { return counters_; }
  // The first address of a listener, with the port that Linux chose where none was configured.
  [[nodiscard]] std::optional<Endpoint> listening_at(ListenerIndex listener) const noexcept;
  // The stream thread: how many there are.
  [[nodiscard]] std::size_t size() const noexcept { return table_.size(); }

 private:
  static constexpr std::size_t kQueueOctets = 256 * 1024;  // output of a stranger's connection
  // While more than one part in so many of its queue is full a connection is not read; again from half of
  // that on.
  static constexpr std::size_t kUnreadShare = 2;
  static constexpr int kBacklog = 1024;
  static constexpr std::size_t kOrdersOfTurn = 64;   // of each shard
  static constexpr std::size_t kAcceptsOfTurn = 64;  // of each listener
  static constexpr std::size_t kStepsOfTurn = 64;    // of handshakes
  static constexpr std::size_t kTimersOfTurn = 256;
  static constexpr int kMessagesOfTurn = 16;              // of each connection, so that none starves the rest
  static constexpr int kReadsOfTurn = 8;                  // of each connection
  static constexpr std::size_t kHandshakeOctets = 65536;  // held while a session is away
  static constexpr std::size_t kUnfinishedModest = 8192;  // of one, who is left alone
  static constexpr Duration kRoomRetry = 2ms, kAcceptRetry = 1s, kTicketTime = 10min, kAcknowledgeTime = 1s,
                            kTransactionTime = 32s;            // RFC 3261 §17.1.1.2: 64*T1
  static constexpr std::uint32_t kStrangersShare = 8;          // one part in so many is kept for who is known
  static constexpr std::uint64_t kHandshakesTag = 0xffffffff;  // epoll; listeners are 0, 1, ...

  struct Listener {
    UniqueFd fd;  // not open: a place that is free
    ListenerIndex index;
    RealmIndex realm;
    PortIndex port;
    Transport transport;
    Endpoint configured;
    Endpoint local;                     // the same, with the port that Linux chose
    std::optional<Timestamp> again_at;  // Linux has no descriptors: not looked at until then
  };
  struct Realm {
    PortIndex port = PortIndex::kNone;
    std::uint8_t dscp = 0;
  };
  Connections(const SbcConfig& config, ConnectionsSetup setup);

  // connections.cpp: turns, the table, the end of a connection
  [[nodiscard]] Result<void, NetError> open_listeners();
  [[nodiscard]] Result<void, NetError> open_listener(Listener listener);
  [[nodiscard]] Result<void, NetError> take_listener(Listener listener);
  void read_realms();
  [[nodiscard]] bool take_orders();
  [[nodiscard]] bool serve_events();
  void on_event(std::uint64_t tag, std::uint32_t events);
  void run_timers();
  void on_timer(Connection& connection);
  void go_on_stopping();
  [[nodiscard]] Connection* find(std::uint64_t number) noexcept;
  [[nodiscard]] Connection* insert(UniqueFd fd);
  [[nodiscard]] bool watch(int fd, std::uint64_t tag, std::uint32_t events) noexcept;
  // What epoll and the timer wheel know of it.
  void update(Connection& connection) noexcept;
  // At once; the reference is good no more.
  void close(Connection& connection, Ending why);
  // When all that waits is out. False: it is closed already.
  bool finish(Connection& connection, Ending why);
  void linger(Connection& connection, Ending why);
  void leave_ways(const Connection& connection) noexcept;
  // Of a connection that has died: what may be lost goes once more, else its engine hears.
  void send_again(std::vector<QueuedMessage> lost);
  void look_after(Connection& connection);
  void look_at_those_unacknowledged();
  void report_connect_failure(const Connection& connection);

  // connections_accept.cpp
  void accept_from(Listener& listener);
  [[nodiscard]] std::optional<Refusal> judge(const Listener& listener, const Accepted& accepted,
                                             Connection& facts);
  void admit(Listener& listener, Accepted accepted);
  [[nodiscard]] static policy::BucketShape shape_of_handshakes(const TcpLimits& limits) noexcept {
    return policy::BucketShape::of_rate(limits.handshakes, 1s);
  }
  [[nodiscard]] PeerIndex peer_proved(RealmIndex realm, const std::vector<std::string>& names) const;

  // connections_adopt.cpp
  // Those of sources that have been blocked since the last time.
  void close_blocked();
  // Who has shaken hands is where he says he is.
  [[nodiscard]] bool is_blocked(const IpAddress& remote, TrustClass trust) const noexcept {
    return setup_.blocks != nullptr && setup_.blocks->find(remote, std::max(trust, TrustClass::Trusted),
                                                           now_) != policy::BlockTable::kNone;
  }
  void mark_again(const std::vector<Realm>& before) noexcept;
  void follow_listeners(std::vector<ListeningSocket>& opened);
  void keep_listener(Listener wanted, std::vector<ListeningSocket>& opened, std::vector<bool>& stays);
  void judge_again(Connection& connection, const SbcConfig& before);
  // Another class of source. Counts where such are counted, without regard to how many there may be.
  void become(Connection& connection, const policy::SourceClass& source);

  // connections_input.cpp
  void read(Connection& connection);
  enum class Step : std::uint8_t { Goes, Rests, Gone };
  [[nodiscard]] Step read_more(Connection& connection, int& reads);
  [[nodiscard]] Step take_frame(Connection& connection, const sip::StreamFramer::Frame& frame);
  [[nodiscard]] Step offer(Connection& connection, std::string_view bytes, bool is_framing_lost);
  [[nodiscard]] Step push_waiting(Connection& connection);
  // False: it is closed.
  [[nodiscard]] bool watch_progress(Connection& connection);
  void resume(Connection& connection);
  void resume_those_who_wait();
  [[nodiscard]] static std::size_t queue_bound(const Connection& connection) noexcept {
    return connection.trust == TrustClass::Known ? kPeerQueueOctets : kQueueOctets;
  }
  // So much waits to leave that nothing more should be read, or little again.
  void look_at_unread(Connection& connection);
  void read_again(Connection& connection);
  void on_end(Connection& connection, Ending why);
  void discard_input(Connection& connection);
  void make_ready(Connection& connection);
  void run_ready();

  // connections_handshake.cpp
  [[nodiscard]] bool take_handshakes();
  void begin_handshake(Connection& connection, std::unique_ptr<TlsSession> session);
  void submit(Connection& connection);
  void read_handshake(Connection& connection);
  void on_step(HandshakeStep& step);
  void on_secured(Connection& connection, std::string_view early_plain);
  void fail_handshake(Connection& connection, TlsResult why);
  [[nodiscard]] std::string name_of(const sip::Path& path) const;

  // connections_output.cpp
  void handle(std::size_t shard, StreamOrder& order);
  void send(std::size_t shard, StreamOrder::Send& order);
  void close_by_order(std::uint64_t number);
  // False: there is no way, and the message is still the caller's.
  [[nodiscard]] bool send_by_any(QueuedMessage& message);
  [[nodiscard]] Connection* find_way(const sip::Path& path) noexcept;
  [[nodiscard]] Connection* open_way(const sip::Path& path);
  void on_connected(Connection& connection);
  [[nodiscard]] bool put(Connection& connection, QueuedMessage& message);
  [[nodiscard]] TrustClass class_of(const sip::Path& path) const noexcept;
  void give_up(const QueuedMessage& message);
  void make_dirty(Connection& connection);
  void flush_dirty();
  // False: it is closed.
  bool flush(Connection& connection);

  SharedValue<SbcConfig> config_;
  ConnectionsSetup setup_;
  TcpLimits limits_;
  std::vector<Realm> realms_;
  std::vector<Listener> listeners_;
  UniqueFd epoll_;
  SlotMap<std::unique_ptr<Connection>> table_;
  std::vector<std::uint64_t> number_at_;  // by slot; 0: none
  TimerWheel wheel_;                      // by slot
  ShardPosts posts_;
  SourceCaps caps_;
  std::vector<std::uint32_t> of_peer_;  // opened to us by each peer
  policy::SourceLimiter limiter_;
  policy::SourceTable handshake_rates_;
  policy::BucketShape handshake_shape_;
  Ways ways_;
  ConnectionCounters counters_;
  std::deque<std::uint64_t> ready_, waiting_for_room_, in_line_;
  std::vector<std::uint64_t> dirty_;
  struct LookedAfter {
    std::uint64_t connection;
    Timestamp at;
  };
  std::deque<LookedAfter> unacknowledged_;  // the earliest first
  std::vector<std::uint8_t> scratch_;
  std::string plain_;
  Timestamp now_{};
  std::size_t unfinished_ = 0;  // octets, of strangers
  Timestamp tickets_at_{};
  std::optional<Timestamp> stop_at_;
  bool has_held_posts_ = false;
  std::uint64_t blocks_edition_ = 0;  // that all connections were held against
};

}  // namespace sallyport::dataplane
