// sip_load.cpp — calls through whatever stands between two namespaces (INVITE, 180, 200, ACK, BYE, 200), over
// one UDP socket, or one TCP or TLS connection, on each side. One thread; what it costs itself is told too.
//
//   sip_load OUT-NAMESPACE CALLER-ADDRESS SERVER-ADDRESS TRANSPORT IN-NAMESPACE CALLEE-ADDRESS SERVER-ADDRESS
//            TRANSPORT [CERTIFICATE KEY of the caller, CERTIFICATE KEY of the callee]
// All IPv4, ports 5060 and 5061 (TLS). Each line of its input is one run, answered by a line of JSON:
//   RATE WINDOW SECONDS HOLD-MILLISECONDS
// RATE 0: as many as can be, with WINDOW calls at once; else so many a second, at most WINDOW at once.
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/bench/calls/load_line.h"
#include "tests/bench/calls/load_phone.h"

namespace {

using namespace sallyport::bench;

constexpr std::int64_t kGrace = 4 * kSecond;  // for what was begun
constexpr std::uint64_t kBegunAtOnce = 64;    // of one turn

std::int64_t now_of(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return time.tv_sec * kSecond + time.tv_nsec;
}

std::uint16_t port_of(const std::string& transport) { return transport == "TLS" ? 5061 : 5060; }

struct Side {
  std::string space, own, server, transport, certificate, key;
  [[nodiscard]] PhoneWords words() const {
    const std::string port = ":" + std::to_string(port_of(transport));
    return {transport, own + port, server + port,
            "p" + std::to_string(getpid()) + "t" + std::to_string(now_of(CLOCK_REALTIME)) + "n"};
  }
  [[nodiscard]] sockaddr_in own_end() const { return ipv4_endpoint(own, port_of(transport)); }
  [[nodiscard]] sockaddr_in server_end() const { return ipv4_endpoint(server, port_of(transport)); }
  [[nodiscard]] bool is_stream() const { return transport != "UDP"; }
  [[nodiscard]] TlsContext context(bool is_server) const {
    return transport == "TLS" ? make_tls_context(is_server, certificate, key) : nullptr;
  }
};

struct Order {
  double rate = 0;
  std::uint64_t window = 1;
  std::int64_t seconds = 1, hold_ms = 0;
};

class Load {
 public:
  Load(const Side& outside, const Side& inside)
      : caller_(outside.words()),
        callee_(inside.words()),
        is_inside_stream_(inside.is_stream()),
        server_context_(inside.context(true)) {
    enter_namespace(inside.space);
    if (is_inside_stream_)
      watch(listener_ = listen_at(inside.own_end()));
    else
      add_callee(connect_socket(SOCK_DGRAM, inside.own_end(), inside.server_end()));
    enter_namespace(outside.space);
    sockaddr_in own = outside.own_end();
    if (outside.is_stream()) own.sin_port = 0;
    const TlsContext context = outside.context(false);
    const int socket =
        connect_socket(outside.is_stream() ? SOCK_STREAM : SOCK_DGRAM, own, outside.server_end());
    caller_line_ = std::make_unique<Line>(socket, outside.is_stream(), context.get(), false);
    watch(socket);
  }

  void run(const Order& order) {
    caller_.set_hold(order.hold_ms * 1'000'000);
    const std::int64_t used = now_of(CLOCK_PROCESS_CPUTIME_ID), begin = now_of(CLOCK_MONOTONIC);
    const std::int64_t end = begin + order.seconds * kSecond;
    std::uint64_t begun = 0;
    std::int64_t now = begin;
    while (now < end || (caller_.in_flight() > 0 && now < end + kGrace)) {
      if (now < end) begun += begin_calls(order, begun, now - begin, now);
      caller_.on_time(*caller_line_, now);
      if (!callee_lines_.empty()) callee_.on_time(*callee_lines_.back(), now);
      caller_line_->flush();
      for (const auto& line : callee_lines_) line->flush();
      turn();
      now = now_of(CLOCK_MONOTONIC);
    }
    report(static_cast<double>(now - begin) / kSecond, now_of(CLOCK_PROCESS_CPUTIME_ID) - used);
  }

