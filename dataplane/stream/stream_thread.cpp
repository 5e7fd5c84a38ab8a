// stream_thread.cpp — the loop of the stream thread.
#include "dataplane/stream/stream_thread.h"

#include <poll.h>
#include <pthread.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "dataplane/dpdk/clock.h"
#include "dataplane/stream/outboxes.h"
#include "dataplane/stream/tap_port.h"
#include "policy/base/check.h"
#include "policy/base/counters.h"

namespace sallyport::dataplane {
namespace {

constexpr int kMessagesMax = 64;              // of one lcore in one turn
constexpr std::size_t kFrameBytesMax = 9216;  // MTU 9000 and headers
constexpr Duration kDebtRetry = 10ms;
constexpr Duration kDrainRetry = 1ms;
// Tags of epoll; a port's are 2i (tap) and 2i + 1 (netlink).
constexpr std::uint64_t kBell = 0xffffffff, kTurnTaker = 0xfffffffe;

class StreamLoop final : public StreamThread {
 public:
  explicit StreamLoop(const StreamSetup& setup)
      : pool_(setup.pool),
        key_(setup.key),
        flows_(setup.flows, setup.tcp_idle),
        lcores_(setup.lcores),
        outboxes_(setup.lcores, setup.ports.size()),
        frame_(kFrameBytesMax),
        epoll_(::epoll_create1(EPOLL_CLOEXEC)) {}
  ~StreamLoop() override { stop(); }

  [[nodiscard]] Result<void, NetError> prepare(StreamSetup& setup);
  void launch() {
    thread_ = std::thread([this] { run(); });
  }

  void stop() override;
  bool adopt(StreamChange change, Duration timeout) override;
  void begin_drain() noexcept override {
    is_draining_.store(true, std::memory_order_release);
    bell_.ring_always();
  }
  bool is_drained() const noexcept override { return is_drained_.load(std::memory_order_acquire); }
  Doorbell& doorbell() noexcept override { return bell_; }
  std::uint64_t rouse() noexcept override {
    const std::uint64_t turns = turns_.value();
    bell_.ring_always();
    return turns;
  }
  EgressPermits& permits() noexcept override { return flows_; }
  const PortCounters& counters(PortIndex port) const noexcept override {
    return *counters_[to_position(port)];
  }
  std::string network_namespace(PortIndex port) const override { return names_[to_position(port)]; }

 private:
  [[nodiscard]] bool watch(int fd, std::uint64_t tag) noexcept;
  [[nodiscard]] Result<void, NetError> make_turn_takers(const StreamSetup& setup);
  void run() noexcept;
  void take_change(Timestamp now);
  // True when some of them has more to do.
  [[nodiscard]] bool run_turn_takers(Timestamp now) noexcept;
  [[nodiscard]] bool have_turn_takers_mail() const noexcept;
  // One turn's share of what lcores sent. True when some may be left.
  [[nodiscard]] bool drain_inboxes(Timestamp now) noexcept;
  void handle(Timestamp now, std::size_t lcore, const ToStream& message) noexcept;
  [[nodiscard]] bool inboxes_are_empty() const noexcept;
  [[nodiscard]] int patience_ms(Timestamp now, bool owes) const noexcept;
  // How many events there were.
  int wait(int milliseconds) noexcept;

