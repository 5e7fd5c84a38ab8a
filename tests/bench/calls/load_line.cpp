// load_line.cpp — see load_line.h. RFC 3261 §18.3, §20.14
#include "tests/bench/calls/load_line.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>

namespace sallyport::bench {
namespace {

constexpr std::size_t kReadBytes = 65536;

void set_blocking(int socket, bool blocks) {
  const int flags = fcntl(socket, F_GETFL);
  if (flags < 0 || fcntl(socket, F_SETFL, blocks ? flags & ~O_NONBLOCK : flags | O_NONBLOCK) != 0)
    give_up("fcntl");
}

void set_option(int socket, int level, int name, int value) {
  if (setsockopt(socket, level, name, &value, sizeof value) != 0) give_up("setsockopt");
}

const sockaddr* plain(const sockaddr_in& endpoint) { return reinterpret_cast<const sockaddr*>(&endpoint); }

}  // namespace

void give_up(std::string_view what) {
  std::fprintf(stderr, "%.*s: %s\n", static_cast<int>(what.size()), what.data(), std::strerror(errno));
  ERR_print_errors_fp(stderr);
  std::exit(1);
}

TlsContext make_tls_context(bool is_server, const std::string& certificate, const std::string& key) {
  TlsContext made(SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method()));
  if (!made) give_up("SSL_CTX_new");
  if (!certificate.empty() && (SSL_CTX_use_certificate_chain_file(made.get(), certificate.c_str()) != 1 ||
                               SSL_CTX_use_PrivateKey_file(made.get(), key.c_str(), SSL_FILETYPE_PEM) != 1))
    give_up(certificate);
  SSL_CTX_set_mode(made.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                   SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  return made;
}

void enter_namespace(const std::string& name) {
  const int there = open(("/run/netns/" + name).c_str(), O_RDONLY | O_CLOEXEC);
  if (there < 0 || setns(there, CLONE_NEWNET) != 0) give_up(name);
  close(there);
}

sockaddr_in ipv4_endpoint(const std::string& address, std::uint16_t port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(port);
  if (inet_pton(AF_INET, address.c_str(), &out.sin_addr) != 1) give_up(address);
  return out;
}

int connect_socket(int kind, const sockaddr_in& own, const sockaddr_in& to) {
  const int made = ::socket(AF_INET, kind | SOCK_CLOEXEC, 0);
  if (made < 0) give_up("socket");
  if (kind == SOCK_DGRAM) {
    set_option(made, SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20);
    set_option(made, SOL_SOCKET, SO_SNDBUFFORCE, 8 << 20);
  } else {
    set_option(made, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);  // the same port may serve several sources
  }
  if (bind(made, plain(own), sizeof own) != 0) give_up("bind");
  if (connect(made, plain(to), sizeof to) != 0) give_up("connect");
  return made;
}

int listen_at(const sockaddr_in& own) {
  const int made = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (made < 0) give_up("socket");
  set_option(made, SOL_SOCKET, SO_REUSEADDR, 1);
  if (bind(made, plain(own), sizeof own) != 0 || listen(made, 64) != 0) give_up("listen");
  return made;
}

Line::Line(int socket, bool is_stream, SSL_CTX* tls, bool is_server)
    : socket_(socket), is_stream_(is_stream) {
  if (is_stream) set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
  if (tls != nullptr) {
    set_blocking(socket, true);
    tls_ = SSL_new(tls);
    if (tls_ == nullptr || SSL_set_fd(tls_, socket) != 1) give_up("SSL_new");
    if ((is_server ? SSL_accept(tls_) : SSL_connect(tls_)) != 1) give_up("the TLS handshake");
  }
  set_blocking(socket, false);
}

Line::~Line() {
  SSL_free(tls_);
  close(socket_);
}

void Line::say(std::string_view message) {
  if (is_stream_)
    out_ += message;
  else if (send(socket_, message.data(), message.size(), MSG_NOSIGNAL) < 0)
    ++lost_;
}

void Line::flush() {
  std::size_t done = 0;
  while (done < out_.size()) {
    const char* const from = out_.data() + done;
    const std::size_t size = out_.size() - done;
    std::size_t taken = 0;
    if (tls_ != nullptr) {
      if (SSL_write_ex(tls_, from, size, &taken) != 1) break;
    } else {
      const ssize_t sent = send(socket_, from, size, MSG_NOSIGNAL);
      if (sent < 0) break;
      taken = static_cast<std::size_t>(sent);
    }
    done += taken;
  }
  out_.erase(0, done);
}

// As recv(): 0 at the end, negative for nothing yet.
std::ptrdiff_t Line::receive(char* room, std::size_t size) {
  if (tls_ == nullptr) return recv(socket_, room, size, 0);
  std::size_t got = 0;
  if (SSL_read_ex(tls_, room, size, &got) == 1) return static_cast<std::ptrdiff_t>(got);
  const int why = SSL_get_error(tls_, 0);
  ERR_clear_error();
  if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
    errno = EAGAIN;
    return -1;
  }
  return 0;
}

bool Line::hear(const std::function<void(std::string_view)>& on_message) {
  char room[kReadBytes];
  while (true) {
    const std::ptrdiff_t got = receive(room, sizeof room);
    if (got < 0)
      return errno == EAGAIN || errno == EINTR || errno == ECONNREFUSED;  // a UDP socket hears of ICMP
    if (!is_stream_) {
      on_message({room, static_cast<std::size_t>(got)});
      continue;
    }
    if (got == 0) return false;
    in_.append(room, static_cast<std::size_t>(got));
    cut(on_message);
  }
}

void Line::cut(const std::function<void(std::string_view)>& on_message) {
  std::size_t start = 0;
  while (true) {
    const std::string_view rest = std::string_view(in_).substr(start);
    const std::size_t head = rest.find("\r\n\r\n");
    if (head == std::string_view::npos) break;
    const std::string_view length = header_value(rest.substr(0, head + 4), "Content-Length");
    std::size_t body = 0;
    if (std::from_chars(length.data(), length.data() + length.size(), body).ec != std::errc()) body = 0;
    if (rest.size() < head + 4 + body) break;
    if (head > 0) on_message(rest.substr(0, head + 4 + body));  // else a keep-alive
    start += head + 4 + body;
  }
  in_.erase(0, start);
}

std::string_view header_value(std::string_view message, std::string_view name) noexcept {
  for (std::size_t at = message.find("\r\n"); at != std::string_view::npos; at = message.find("\r\n", at)) {
    at += 2;
    if (message.substr(at, name.size()) != name || message.substr(at + name.size(), 2) != ": ") continue;
    const std::size_t start = at + name.size() + 2;
    return message.substr(start, message.find("\r\n", start) - start);
  }
  return {};
}

}  // namespace sallyport::bench
