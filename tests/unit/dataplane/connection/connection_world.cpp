// connection_world.cpp — sockets of the other side, mailboxes of the shards.
#include "tests/unit/dataplane/connection/connection_world.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

namespace sallyport::dataplane {
namespace {

class PlainSockets final : public SocketMaker {
 public:
  UniqueFd make(PortIndex, bool is_v4) override {
    return UniqueFd(::socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  }
};

PortConfig port(const char* name) {
  PortConfig made;
  made.name = name;
  made.addresses = {{kLoopback, 8}};
  return made;
}

ListenerConfig listener(Transport transport) {
  ListenerConfig made;
  made.transport = transport;
  made.port = 0;
  made.addresses = {kLoopback};
  return made;
}

bool is_readable(int fd, int milliseconds) {
  pollfd one{fd, POLLIN, 0};
  return ::poll(&one, 1, milliseconds) == 1;
}

}  // namespace

FarEnd::FarEnd(UniqueFd fd) : fd_(std::move(fd)) {
  const timeval patience{5, 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

FarEnd FarEnd::connected_to(const Endpoint& remote, const IpAddress& from) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!bind_to(fd.get(), {from, 0}) || begin_connect(fd.get(), remote) != 0) return {};
  return FarEnd(std::move(fd));
}

void FarEnd::say(std::string_view octets) const {
  ASSERT_EQ(::send(fd_.get(), octets.data(), octets.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(octets.size()));
}

std::string FarEnd::hear_now() const {
  std::string heard;
  std::array<char, 65536> piece;
  for (ssize_t got; (got = ::recv(fd_.get(), piece.data(), piece.size(), MSG_DONTWAIT)) > 0;)
    heard.append(piece.data(), static_cast<std::size_t>(got));
  return heard;
}

bool FarEnd::has_been_closed() const {
  std::array<char, 65536> piece;
  while (true) {
    const ssize_t got = ::recv(fd_.get(), piece.data(), piece.size(), MSG_DONTWAIT);
    if (got == 0) return true;
    if (got < 0) return errno != EAGAIN;
  }
}

void FarEnd::say_no_more() const { ::shutdown(fd_.get(), SHUT_WR); }

void FarEnd::take_little() const {
  const int size = 4096;
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
}

FarListener::FarListener(const IpAddress& address)
    : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
  EXPECT_TRUE(listen_at(fd_.get(), {address, 0}, 64));
}

std::optional<FarEnd> FarListener::take() const {
  auto one = accept_one(fd_.get());
  if (!one) return std::nullopt;
  return FarEnd(std::move(one->fd));
}

bool PermitBook::permit_tcp(PortIndex, const Endpoint& local, const Endpoint& remote) {
  if (has_room) open.emplace_back(local, remote);
  return has_room;
}

void PermitBook::revoke_tcp(PortIndex, const Endpoint& local, const Endpoint& remote) {
  std::erase(open, std::pair(local, remote));
}

SbcConfig loopback_config() {
  SbcConfig config;
  config.dataplane.capacity.connections = 64;
  config.dataplane.capacity.sources = 1024;
  config.ports = {port("outside"), port("inside")};
  RealmConfig& outside = config.realms.emplace_back();
  outside.name = outside.port = "outside";
  outside.listen = {listener(Transport::Tcp), listener(Transport::Tls)};
  RealmConfig& inside = config.realms.emplace_back();
  inside.name = inside.port = "inside";
  inside.trust = RealmTrust::Trusted;
  inside.listen = {listener(Transport::Tcp)};
  PeerConfig& pbx = config.peers.emplace_back();
  pbx.name = "pbx";
  pbx.realm = "inside";
  pbx.transport = Transport::Tcp;
  pbx.targets.emplace_back().address = Endpoint{kOtherLoopback, 5060};
  PeerConfig& trunk = config.peers.emplace_back();
  trunk.name = "trunk";
  trunk.realm = "outside";
  trunk.transport = Transport::Tls;
  trunk.targets.emplace_back().domain = "Trunk.Example";
  return config;
}

ConnectionWorld::~ConnectionWorld() {
  connections.reset();
  if (!inboxes.empty()) collect();
  for (const auto& mailbox : orders)
    for (ToConnections mail; mailbox->receive(mail);) delete mail.order;
}

void ConnectionWorld::start() {
  config.peer_places = std::max<std::size_t>(config.peer_places, 8);
  targets = std::make_unique<policy::TargetBoard>(config);
  ConnectionsSetup setup;
  for (std::size_t i = 0; i < kShards; ++i) {
    inboxes.push_back(std::make_unique<ConnectionInbox>(4 * mailbox_capacity));
    orders.push_back(std::make_unique<Mailbox<ToConnections>>(1024));
    setup.shards.push_back({inboxes[i].get(), orders[i].get(), nullptr});
  }
  setup.sockets = std::make_unique<PlainSockets>();
  setup.sources = make_value<policy::SourceClassifier>(config);
  setup.targets = targets.get();
  setup.permits = &permits;
  setup.tls = tls;
  setup.handshakes = handshakes;
  setup.ask = asker;
  setup.unfinished_octets = unfinished_octets;
  setup.table_key = {1, 2};
  setup.token_key = {3, 4};
  first_config_ = config;
  auto made = Connections::create(first_config_, std::move(setup));
  ASSERT_TRUE(made) << made.error().message;
  connections = std::move(*made);
}

void ConnectionWorld::adopt() {
  targets->adopt(config);
  connections->adopt(now, make_value<SbcConfig>(config), make_value<policy::SourceClassifier>(config));
  turn();
}

void ConnectionWorld::turn() {
  for (int i = 0; i < 1000; ++i)
    if (!connections->run_once(now) && !connections->has_mail() && !is_readable(connections->fd(), 0)) return;
  FAIL() << "the turns never end";
}

void ConnectionWorld::wait_for_sockets() const { static_cast<void>(is_readable(connections->fd(), 10)); }

FarEnd ConnectionWorld::call_in(ListenerIndex listener, const IpAddress& from) {
  const std::uint64_t before = connections->size();
  FarEnd far = FarEnd::connected_to(*connections->listening_at(listener), from);
  EXPECT_TRUE(far.is_connected());
  turn_until([&] { return connections->size() > before || far.has_been_closed(); });
  return far;
}

FarEnd ConnectionWorld::spoken(sip::Path& way_back, ListenerIndex listener, const IpAddress& from) {
  FarEnd far = call_in(listener, from);
  far.say(options_request("one"));
  std::vector<StreamMessage::Arrived> messages;
  turn_until([&] { return !(messages = take_arrived()).empty(); });
  EXPECT_EQ(messages.size(), 1U);
  if (!messages.empty()) way_back = answer_path(messages[0]);
  return far;
}

FarEnd ConnectionWorld::taken(const FarListener& listener) {
  std::optional<FarEnd> far;
  turn_until([&] { return (far = listener.take()).has_value(); });
  return far ? std::move(*far) : FarEnd{};
}

FarEnd ConnectionWorld::opened(const FarListener& listener) {
  send(inside_path(listener.endpoint()), "first");
  FarEnd far = taken(listener);
  EXPECT_EQ(heard(far, 5), "first");
  return far;
}

std::string ConnectionWorld::heard(const FarEnd& far, std::size_t octets) {
  std::string all;
  turn_until([&] { return (all += far.hear_now()).size() >= octets; });
  return all;
}

std::string ConnectionWorld::send_big(const sip::Path& path, const FarEnd& far) {
  far.take_little();
  const std::string big(60000, 'x');
  send(path, big);
  turn();
  return big;
}

void ConnectionWorld::send(const sip::Path& path, std::string bytes, std::size_t shard) {
  auto order = std::make_unique<StreamOrder>();
  order->shard = shard;
  order->what = StreamOrder::Send{path, std::move(bytes)};
  ASSERT_TRUE(orders[shard]->send({order.release()}));
}

void ConnectionWorld::order_close(std::uint64_t connection) {
  auto order = std::make_unique<StreamOrder>();
  order->what = StreamOrder::Close{connection};
  ASSERT_TRUE(orders[0]->send({order.release()}));
}

void ConnectionWorld::ask(std::uint64_t id) {
  auto order = std::make_unique<StreamOrder>();
  order->what = StreamOrder::Ask{{id, sip::DnsType::A, "example.net"}};
  ASSERT_TRUE(orders[0]->send({order.release()}));
}

void ConnectionWorld::collect() {
  for (const auto& mailbox : inboxes)
    for (FromConnections mail; mailbox->receive(mail);) {
      const std::unique_ptr<StreamMessage> message(mail.message);
      if (auto* one = std::get_if<StreamMessage::Arrived>(&message->what)) arrived.push_back(std::move(*one));
      if (auto* one = std::get_if<StreamMessage::Failed>(&message->what)) failed.push_back(*one);
      if (auto* one = std::get_if<StreamMessage::DnsAnswered>(&message->what))
        answered.push_back(std::move(*one));
    }
}

std::vector<StreamMessage::Arrived> ConnectionWorld::take_arrived() {
  collect();
  return std::exchange(arrived, {});
}

std::vector<StreamMessage::Failed> ConnectionWorld::take_failed() {
  collect();
  return std::exchange(failed, {});
}

std::uint64_t ConnectionWorld::active(Transport transport, ConnectionDirection direction) const {
  return connections->counters().active[way_of(transport)][static_cast<std::size_t>(direction)].value();
}

sip::Path ConnectionWorld::inside_path(const Endpoint& remote) const {
  sip::Path path;
  path.realm = kInside;
  path.local = *connections->listening_at(kInsideTcp);
  path.remote = remote;
  path.transport = Transport::Tcp;
  return path;
}

sip::Path answer_path(const StreamMessage::Arrived& message) {
  sip::Path path;
  path.realm = message.input.realm;
  path.local = message.input.local;
  path.remote = message.input.remote;
  path.transport = message.input.transport;
  path.peer = message.input.peer;
  path.connection = message.input.connection;
  return path;
}

std::string options_request(std::string_view call_id, std::string_view body) {
  std::string text = "OPTIONS sip:a@example.net SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK1\r\n";
  text.append("Call-ID: ").append(call_id).append("\r\n");
  text.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n\r\n").append(body);
  return text;
}

}  // namespace sallyport::dataplane
