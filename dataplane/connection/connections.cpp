// connections.cpp — turns of the connections, their table, and how one ends.
#include "dataplane/connection/connections.h"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "dataplane/packet/listener_table.h"
#include "sipalg/engine/sip_engine.h"

namespace sallyport::dataplane {
namespace {

constexpr std::uint32_t kSourcesMax = 65536;  // buckets of strangers; the lcores have tables of their own

PortIndex port_named(const SbcConfig& config, const std::string& name) {
  for (std::size_t i = 0; i < config.ports.size(); ++i)
    if (config.ports[i].name == name) return static_cast<PortIndex>(i);
  return PortIndex::kNone;
}

NetError cannot_listen(const std::string& realm, const Endpoint& local, Transport transport) {
  return net_error("realm " + realm + ": cannot listen on " + to_string(local) + " (" +
                       std::string(to_string(transport)) + ")",
                   errno);
}

}  // namespace

Result<std::vector<ListeningSocket>, NetError> Connections::open_new(const SbcConfig& today,
                                                                     const SbcConfig& next) const {
  std::vector<ListeningSocket> opened;
  for (const PortConfig& port : next.ports) {
    const std::vector<Endpoint> known = stream_listeners(today, port);
    for (const RealmConfig& realm : next.realms) {
      if (realm.port != port.name) continue;
      for (const ListenerConfig& listener : realm.listen) {
        if (!is_stream(listener.transport) || listener.is_former) continue;
        for (const IpAddress& address : addresses_of(listener, port)) {
          const Endpoint local{address, listener.port};
          if (std::ranges::find(known, local) != known.end()) continue;
          ListeningSocket& one = opened.emplace_back();
          one.port = static_cast<PortIndex>(&port - next.ports.data());
          one.local = local;
          one.fd = setup_.sockets->make(one.port, address.is_v4());
          if (!one.fd || !listen_at(one.fd.get(), local, kBacklog))
            return fail(cannot_listen(realm.name, local, listener.transport));
        }
      }
    }
  }
  return opened;
}

Result<std::unique_ptr<Connections>, NetError> Connections::create(const SbcConfig& config,
                                                                   ConnectionsSetup setup) {
  auto made = std::unique_ptr<Connections>(new Connections(config, std::move(setup)));
  if (!made->epoll_) return fail(net_error("cannot use epoll", errno));
  if (made->setup_.handshakes != nullptr &&
      !made->watch(made->setup_.handshakes->fd(), kHandshakesTag, EPOLLIN))
    return fail(net_error("cannot use epoll", errno));
  if (auto opened = made->open_listeners(); !opened) return fail(std::move(opened.error()));
  return made;
}

Connections::Connections(const SbcConfig& config, ConnectionsSetup setup)
    : config_(SharedValue<SbcConfig>(), &config),  // not owned
      setup_(std::move(setup)),
      limits_(config.security.limits.tcp),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      table_(config.dataplane.capacity.connections),
      number_at_(config.dataplane.capacity.connections),
      wheel_(config.dataplane.capacity.connections),
      posts_(setup_.shards),
      caps_(setup_.table_key),
      of_peer_(peer_places(config)),
      limiter_({config.security.limits, std::min(config.dataplane.capacity.sources, kSourcesMax), 1, nullptr},
               setup_.table_key),
      handshake_rates_(std::min(config.dataplane.capacity.sources, kSourcesMax), setup_.table_key),
      handshake_shape_(shape_of_handshakes(limits_)),
      ways_(setup_.table_key),
      counters_(realm_places(config)),
      scratch_(StreamWire::kPieceBytes) {
  read_realms();
}

void Connections::read_realms() {
  realms_.clear();
  for (const RealmConfig& realm : config_->realms)
    realms_.push_back({port_named(*config_, realm.port), realm.signalling_dscp.value});
}

Connections::~Connections() {
  for (const std::uint64_t number : number_at_)
    if (Connection* connection = find(number)) close(*connection, Ending::Stopping);
}

Result<void, NetError> Connections::open_listeners() {
  std::size_t index = 0;
  for (std::size_t realm = 0; realm < config_->realms.size(); ++realm)
    for (const ListenerConfig& listener : config_->realms[realm].listen) {
      const auto number = static_cast<ListenerIndex>(index++);
      if (!is_stream(listener.transport) || listener.is_former || realms_[realm].port == PortIndex::kNone)
        continue;
      const PortConfig& port = config_->ports[to_position(realms_[realm].port)];
      for (const IpAddress& address : addresses_of(listener, port)) {
        const Endpoint local{address, listener.port};
        Listener one{{},    number, RealmIndex(realm), realms_[realm].port, listener.transport, local,
                     local, {}};
        if (auto opened = open_listener(std::move(one)); !opened) return opened;
      }
    }
  return {};
}

Result<void, NetError> Connections::open_listener(Listener listener) {
  listener.fd = setup_.sockets->make(listener.port, listener.local.address.is_v4());
  if (!listener.fd || !listen_at(listener.fd.get(), listener.local, kBacklog))
    return fail(
        cannot_listen(config_->realms[to_position(listener.realm)].name, listener.local, listener.transport));
  return take_listener(std::move(listener));
}

Result<void, NetError> Connections::take_listener(Listener listener) {
  listener.local = local_endpoint(listener.fd.get());
  auto place = std::ranges::find_if(listeners_, [](const Listener& one) { return !one.fd; });
  if (!watch(listener.fd.get(), static_cast<std::uint64_t>(place - listeners_.begin()), EPOLLIN))
    return fail(net_error("cannot use epoll", errno));
  if (place == listeners_.end())
    listeners_.push_back(std::move(listener));
  else
    *place = std::move(listener);
  return {};
}

std::optional<Endpoint> Connections::listening_at(ListenerIndex listener) const noexcept {
  for (const Listener& one : listeners_)
    if (one.index == listener) return one.local;
  return std::nullopt;
}

bool Connections::watch(int descriptor, std::uint64_t tag, std::uint32_t events) noexcept {
  epoll_event event{};
  event.events = events;
  event.data.u64 = tag;
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &event) == 0;
}

