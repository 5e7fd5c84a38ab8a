// server_test.cpp — the HTTP server over loopback on a free port, with honest and hostile clients. RFC 9112.
#include "mgmt/http/server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "tests/unit/mgmt/loop_thread.h"

namespace sallyport::mgmt {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class HttpServerTest : public testing::Test {
 protected:
  HttpServerTest() {
    router_.on_get("/healthz", [] {
      return HttpResponse{.status = 200, .content_type = "application/json", .body = "{}\n", .allow = {}};
    });
  }
  ~HttpServerTest() override {
    thread_.on_loop([this] { server_.reset(); });
  }
  void open(const HttpLimits& limits = {}) {
    auto opened = thread_.on_loop([&] {
      return HttpServer::open(thread_.loop(), {*IpAddress::parse("127.0.0.1"), 0}, router_, limits);
    });
    ASSERT_TRUE(opened) << opened.error();
    server_ = std::move(*opened);
  }
  [[nodiscard]] int connect_client() const {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(server_->local().port);
    const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval deadline{.tv_sec = 10, .tv_usec = 0};
    ::setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline);
    EXPECT_EQ(::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    return descriptor;
  }
  static std::string read_to_end(int descriptor) {
    std::string all;
    char chunk[4096];
    for (ssize_t got = 0; (got = ::recv(descriptor, chunk, sizeof chunk, 0)) > 0;)
      all.append(chunk, static_cast<std::size_t>(got));
    return all;
  }
  // Sends and reads until the server closes.
  [[nodiscard]] std::string exchange(const std::string& request) const {
    const int client = connect_client();
    EXPECT_GE(::send(client, request.data(), request.size(), MSG_NOSIGNAL), 0);
    std::string answer = read_to_end(client);
    ::close(client);
    return answer;
  }

  Router router_;
  LoopThread thread_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, AnswersGetWithSecurityHeaders) {
  open();
  const std::string answer =
      exchange("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  for (const char* const field : {"X-Content-Type-Options: nosniff\r\n", "Cache-Control: no-store\r\n",
                                  "Content-Security-Policy: default-src 'none'", "Content-Length: 3\r\n"})
    EXPECT_THAT(answer, HasSubstr(field));
  EXPECT_TRUE(answer.ends_with("\r\n\r\n{}\n"));
}

