// name_servers.cpp — a c-ares channel on an epoll instance of its own: RFC 1035 §4.2, RFC 5452, RFC 6891,
// RFC 7766.
//
// c-ares chooses ids and ports at random, repeats, goes on to the next server and, when an answer is
// truncated, to TCP. It is used without names of this host: no search list, no hosts file.
#include "dataplane/dns/name_servers.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <tuple>
#include <utility>

#include "dataplane/net/network_namespace.h"
#include "dataplane/net/unique_fd.h"

namespace sallyport::dataplane {
namespace {

constexpr int kTries = 2;         // of each server; the second waits twice as long
constexpr int kEdnsBytes = 1232;  // of an answer over UDP: passes every path unfragmented
constexpr int kTryMsMin = 50;
constexpr int kEventsPerTurn = 64;

// The library is made ready once and for as long as the process lives.
[[nodiscard]] int library_status() noexcept {
  static const int status = ares_library_init(ARES_LIB_INIT_ALL);
  return status;
}

[[nodiscard]] std::string error_text(const char* what, int status) {
  return std::string(what) + ": " + ares_strerror(status);
}

class AresNameServers;

// A query on its way.
struct Pending {
  AresNameServers* owner;
  std::uint64_t tag;
  std::uint64_t id;
};

class AresNameServers final : public NameServers {
 public:
  AresNameServers(const NetworkNamespace* via, OnReply on_reply)
      : via_(via), on_reply_(std::move(on_reply)), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {}
  ~AresNameServers() override {
    is_ending_ = true;  // every query is answered now, to nobody
    if (channel_ != nullptr) ares_destroy(channel_);
  }
  AresNameServers(const AresNameServers&) = delete;
  AresNameServers& operator=(const AresNameServers&) = delete;

  // Empty: ready.
  [[nodiscard]] std::string open(const DnsConfig& config);

  void ask(std::uint64_t tag, const sip::DnsQuery& query) override;
  [[nodiscard]] int fd() const noexcept override { return epoll_.get(); }
  bool run_once(Timestamp now) override;
  [[nodiscard]] bool has_mail() const noexcept override { return false; }
  [[nodiscard]] std::optional<Timestamp> next_deadline() const noexcept override;

 private:
  [[nodiscard]] int set_servers(const DnsConfig& config);
  [[nodiscard]] int open_socket(int family, int type, int protocol) const noexcept;
  void watch(int fd, bool reads, bool writes) noexcept;
  void finish(std::unique_ptr<Pending> pending, std::span<const std::uint8_t> message);

  static ares_socket_functions socket_functions() noexcept;