bool Connections::run_once(Timestamp now) {
  now_ = std::max(now_, now);
  close_blocked();
  has_held_posts_ = posts_.flush();
  bool has_more = take_orders();
  has_more |= take_handshakes();
  resume_those_who_wait();
  has_more |= serve_events();
  run_ready();
  run_timers();
  look_at_those_unacknowledged();
  flush_dirty();
  if (stop_at_) go_on_stopping();
  has_held_posts_ = posts_.flush();
  posts_.ring_bells();
  limiter_.on_idle(now_);
  if (setup_.tls != nullptr && now_ >= tickets_at_) {
    setup_.tls->rotate_tickets(now_);
    tickets_at_ = now_ + kTicketTime;
  }
  return has_more || !ready_.empty() || !dirty_.empty();
}

bool Connections::take_orders() {
  bool has_more = false;
  for (std::size_t shard = 0; shard < setup_.shards.size(); ++shard) {
    ToConnections mail;
    std::size_t taken = 0;
    for (; taken < kOrdersOfTurn && setup_.shards[shard].orders->receive(mail); ++taken) {
      const std::unique_ptr<StreamOrder> order(mail.order);
      handle(shard, *order);
    }
    has_more |= taken == kOrdersOfTurn;
  }
  return has_more;
}

bool Connections::serve_events() {
  std::array<epoll_event, 128> events;
  const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), 0);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    on_event(event.data.u64, event.events);
  }
  return count == static_cast<int>(events.size());
}

void Connections::on_event(std::uint64_t tag, std::uint32_t events) {
  if (tag < listeners_.size()) return accept_from(listeners_[tag]);
  Connection* connection = find(tag);
  if (connection == nullptr) return;  // the handshakes' own, or closed in this very turn
  if (connection->state == ConnectionState::Connecting) return on_connected(*connection);
  if ((events & EPOLLOUT) != 0 && connection->state != ConnectionState::Lingering && !flush(*connection))
    return;
  constexpr std::uint32_t kBroken = EPOLLERR | EPOLLHUP;
  if (connection->state == ConnectionState::Lingering) {
    if ((events & (EPOLLIN | kBroken)) != 0) discard_input(*connection);
  } else if (connection->state == ConnectionState::Handshaking) {
    if ((events & (EPOLLIN | kBroken)) != 0) read_handshake(*connection);
  } else if (connection->state == ConnectionState::Open && connection->pause == Pause::None) {
    if ((events & (EPOLLIN | kBroken)) != 0) read(*connection);
  } else if ((events & kBroken) != 0) {
    connection->is_broken = true;
    close(*connection, connection->state == ConnectionState::HalfClosed || connection->pause == Pause::Lost
                           ? connection->ending
                           : Ending::Reset);
  }
}