TEST_F(HttpServerTest, HeadHasTheLengthButNoBody) {
  open();
  const std::string answer =
      exchange("HEAD /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("Content-Length: 3\r\n"));
  EXPECT_TRUE(answer.ends_with("\r\n\r\n"));
}

TEST_F(HttpServerTest, KeepsTheConnectionForAnotherRequest) {
  open();
  const std::string answer = exchange(
      "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /nothing HTTP/1.1\r\nHost: "
      "localhost\r\nConnection: "
      "close\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(answer, HasSubstr("HTTP/1.1 404 Not Found\r\n"));
}

// A page whose name was made to lead to 127.0.0.1 reads nothing (DNS rebinding). RFC 9110 §7.4.
TEST_F(HttpServerTest, RequestForAnotherHostIs421) {
  open();
  for (const char* const host : {"evil.example", "evil.example:8080", "localhost.evil.example"}) {
    const std::string answer = exchange("GET /healthz HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 421 Misdirected Request\r\n")) << host;
    EXPECT_THAT(answer, HasSubstr("Content-Type: application/problem+json\r\n"));
    EXPECT_THAT(answer, HasSubstr("\"status\":421"));
  }
  for (const char* const host : {"127.0.0.1:8080", "[::1]", "LOCALHOST:1"})
    EXPECT_THAT(
        exchange("GET /healthz HTTP/1.1\r\nHost: " + std::string(host) + "\r\nConnection: close\r\n\r\n"),
        StartsWith("HTTP/1.1 200 OK\r\n"))
        << host;
}

TEST_F(HttpServerTest, NoHostOrTwoIs400) {
  open();
  EXPECT_THAT(exchange("GET /healthz HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(exchange("GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n"),
              StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(exchange("GET /healthz HTTP/1.0\r\n\r\n"), StartsWith("HTTP/1.1 200")) << "older than Host";
}

TEST_F(HttpServerTest, PostIs405) {
  open();
  const std::string answer = exchange(
      "POST /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 405"));
  EXPECT_THAT(answer, HasSubstr("Allow: GET, HEAD\r\n"));
}

TEST_F(HttpServerTest, JunkIs400AndTheConnectionEnds) {
  open();
  for (const char* const junk : {"\x16\x03\x01\x02\r\n\r\n", "OPTIONS sip:a@b SIP/2.0\r\n\r\n",
                                 "GET /\r\n\r\n", "GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n"})
    EXPECT_THAT(exchange(junk), StartsWith("HTTP/1.1 400")) << junk;
}

TEST_F(HttpServerTest, TooLongHeaderIs431AndTooLongBody413) {
  open({.header_bytes_max = 512, .body_bytes_max = 16});
  EXPECT_THAT(exchange("GET / HTTP/1.1\r\nA: " + std::string(600, 'a')), StartsWith("HTTP/1.1 431"));
  EXPECT_THAT(exchange("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n"),
              StartsWith("HTTP/1.1 413"));
}

TEST_F(HttpServerTest, SlowRequestIsLetGo) {
  open({.request_time_max = std::chrono::milliseconds(50)});
  EXPECT_EQ(exchange("GET /healthz HT"), "");
  EXPECT_EQ(exchange(""), "");
}

// Clients that say nothing must not keep others out (slow loris).
TEST_F(HttpServerTest, WithOneConnectionTooManyTheOneThatWaitsForLongestGoes) {
  open({.connections_max = 2});
  const std::string request = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
  std::array<int, 2> clients{};
  char answer[4096];
  for (int& client : clients) {
    client = connect_client();
    ASSERT_GT(::send(client, request.data(), request.size(), MSG_NOSIGNAL), 0);
    ASSERT_GT(::recv(client, answer, sizeof answer, 0), 0);  // so it is surely open, and waits
  }
  EXPECT_THAT(exchange("GET /healthz HTTP/1.0\r\n\r\n"), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(::recv(clients[0], answer, sizeof answer, 0), 0);
  ASSERT_GT(::send(clients[1], request.data(), request.size(), MSG_NOSIGNAL), 0);
  EXPECT_GT(::recv(clients[1], answer, sizeof answer, 0), 0);
  for (const int client : clients) ::close(client);
}

TEST_F(HttpServerTest, AnAnswerThatGoesOnMakesNoRoom) {
  router_.on_get("/stream", [] {
    HttpResponse out;
    out.stream = std::make_shared<BodyStream>(100);
    return out;
  });
  open({.connections_max = 1});
  const int first = connect_client();
  const std::string request = "GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n";
  ASSERT_GT(::send(first, request.data(), request.size(), MSG_NOSIGNAL), 0);
  char answer[4096];
  ASSERT_GT(::recv(first, answer, sizeof answer, 0), 0);
  EXPECT_EQ(exchange(""), "");
  ::close(first);
}

TEST_F(HttpServerTest, ClientThatLeavesInTheMiddleHurtsNobody) {
  open();
  for (int i = 0; i < 20; ++i) {
    const int client = connect_client();
    ASSERT_GT(::send(client, "GET /heal", 9, MSG_NOSIGNAL), 0);
    ::close(client);
  }
  EXPECT_THAT(exchange("GET /healthz HTTP/1.0\r\n\r\n"), HasSubstr("200 OK"));
}

TEST_F(HttpServerTest, AddressInUseIsAClearError) {
  open();
  const auto second =
      thread_.on_loop([&] { return HttpServer::open(thread_.loop(), server_->local(), router_); });
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error(), HasSubstr("can't listen on 127.0.0.1:"));
}

}  // namespace
}  // namespace sallyport::mgmt