  const NetworkNamespace* via_;
  OnReply on_reply_;
  UniqueFd epoll_;
  ares_channel channel_ = nullptr;
  std::size_t pending_ = 0;
  Timestamp now_{};  // of the last turn: a deadline that is counted from it is never too late
  bool is_ending_ = false;
};

int AresNameServers::open_socket(int family, int type, int protocol) const noexcept {
  int fd = -1;
  auto open_one = [&] { fd = ::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol); };
  if (via_ == nullptr) {
    open_one();
  } else if (!via_->run(open_one)) {
    return -1;
  }
  return fd;
}

ares_socket_functions AresNameServers::socket_functions() noexcept {
  ares_socket_functions functions{};
  functions.asocket = [](int family, int type, int protocol, void* self) -> ares_socket_t {
    return static_cast<AresNameServers*>(self)->open_socket(family, type, protocol);
  };
  functions.aclose = [](ares_socket_t fd, void*) { return ::close(fd); };
  functions.aconnect = [](ares_socket_t fd, const sockaddr* to, ares_socklen_t length, void*) {
    return ::connect(fd, to, length);
  };
  // The rest: flags, source, its length, and ourselves.
  functions.arecvfrom = [](ares_socket_t fd, void* to, std::size_t size, auto... rest) -> ares_ssize_t {
    const auto& [flags, from, length, self] = std::tuple(rest...);
    return ::recvfrom(fd, to, size, flags, from, length);
  };
  functions.asendv = [](ares_socket_t fd, const iovec* parts, int count, void*) -> ares_ssize_t {
    // Without SIGPIPE, which writev() would raise on a connection that is gone.
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(parts);
    message.msg_iovlen = static_cast<std::size_t>(count);
    return ::sendmsg(fd, &message, MSG_NOSIGNAL);
  };
  return functions;
}

std::string AresNameServers::open(const DnsConfig& config) {
  if (!epoll_) return "no epoll instance for name servers";
  if (const int status = library_status(); status != ARES_SUCCESS) return error_text("c-ares", status);
  ares_options options{};
  // Which servers there are is not known yet when those of the system are taken: two is what most have.
  const auto servers = static_cast<std::int64_t>(config.servers.empty() ? 2 : config.servers.size());
  const auto timeout = std::chrono::duration_cast<std::chrono::milliseconds>(config.timeout).count();
  // Each server is tried twice, the second time for twice as long: together `timeout`.
  options.timeout = static_cast<int>(std::max<std::int64_t>(timeout / (3 * servers), kTryMsMin));
  options.tries = kTries;
  options.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_EDNS;
  options.ednspsz = kEdnsBytes;
  options.sock_state_cb_data = this;
  options.sock_state_cb = [](void* self, ares_socket_t fd, int reads, int writes) {
    static_cast<AresNameServers*>(self)->watch(fd, reads != 0, writes != 0);
  };
  const int mask =
      ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_FLAGS | ARES_OPT_EDNSPSZ | ARES_OPT_SOCK_STATE_CB;
  if (const int status = ares_init_options(&channel_, &options, mask); status != ARES_SUCCESS) {
    channel_ = nullptr;
    return error_text("name servers", status);
  }
  static const ares_socket_functions functions = socket_functions();
  ares_set_socket_functions(channel_, &functions, this);
  const int status = set_servers(config);
  return status == ARES_SUCCESS ? std::string() : error_text("dns.servers", status);
}

int AresNameServers::set_servers(const DnsConfig& config) {
  if (config.servers.empty()) return ARES_SUCCESS;  // as the system says
  std::string list;
  for (const Endpoint& server : config.servers) list += (list.empty() ? "" : ",") + to_string(server);
  return ares_set_servers_ports_csv(channel_, list.c_str());
}

void AresNameServers::watch(int fd, bool reads, bool writes) noexcept {
  epoll_event event{};
  event.events = (reads ? std::uint32_t{EPOLLIN} : 0u) | (writes ? std::uint32_t{EPOLLOUT} : 0u);
  event.data.fd = fd;
  if (event.events == 0) {
    (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, &event);
  } else if (::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) != 0) {
    (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
  }
}

void AresNameServers::ask(std::uint64_t tag, const sip::DnsQuery& query) {
  auto pending = std::make_unique<Pending>(Pending{this, tag, query.id});
  ++pending_;
  if (pending_ > kQueriesMax) return finish(std::move(pending), {});
  // Answers may come before this returns, when nothing could be sent.
  ares_query(
      channel_, query.name.c_str(), ns_c_in, static_cast<int>(query.type),
      [](void* argument, int, int, unsigned char* bytes, int size) {
        std::unique_ptr<Pending> one(static_cast<Pending*>(argument));
        AresNameServers* const owner = one->owner;
        const bool has_message = bytes != nullptr && size > 0;
        owner->finish(std::move(one),
                      has_message ? std::span<const std::uint8_t>(bytes, static_cast<std::size_t>(size))
                                  : std::span<const std::uint8_t>());
      },
      pending.release());
}

void AresNameServers::finish(std::unique_ptr<Pending> pending, std::span<const std::uint8_t> message) {
  --pending_;
  if (!is_ending_) on_reply_(pending->tag, {pending->id, !message.empty(), message});
}

bool AresNameServers::run_once(Timestamp now) {
  now_ = now;
  std::array<epoll_event, kEventsPerTurn> events;
  const int count = ::epoll_wait(epoll_.get(), events.data(), kEventsPerTurn, 0);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    // A socket that an earlier one of these closed is no longer c-ares' and is left alone by it.
    const bool reads = (event.events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0;
    const bool writes = (event.events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0;
    ares_process_fd(channel_, reads ? event.data.fd : ARES_SOCKET_BAD,
                    writes ? event.data.fd : ARES_SOCKET_BAD);
  }
  if (count <= 0) ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);  // what has timed out
  return count == kEventsPerTurn;
}

std::optional<Timestamp> AresNameServers::next_deadline() const noexcept {
  timeval left{};
  if (pending_ == 0 || ares_timeout(channel_, nullptr, &left) == nullptr) return std::nullopt;
  // A millisecond more: c-ares counts in microseconds, and would find nothing due.
  return now_ + std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec) + 1ms;
}

}  // namespace

Result<std::unique_ptr<NameServers>, std::string> NameServers::create(const DnsConfig& config,
                                                                      const NetworkNamespace* via,
                                                                      OnReply on_reply) {
  auto servers = std::make_unique<AresNameServers>(via, std::move(on_reply));
  if (std::string problem = servers->open(config); !problem.empty()) return fail(std::move(problem));
  return servers;
}

}  // namespace sallyport::dataplane