void Connections::run_timers() {
  for (Listener& listener : listeners_) {
    if (!listener.again_at || now_ < *listener.again_at) continue;
    listener.again_at.reset();
    static_cast<void>(
        watch(listener.fd.get(), static_cast<std::uint64_t>(&listener - listeners_.data()), EPOLLIN));
  }
  for (std::size_t done = 0; done < kTimersOfTurn; ++done) {
    const auto slot = wheel_.pop_due(now_);
    if (!slot) return;
    if (Connection* connection = find(number_at_[*slot])) on_timer(*connection);
  }
}

void Connections::on_timer(Connection& connection) {
  if (connection.retry_at && *connection.retry_at <= now_) {
    connection.retry_at.reset();
    if (connection.pause == Pause::Unread) {
      read_again(connection);
      return update(connection);
    }
    if (connection.pause == Pause::Rate) {
      if (++connection.rate_retries > Connection::kRateRetriesMax) return close(connection, Ending::Rate);
      return resume(connection);
    }
  }
  const auto deadline = connection.deadline(limits_);
  if (!deadline || now_ < deadline->at) return update(connection);
  if (connection.state == ConnectionState::Handshaking) return fail_handshake(connection, TlsResult::Timeout);
  if (connection.state == ConnectionState::Connecting) report_connect_failure(connection);
  close(connection, deadline->ending);
}

bool Connections::has_mail() const noexcept {
  return std::any_of(setup_.shards.begin(), setup_.shards.end(),
                     [](const ConnectionShard& shard) { return !shard.orders->empty(); });
}

std::optional<Timestamp> Connections::next_deadline() const noexcept {
  std::optional<Timestamp> earliest = wheel_.next_deadline();
  const auto consider = [&](Timestamp at) { earliest = std::min(earliest.value_or(at), at); };
  if (has_held_posts_ || !waiting_for_room_.empty() || !in_line_.empty()) consider(now_ + kRoomRetry);
  for (const Listener& listener : listeners_)
    if (listener.again_at) consider(*listener.again_at);
  if (!unacknowledged_.empty()) consider(unacknowledged_.front().at);
  if (stop_at_) consider(now_ + kRoomRetry);
  return earliest;
}

void Connections::begin_stop(Timestamp now) {
  if (stop_at_) return;
  now_ = std::max(now_, now);
  stop_at_ = now_ + kStopTime;
  listeners_.clear();
}

bool Connections::has_stopped() const noexcept { return stop_at_ && table_.size() == 0 && !has_mail(); }

// What was said still leaves; what nobody takes in time does not.
void Connections::go_on_stopping() {
  if (has_mail()) return;
  for (const std::uint64_t number : number_at_) {
    Connection* connection = find(number);
    if (connection == nullptr) continue;
    if (now_ >= *stop_at_ || !connection->wire.has_output()) close(*connection, Ending::Stopping);
  }
}

Connection* Connections::find(std::uint64_t number) noexcept {
  const Handle<std::unique_ptr<Connection>> handle{static_cast<std::uint32_t>(number),
                                                   static_cast<std::uint32_t>(number >> 32)};
  std::unique_ptr<Connection>* found = table_.find(handle);
  return found == nullptr ? nullptr : found->get();
}

Connection* Connections::insert(UniqueFd fd) {
  const auto handle = table_.insert(std::make_unique<Connection>(std::move(fd)));
  if (!handle) return nullptr;
  Connection& connection = **table_.find(*handle);
  connection.number = std::uint64_t{handle->generation} << 32 | handle->index;
  number_at_[handle->index] = connection.number;
  if (watch(connection.wire.fd(), connection.number, 0)) return &connection;
  number_at_[handle->index] = 0;
  table_.erase(*handle);
  return nullptr;
}