 private:
  std::uint64_t begin_calls(const Order& order, std::uint64_t begun, std::int64_t since, std::int64_t now) {
    const std::uint64_t room = order.window - std::min(order.window, caller_.in_flight());
    std::uint64_t count = std::min(room, kBegunAtOnce);
    if (order.rate > 0) {
      const auto due = static_cast<std::uint64_t>(order.rate * static_cast<double>(since) / kSecond);
      count = std::min(count, due - std::min(due, begun));
    }
    for (std::uint64_t i = 0; i < count; ++i) caller_.begin(*caller_line_, now);
    return count;
  }

  // Hears what has come; waits a millisecond for it.
  void turn() {
    std::array<epoll_event, 16> events{};
    const int ready = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 1);
    const std::int64_t now = now_of(CLOCK_MONOTONIC);
    for (int i = 0; i < ready; ++i) {
      const int socket = events[static_cast<std::size_t>(i)].data.fd;
      if (socket == listener_) {
        add_callee(accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC));
      } else if (socket == caller_line_->socket()) {
        if (!caller_line_->hear([&](std::string_view m) { caller_.on_message(*caller_line_, m, now); }))
          give_up("the caller's connection was closed");
      } else {
        hear_callee(socket, now);
      }
    }
  }
  void hear_callee(int socket, std::int64_t now) {
    const auto line = std::ranges::find(callee_lines_, socket, [](const auto& one) { return one->socket(); });
    if (line == callee_lines_.end()) return;
    if (!(*line)->hear([&](std::string_view m) { callee_.on_message(**line, m, now); }))
      callee_lines_.erase(line);
  }
  void add_callee(int socket) {
    if (socket < 0) give_up("accept");
    callee_lines_.push_back(std::make_unique<Line>(socket, is_inside_stream_, server_context_.get(), true));
    watch(socket);
  }
  void watch(int socket) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = socket;
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, socket, &event) != 0) give_up("epoll");
  }

  void report(double seconds, std::int64_t used) {
    std::vector<std::int64_t> took;
    const CallCounts counts = caller_.take_counts(took);
    std::ranges::sort(took);
    const auto share = [&](double part) {
      return took.empty() ? 0.0
                          : static_cast<double>(
                                took[static_cast<std::size_t>(part * static_cast<double>(took.size() - 1))]) /
                                1e6;
    };
    std::printf(
        "{\"begun\": %llu, \"made\": %llu, \"failed\": %llu, \"late\": %llu, \"resent\": %llu, "
        "\"unexpected\": %llu, \"seconds\": %.3f, \"own_us\": %.2f, \"p50_ms\": %.2f, \"p99_ms\": %.2f, "
        "\"connections\": %zu, \"refusal\": \"%s\"}\n",
        static_cast<unsigned long long>(counts.begun), static_cast<unsigned long long>(counts.made),
        static_cast<unsigned long long>(counts.failed), static_cast<unsigned long long>(counts.late),
        static_cast<unsigned long long>(counts.resent + callee_.take_resent()),
        static_cast<unsigned long long>(counts.unexpected), seconds,
        static_cast<double>(used) / 1e3 / static_cast<double>(std::max<std::uint64_t>(counts.made, 1)),
        share(0.5), share(0.99), callee_lines_.size(), counts.refusal.c_str());
    std::fflush(stdout);
  }

  const int epoll_ = epoll_create1(EPOLL_CLOEXEC);
  int listener_ = -1;
  CallingPhone caller_;
  AnsweringPhone callee_;
  bool is_inside_stream_;
  TlsContext server_context_;
  std::unique_ptr<Line> caller_line_;
  std::vector<std::unique_ptr<Line>> callee_lines_;
};

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() != 8 && words.size() != 12) {
    std::fputs("usage: see the beginning of sip_load.cpp\n", stderr);
    return 64;
  }
  words.resize(12);
  Load load({words[0], words[1], words[2], words[3], words[8], words[9]},
            {words[4], words[5], words[6], words[7], words[10], words[11]});
  std::puts("ready");
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line);) {
    Order order;
    std::istringstream(line) >> order.rate >> order.window >> order.seconds >> order.hold_ms;
    load.run(order);
  }
  return 0;
}
