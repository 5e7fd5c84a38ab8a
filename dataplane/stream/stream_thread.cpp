// stream_thread.cpp — the loop of the stream thread.
#include "dataplane/stream/stream_thread.h"

#include <pthread.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <thread>

#include "dataplane/dpdk/clock.h"
#include "dataplane/stream/outboxes.h"
#include "dataplane/stream/tap_port.h"
#include "policy/base/check.h"

namespace sallyport::dataplane {
namespace {

constexpr int kMessagesMax = 64;              // of one lcore in one turn
constexpr std::size_t kFrameBytesMax = 9216;  // MTU 9000 and headers
constexpr Duration kDebtRetry = 10ms;
constexpr std::uint64_t kBell = 0xffffffff;  // epoll tag; a port's are 2i (tap) and 2i + 1 (netlink)

class StreamLoop final : public StreamThread {
 public:
  explicit StreamLoop(const StreamSetup& setup)
      : pool_(setup.pool),
        key_(setup.key),
        lcores_(setup.lcores),
        outboxes_(setup.lcores, setup.ports.size()),
        frame_(kFrameBytesMax),
        epoll_(::epoll_create1(EPOLL_CLOEXEC)) {}
  ~StreamLoop() override { stop(); }

  [[nodiscard]] Result<void, NetError> prepare(std::vector<StreamPort> ports);
  void launch() {
    thread_ = std::thread([this] { run(); });
  }

  void stop() override;
  Doorbell& doorbell() noexcept override { return bell_; }
  const PortCounters& counters(PortIndex port) const noexcept override {
    return *counters_[to_position(port)];
  }
  std::string network_namespace(PortIndex port) const override { return names_[to_position(port)]; }

 private:
  [[nodiscard]] bool watch(int fd, std::uint64_t tag) noexcept;
  void run() noexcept;
  // One turn's share of what lcores sent. True when some may be left.
  [[nodiscard]] bool drain_inboxes(Timestamp now) noexcept;
  void handle(Timestamp now, std::size_t lcore, const ToStream& message) noexcept;
  [[nodiscard]] bool inboxes_are_empty() const noexcept;
  [[nodiscard]] int patience_ms(Timestamp now, bool owes) const noexcept;
  void wait(int milliseconds) noexcept;

  rte_mempool* pool_;
  HashKey key_;
  std::vector<StreamLcore> lcores_;
  Outboxes outboxes_;
  std::vector<std::uint8_t> frame_;
  UniqueFd epoll_;
  Doorbell bell_;
  std::vector<std::unique_ptr<PortCounters>> counters_;  // outlive the ports, for a last look
  std::vector<std::string> names_;
  std::vector<std::unique_ptr<TapPort>> ports_;
  std::atomic<bool> is_stopping_{false};
  std::thread thread_;
};

Result<void, NetError> StreamLoop::prepare(std::vector<StreamPort> ports) {
  if (!epoll_ || !bell_.is_open() || !watch(bell_.fd(), kBell))
    return fail(net_error("cannot use epoll", errno));
  const TapPort::Shared shared{outboxes_, pool_, frame_, lcores_.size(), key_};
  for (std::size_t i = 0; i < ports.size(); ++i) {
    names_.push_back(ports[i].network_namespace.name());
    counters_.push_back(std::make_unique<PortCounters>());
    auto port = TapPort::create(static_cast<PortIndex>(i), std::move(ports[i]), shared, *counters_.back());
    if (!port) return fail(std::move(port.error()));
    ports_.push_back(std::move(*port));
    if (!watch(ports_[i]->tap_fd(), 2 * i) || !watch(ports_[i]->event_fd(), 2 * i + 1))
      return fail(net_error("cannot use epoll", errno));
  }
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
    const Timestamp now = read_clock();
    const bool has_more = drain_inboxes(now);
    for (const auto& port : ports_) port->resolver().on_deadline(now);
    const bool owes = !outboxes_.pay_debts();
    outboxes_.ring_bells();
    bell_.announce_sleep();
    wait(has_more || !inboxes_are_empty() ? 0 : patience_ms(now, owes));
  }
  if (is_registered) rte_thread_unregister();
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
  if (!wake_at) return -1;
  // Rounded up: a wait that ends just before the deadline would be followed by a busy one.
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*wake_at - now).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

// Sleeps until something happens, then serves it.
void StreamLoop::wait(int milliseconds) noexcept {
  std::array<epoll_event, 64> events;
  const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), milliseconds);
  bell_.wake_up();
  const Timestamp now = read_clock();
  for (int i = 0; i < count; ++i) {
    const std::uint64_t tag = events[static_cast<std::size_t>(i)].data.u64;
    if (tag == kBell) continue;
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
  ports_.clear();
}

}  // namespace

Result<std::unique_ptr<StreamThread>, NetError> StreamThread::start(StreamSetup setup) {
  SALLYPORT_CHECK(setup.lcores.size() <= 64);
  auto loop = std::make_unique<StreamLoop>(setup);
  if (auto prepared = loop->prepare(std::move(setup.ports)); !prepared)
    return fail(std::move(prepared.error()));
  loop->launch();
  return std::unique_ptr<StreamThread>(std::move(loop));
}

}  // namespace sallyport::dataplane