void Connections::update(Connection& connection) noexcept {
  const auto slot = static_cast<TimerWheel::TimerId>(connection.number);
  std::optional<Timestamp> at = connection.retry_at;
  if (const auto deadline = connection.deadline(limits_))
    at = std::min(at.value_or(deadline->at), deadline->at);
  if (at)
    wheel_.arm(slot, *at);
  else
    wheel_.disarm(slot);

  std::uint32_t interest = 0;
  const bool is_open = connection.state == ConnectionState::Open;
  const bool may_read = (is_open && connection.pause == Pause::None) ||
                        (connection.state == ConnectionState::Lingering && !connection.has_ended) ||
                        (connection.state == ConnectionState::Handshaking && !connection.has_ended &&
                         connection.held_from_wire.size() < kHandshakeOctets);
  if (may_read) interest |= EPOLLIN;
  const bool has_output =
      connection.state == ConnectionState::Handshaking
          ? connection.wire.tls() != nullptr && !connection.wire.tls()->to_wire().empty()
          : connection.state != ConnectionState::Lingering && connection.wire.has_output();
  if (connection.state == ConnectionState::Connecting || has_output) interest |= EPOLLOUT;
  if (interest == connection.interest) return;
  connection.interest = interest;
  epoll_event event{};
  event.events = interest;
  event.data.u64 = connection.number;
  static_cast<void>(::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, connection.wire.fd(), &event));
}

void Connections::close(Connection& connection, Ending why) {
  counters_.closed.add(why);
  Counter& active =
      counters_.active[way_of(connection.transport)][static_cast<std::size_t>(connection.direction)];
  active.set(active.value() - 1);
  const bool has_died = connection.has_died(why);
  std::vector<QueuedMessage> lost;
  if (has_died || why == Ending::NotReading) lost = connection.wire.take_unacknowledged();
  if (connection.state == ConnectionState::Open || connection.state == ConnectionState::HalfClosed)
    connection.wire.end_output();
  leave_ways(connection);
  if (connection.counts_at_source) caps_.give_back(connection.port, connection.remote.address);
  if (connection.counts_at_peer) --of_peer_[to_position(connection.peer)];
  if (connection.direction == ConnectionDirection::Out && setup_.permits != nullptr)
    setup_.permits->revoke_tcp(connection.port, connection.socket_local, connection.remote);
  unfinished_ -= connection.unfinished;
  for (QueuedMessage& message : connection.wire.queue().take_all()) lost.push_back(std::move(message));
  const Handle<std::unique_ptr<Connection>> handle{static_cast<std::uint32_t>(connection.number),
                                                   static_cast<std::uint32_t>(connection.number >> 32)};
  wheel_.disarm(handle.index);
  number_at_[handle.index] = 0;
  table_.erase(handle);
  if (has_died) return send_again(std::move(lost));
  for (const QueuedMessage& message : lost) give_up(message);
}

bool Connections::finish(Connection& connection, Ending why) {
  connection.pause = Pause::Lost;
  connection.lost_at = now_;
  connection.ending = why;
  connection.ends_when_flushed = true;
  leave_ways(connection);
  if (connection.state != ConnectionState::Open && connection.state != ConnectionState::HalfClosed) {
    close(connection, why);
    return false;
  }
  return flush(connection);
}

void Connections::linger(Connection& connection, Ending why) {
  leave_ways(connection);
  connection.wire.end_output();
  connection.ending = why;
  connection.go_to(ConnectionState::Lingering, now_);
  update(connection);
}

void Connections::leave_ways(const Connection& connection) noexcept {
  if (connection.direction == ConnectionDirection::Out) {
    const bool is_tls = connection.transport == Transport::Tls;
    ways_.remove({connection.realm, connection.transport, is_tls ? connection.peer : PeerIndex::kNone,
                  connection.local, connection.remote},
                 connection.number);
  } else if (connection.is_proved) {
    ways_.remove(Way::of_proved(connection.realm, connection.peer, connection.remote.address),
                 connection.number);
  }
}

}  // namespace sallyport::dataplane
