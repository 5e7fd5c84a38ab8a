// streaming_test.cpp — answers that go on, over loopback: in pieces, to readers of all kinds. RFC 9112 §7.1.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "mgmt/http/server.h"
#include "tests/unit/mgmt/loop_thread.h"

namespace sallyport::mgmt {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class StreamingTest : public testing::Test {
 protected:
  StreamingTest() {
    router_.on_get("/stream", [this] {
      HttpResponse out;
      out.content_type = "text/event-stream";
      stream_ = out.stream = std::make_shared<BodyStream>(100'000);
      return out;
    });
    server_ = *thread_.on_loop(
        [&] { return HttpServer::open(thread_.loop(), {*IpAddress::parse("127.0.0.1"), 0}, router_, {}); });
  }
  ~StreamingTest() override {
    thread_.on_loop([this] { server_.reset(); });
  }
  [[nodiscard]] int ask(const std::string& request) const {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(server_->local().port);
    const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval deadline{.tv_sec = 10, .tv_usec = 0};
    ::setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline);
    EXPECT_EQ(::connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_GT(::send(client, request.data(), request.size(), MSG_NOSIGNAL), 0);
    return client;
  }
  // Until `end` has come, or the server closes.
  static std::string read_until(int client, const std::string& end) {
    std::string all;
    char chunk[4096];
    while (!all.ends_with(end) || end.empty()) {
      const ssize_t got = ::recv(client, chunk, sizeof chunk, 0);
      if (got <= 0) break;
      all.append(chunk, static_cast<std::size_t>(got));
    }
    return all;
  }
  template <class Work>
  auto on_stream(Work work) {
    return thread_.on_loop([&] { return work(*stream_); });
  }
  // Bounded: true as soon as the server has seen that its reader is gone.
  [[nodiscard]] bool is_over_soon() {
    for (int i = 0; i < 100'000; ++i)
      if (on_stream([](BodyStream& stream) { return stream.is_over(); })) return true;
    return false;
  }

  Router router_;
  std::shared_ptr<BodyStream> stream_;  // the loop's
  LoopThread thread_;
  std::unique_ptr<HttpServer> server_;
};

const std::string kAsked = "GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n";

TEST_F(StreamingTest, PiecesComeAsTheyAreMadeAndAreEndedByTheLastChunk) {
  const int client = ask(kAsked);
  const std::string head = read_until(client, "\r\n\r\n");
  EXPECT_THAT(head, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(head, HasSubstr("Transfer-Encoding: chunked\r\n"));
  EXPECT_THAT(head, HasSubstr("Cache-Control: no-store\r\n"));
  EXPECT_THAT(head, Not(HasSubstr("Content-Length")));
  on_stream([](BodyStream& stream) { return stream.push("one"); });
  EXPECT_EQ(read_until(client, "one\r\n"), "3\r\none\r\n");
  const std::string more(70'000, 'x');
  on_stream([&](BodyStream& stream) { return stream.push(more); });
  on_stream([](BodyStream& stream) { return stream.end(), true; });
  const std::string rest = read_until(client, "");
  EXPECT_THAT(rest, StartsWith("10000\r\nxxxx"));
  EXPECT_THAT(rest, EndsWith("x\r\n0\r\n\r\n"));
  EXPECT_EQ(std::ranges::count(rest, 'x'), 70'000);
  ::close(client);
}

// RFC 9112 §7.1: an HTTP/1.0 client knows no chunks.
TEST_F(StreamingTest, AnOldClientGetsTheOctetsAndTheEndOfTheConnection) {
  const int client = ask("GET /stream HTTP/1.0\r\n\r\n");
  EXPECT_THAT(read_until(client, "\r\n\r\n"), Not(HasSubstr("chunked")));
  on_stream([](BodyStream& stream) { return stream.push("one"); });
  on_stream([](BodyStream& stream) { return stream.end(), true; });
  EXPECT_EQ(read_until(client, ""), "one");
  ::close(client);
}

TEST_F(StreamingTest, HeadHasNoBodyAndEndsIt) {
  const int client = ask("HEAD /stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_THAT(read_until(client, ""), EndsWith("\r\n\r\n"));
  EXPECT_TRUE(on_stream([](BodyStream& stream) { return stream.is_over(); }));
  ::close(client);
}

TEST_F(StreamingTest, AReaderThatLeavesIsSeen) {
  const int client = ask(kAsked);
  read_until(client, "\r\n\r\n");
  ::close(client);
  EXPECT_TRUE(is_over_soon());
  EXPECT_FALSE(on_stream([](BodyStream& stream) { return stream.push("more"); }));
}

// Pipelining behind what does not end: nothing is to come back.
TEST_F(StreamingTest, AReaderThatAsksForMoreIsLetGo) {
  const int client = ask(kAsked);
  read_until(client, "\r\n\r\n");
  EXPECT_GT(::send(client, kAsked.data(), kAsked.size(), MSG_NOSIGNAL), 0);
  EXPECT_EQ(read_until(client, ""), "");
  EXPECT_TRUE(is_over_soon());
  ::close(client);
}

TEST_F(StreamingTest, AReaderThatDoesNotReadIsCutOffAndNotToldThatItIsWhole) {
  const int client = ask(kAsked);
  read_until(client, "\r\n\r\n");
  const std::string piece(50'000, 'x');
  bool is_taken = true;
  for (int i = 0; i < 10'000 && is_taken; ++i)
    is_taken = on_stream([&](BodyStream& stream) { return stream.push(piece); });
  EXPECT_FALSE(is_taken) << "500 MB found room";
  EXPECT_THAT(read_until(client, ""), Not(EndsWith("0\r\n\r\n")));
  ::close(client);
}

TEST_F(StreamingTest, TheEndOfTheServerEndsIt) {
  const int client = ask(kAsked);
  read_until(client, "\r\n\r\n");
  thread_.on_loop([this] { server_.reset(); });
  EXPECT_EQ(read_until(client, ""), "");
  ::close(client);
}

}  // namespace
}  // namespace sallyport::mgmt
