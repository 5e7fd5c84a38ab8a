// tls_idle.cpp — thousands of TLS connections that say nothing, from several source addresses.
//
//   tls_idle NAMESPACE SERVER-ADDRESS COUNT AT-ONCE SOURCE-ADDRESS...
// Opens them to port 5061, AT-ONCE handshakes at a time, prints a line of JSON, and keeps them until its
// input ends; then says how many are still open.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "tests/bench/calls/load_line.h"

namespace {

using namespace sallyport::bench;

constexpr int kPatienceMs = 20'000;  // nothing at all happened for so long

double seconds() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

class Crowd {
 public:
  Crowd(const std::string& server, std::vector<std::string> sources)
      : server_(ipv4_endpoint(server, 5061)), sources_(std::move(sources)) {
    if (!context_ || epoll_ < 0) give_up("tls_idle");
  }

  void open(std::size_t count, std::size_t at_once) {
    while (open_ + failed_ < count) {
      while (handshakes_ < at_once && clients_.size() < count) begin();
      std::array<epoll_event, 64> events{};
      const int ready = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), kPatienceMs);
      if (ready == 0) break;
      for (int i = 0; i < ready; ++i) go_on(events[static_cast<std::size_t>(i)].data.u64);
    }
  }
  // Those that nobody has closed; tickets that came after the handshake are read on the way.
  [[nodiscard]] std::size_t count_open() {
    std::size_t found = 0;
    for (SSL* const client : clients_) {
      if (client == nullptr) continue;
      char octet = 0;
      const int got = SSL_read(client, &octet, 1);
      if (got <= 0 && SSL_get_error(client, got) == SSL_ERROR_WANT_READ) ++found;
    }
    return found;
  }
  [[nodiscard]] std::size_t failed() const noexcept { return failed_; }

 private:
  void begin() {
    const std::string& source = sources_[clients_.size() % sources_.size()];
    const int socket = connect_socket(SOCK_STREAM, ipv4_endpoint(source, 0), server_);
    if (fcntl(socket, F_SETFL, O_NONBLOCK) != 0) give_up("fcntl");
    SSL* const client = SSL_new(context_.get());
    if (client == nullptr || SSL_set_fd(client, socket) != 1) give_up("SSL_new");
    SSL_set_connect_state(client);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = clients_.size();
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, socket, &event) != 0) give_up("epoll");
    clients_.push_back(client);
    ++handshakes_;
    go_on(event.data.u64);
  }
  void go_on(std::size_t which) {
    SSL*& client = clients_[which];
    const int done = SSL_do_handshake(client);
    if (done != 1 && SSL_get_error(client, done) == SSL_ERROR_WANT_READ) return;
    --handshakes_;
    ++(done == 1 ? open_ : failed_);
    epoll_ctl(epoll_, EPOLL_CTL_DEL, SSL_get_fd(client), nullptr);
    if (done == 1) return;
    close(SSL_get_fd(client));
    SSL_free(client);
    client = nullptr;
  }

  sockaddr_in server_;
  std::vector<std::string> sources_;
  TlsContext context_ = make_tls_context(false, {}, {});
  const int epoll_ = epoll_create1(EPOLL_CLOEXEC);
  std::vector<SSL*> clients_;  // of the process's whole life
  std::size_t handshakes_ = 0, open_ = 0, failed_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) {
    std::fputs("usage: tls_idle NAMESPACE SERVER-ADDRESS COUNT AT-ONCE SOURCE-ADDRESS...\n", stderr);
    return 64;
  }
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;  // a socket that can't be had is told below
  setrlimit(RLIMIT_NOFILE, &files);
  enter_namespace(argv[1]);
  Crowd crowd(argv[2], std::vector<std::string>(argv + 5, argv + argc));
  const double start = seconds();
  crowd.open(std::strtoul(argv[3], nullptr, 10), std::strtoul(argv[4], nullptr, 10));
  std::printf("{\"open\": %zu, \"failed\": %zu, \"seconds\": %.2f}\n", crowd.count_open(), crowd.failed(),
              seconds() - start);
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line);) {
  }
  std::printf("{\"open\": %zu}\n", crowd.count_open());
  return 0;
}