  rte_mempool* pool_;
  HashKey key_;
  FlowKeeper flows_;
  std::vector<StreamLcore> lcores_;
  Outboxes outboxes_;
  std::vector<std::uint8_t> frame_;
  UniqueFd epoll_;
  Doorbell bell_;
  std::vector<std::unique_ptr<PortCounters>> counters_;  // outlive the ports, for a last look
  std::vector<std::string> names_;
  std::vector<std::unique_ptr<TapPort>> ports_;
  std::vector<TurnTaker*> turn_takers_;
  std::mutex change_mutex_;  // between adopt() and the thread
  std::optional<StreamChange> change_;
  std::uint64_t changes_given_ = 0;
  std::atomic<bool> has_change_{false};
  std::atomic<std::uint64_t> changes_taken_{0};
  Counter turns_;
  std::atomic<bool> is_stopping_{false}, is_draining_{false}, is_drained_{false};
  std::thread thread_;
};

Result<void, NetError> StreamLoop::prepare(StreamSetup& setup) {
  std::vector<StreamPort>& ports = setup.ports;
  if (!epoll_ || !bell_.is_open() || !watch(bell_.fd(), kBell))
    return fail(net_error("cannot use epoll", errno));
  const TapPort::Shared shared{outboxes_, pool_, frame_, lcores_.size(), key_, flows_};
  for (std::size_t i = 0; i < ports.size(); ++i) {
    names_.push_back(ports[i].network_namespace.name());
    counters_.push_back(std::make_unique<PortCounters>());
    flows_.add_port(ports[i].services, ports[i].listeners);
    auto port = TapPort::create(static_cast<PortIndex>(i), std::move(ports[i]), shared, *counters_.back());
    if (!port) return fail(std::move(port.error()));
    ports_.push_back(std::move(*port));
    if (!watch(ports_[i]->tap_fd(), 2 * i) || !watch(ports_[i]->event_fd(), 2 * i + 1))
      return fail(net_error("cannot use epoll", errno));
  }
  return make_turn_takers(setup);
}

Result<void, NetError> StreamLoop::make_turn_takers(const StreamSetup& setup) {
  if (!setup.make_turn_takers) return {};
  auto made = setup.make_turn_takers(flows_);
  if (!made) return fail(std::move(made.error()));
  for (const TurnTaker* one : *made)
    if (!watch(one->fd(), kTurnTaker)) return fail(net_error("cannot use epoll", errno));
  turn_takers_ = std::move(*made);
  return {};
}

bool StreamLoop::watch(int fd, std::uint64_t tag) noexcept {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = tag;
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void StreamLoop::run() noexcept {
  ::pthread_setname_np(::pthread_self(), "sp-stream");
  // For a mempool cache of its own; without one it still works.
  const bool is_registered = rte_thread_register() == 0;
  for (const auto& port : ports_) port->keep_peers_fresh(read_clock());
  while (!is_stopping_.load(std::memory_order_acquire)) {
    turns_.add();
    const Timestamp now = read_clock();
    flows_.advance(now);
    if (has_change_.load(std::memory_order_acquire)) take_change(now);
    const bool has_mail = drain_inboxes(now);
    const bool has_more = run_turn_takers(now) || has_mail;
    for (const auto& port : ports_) port->resolver().on_deadline(now);
    const bool owes = !outboxes_.pay_debts();
    outboxes_.ring_bells();
    bell_.announce_sleep();
    const bool is_busy = has_more || !inboxes_are_empty() || have_turn_takers_mail();
    const int events = wait(is_busy ? 0 : patience_ms(now, owes));
    const bool have_all_stopped =
        std::ranges::all_of(turn_takers_, [](const TurnTaker* one) { return one->has_stopped(); });
    if (is_draining_.load(std::memory_order_acquire) && !is_busy && events == 0 && have_all_stopped)
      is_drained_.store(true, std::memory_order_release);
  }
  if (is_registered) rte_thread_unregister();
}

// One that was never taken gives way to the next: it is the newest that counts.
bool StreamLoop::adopt(StreamChange change, Duration timeout) {
  std::uint64_t number = 0;
  {
    const std::lock_guard lock(change_mutex_);
    change_ = std::move(change);
    number = ++changes_given_;
    has_change_.store(true, std::memory_order_release);
  }
  bell_.ring_always();
  const Timestamp until = read_clock() + timeout;
  while (changes_taken_.load(std::memory_order_acquire) < number) {
    if (read_clock() >= until) return false;
    ::poll(nullptr, 0, 1);
  }
  return true;
}

void StreamLoop::take_change(Timestamp now) {
  std::optional<StreamChange> change;
  std::uint64_t number = 0;
  {
    const std::lock_guard lock(change_mutex_);
    change = std::exchange(change_, std::nullopt);
    number = changes_given_;
    has_change_.store(false, std::memory_order_release);
  }
  if (change) {
    flows_.set_idle(change->tcp_idle);
    for (std::size_t i = 0; i < std::min(ports_.size(), change->ports.size()); ++i) {
      StreamChange::Port& port = change->ports[i];
      ports_[i]->keep_fresh_only(now, port.kept_fresh);
      ports_[i]->adopt(port.services, port.ports_not_for_linux);
      flows_.set_rules(PortIndex(i), std::move(port.services), std::move(port.listeners));
    }
    if (change->and_then) change->and_then(now);
  }
  changes_taken_.store(number, std::memory_order_release);
}

bool StreamLoop::run_turn_takers(Timestamp now) noexcept {
  bool has_more = false;
  const bool is_draining = is_draining_.load(std::memory_order_acquire);
  for (TurnTaker* one : turn_takers_) {
    if (is_draining) one->begin_stop(now);
    has_more |= one->run_once(now);
  }
  return has_more;
}

bool StreamLoop::have_turn_takers_mail() const noexcept {
  return std::ranges::any_of(turn_takers_, [](const TurnTaker* one) { return one->has_mail(); });
}

bool StreamLoop::drain_inboxes(Timestamp now) noexcept {
  bool has_more = false;
  for (std::size_t lcore = 0; lcore < lcores_.size(); ++lcore) {
    ToStream message;
    int taken = 0;
    while (taken < kMessagesMax && lcores_[lcore].inbox->receive(message)) {
      handle(now, lcore, message);
      ++taken;
    }
    has_more |= taken == kMessagesMax;
  }
  return has_more;
}

void StreamLoop::handle(Timestamp now, std::size_t lcore, const ToStream& message) noexcept {
  SALLYPORT_CHECK(to_position(message.port) < ports_.size());
  TapPort& port = *ports_[to_position(message.port)];
  switch (message.kind) {
    case ToStream::Kind::Packet:
      port.write_packet(message.packet);
      return;
    case ToStream::Kind::Resolve:
      port.resolver().on_question(now, lcore, message.destination);
      return;
  }
}

bool StreamLoop::inboxes_are_empty() const noexcept {
  return std::ranges::all_of(lcores_, [](const StreamLcore& lcore) { return lcore.inbox->empty(); });
}

int StreamLoop::patience_ms(Timestamp now, bool owes) const noexcept {
  std::optional<Timestamp> wake_at;
  if (owes) wake_at = now + kDebtRetry;
  for (const auto& port : ports_)
    if (const auto deadline = port->resolver().next_deadline())
      wake_at = std::min(wake_at.value_or(*deadline), *deadline);
  for (const TurnTaker* one : turn_takers_)
    if (const auto deadline = one->next_deadline())
      wake_at = std::min(wake_at.value_or(*deadline), *deadline);
  if (is_draining_.load(std::memory_order_acquire) && !is_drained()) wake_at = now + kDrainRetry;
  if (!wake_at) return -1;
  // Rounded up: a wait that ends just before the deadline would be followed by a busy one.
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*wake_at - now).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

// Sleeps until something happens, then serves it.
int StreamLoop::wait(int milliseconds) noexcept {
  std::array<epoll_event, 64> events;
  const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), milliseconds);
  bell_.wake_up();
  const Timestamp now = read_clock();
  flows_.advance(now);
  for (int i = 0; i < count; ++i) {
    const std::uint64_t tag = events[static_cast<std::size_t>(i)].data.u64;
    if (tag == kBell || tag == kTurnTaker) continue;
    TapPort& port = *ports_[tag / 2];
    if (tag % 2 != 0) {
      port.on_netlink_readable(now);
    } else if ((events[static_cast<std::size_t>(i)].events & (EPOLLERR | EPOLLHUP)) != 0) {
      // Somebody has deleted the tap: it would stay "readable" for ever.
      static_cast<void>(::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, port.tap_fd(), nullptr));
    } else {
      port.on_tap_readable();
    }
  }
  return std::max(count, 0);
}

void StreamLoop::stop() {
  is_stopping_.store(true, std::memory_order_release);
  bell_.ring_always();
  if (thread_.joinable()) thread_.join();
  for (const StreamLcore& lcore : lcores_) {
    ToStream message;
    while (lcore.inbox->receive(message)) rte_pktmbuf_free(message.packet);
  }
  lcores_.clear();
  turn_takers_.clear();
  ports_.clear();
}

}  // namespace

Result<std::unique_ptr<StreamThread>, NetError> StreamThread::start(StreamSetup setup) {
  SALLYPORT_CHECK(setup.lcores.size() <= 64);
  auto loop = std::make_unique<StreamLoop>(setup);
  if (auto prepared = loop->prepare(setup); !prepared) return fail(std::move(prepared.error()));
  loop->launch();
  return std::unique_ptr<StreamThread>(std::move(loop));
}

}  // namespace sallyport::dataplane
