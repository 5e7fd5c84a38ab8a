// name_servers_test.cpp — queries over real sockets to a small server on loopback: RFC 1035 §4.2, RFC 7766.
#include "dataplane/dns/name_servers.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <map>
#include <string>
#include <vector>

#include "dataplane/net/unique_fd.h"
#include "tests/support/dns_answer.h"

namespace sallyport::dataplane {
namespace {

using tests::DnsAnswerBuilder;
using Octets = std::vector<std::uint8_t>;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

// Listens over UDP and TCP on one port that Linux chose; answers as `answers` says, by the name asked for.
class LoopbackServer {
 public:
  LoopbackServer() {
    for (unsigned tries = 0; tries < 50 && !tcp_; ++tries) {
      udp_ = UniqueFd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      sockaddr_in address = loopback(0);
      socklen_t length = sizeof address;
      if (::bind(udp_.get(), reinterpret_cast<sockaddr*>(&address), length) != 0) continue;
      ::getsockname(udp_.get(), reinterpret_cast<sockaddr*>(&address), &length);
      port_ = ntohs(address.sin_port);
      UniqueFd tcp(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      const bool is_free = ::bind(tcp.get(), reinterpret_cast<sockaddr*>(&address), length) == 0;
      if (is_free && ::listen(tcp.get(), 8) == 0) tcp_ = std::move(tcp);
    }
  }
  [[nodiscard]] Endpoint endpoint() const { return {IpAddress::v4(INADDR_LOOPBACK), port_}; }
  void list(std::vector<pollfd>& waits) const {
    waits.push_back({udp_.get(), POLLIN, 0});
    waits.push_back({tcp_.get(), POLLIN, 0});
    if (connection_) waits.push_back({connection_.get(), POLLIN, 0});
  }
  void serve() {
    std::array<std::uint8_t, 4096> bytes{};
    sockaddr_in from{};
    socklen_t length = sizeof from;
    const ssize_t got =
        ::recvfrom(udp_.get(), bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&from), &length);
    if (got > 12) {
      const Octets reply = reply_to({bytes.begin(), bytes.begin() + got}, false);
      if (!reply.empty())
        (void)::sendto(udp_.get(), reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&from), length);
    }
    if (!connection_)
      connection_ = UniqueFd(::accept4(tcp_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    const ssize_t read = connection_ ? ::recv(connection_.get(), bytes.data(), bytes.size(), 0) : -1;
    if (read <= 14) return;
    const Octets reply = reply_to({bytes.begin() + 2, bytes.begin() + read}, true);
    Octets framed;
    DnsAnswerBuilder::put16(framed, static_cast<unsigned>(reply.size()));
    framed.insert(framed.end(), reply.begin(), reply.end());
    (void)::send(connection_.get(), framed.data(), framed.size(), MSG_NOSIGNAL);
  }

  std::map<std::string, DnsAnswerBuilder> answers;
  bool truncates_over_udp = false;
  unsigned over_udp = 0, over_tcp = 0;  // queries

 private:
  static std::string name_of(const Octets& query) {
    std::string name;
    for (std::size_t at = 12; at < query.size() && query[at] != 0; at += 1u + query[at])
      name += (name.empty() ? "" : ".") +
              std::string(query.begin() + static_cast<std::ptrdiff_t>(at) + 1,
                          query.begin() + static_cast<std::ptrdiff_t>(at) + 1 + query[at]);
    return name;
  }
  Octets reply_to(const Octets& query, bool is_tcp) {
    ++(is_tcp ? over_tcp : over_udp);
    const auto found = answers.find(name_of(query));
    if (found == answers.end()) return {};
    DnsAnswerBuilder reply = found->second;
    reply.id = static_cast<unsigned>(query[0] << 8 | query[1]);
    if (truncates_over_udp && !is_tcp) reply.flags(0x8380);
    return reply.bytes();
  }

  UniqueFd udp_, tcp_, connection_;
  std::uint16_t port_ = 0;
};

class NameServersTest : public ::testing::Test {
 protected:
  struct Heard {
    std::uint64_t tag, id;
    bool is_answered;
    Octets message;
  };
  NameServers& servers() {
    if (!servers_) {
      config.servers = {server.endpoint()};
      config.timeout = 150ms;
      auto made = NameServers::create(config, nullptr, [this](std::uint64_t tag, const sip::DnsReply& reply) {
        heard.push_back({tag, reply.id, reply.is_answered, {reply.message.begin(), reply.message.end()}});
      });
      EXPECT_TRUE(made) << made.error();
      servers_ = std::move(*made);
    }
    return *servers_;
  }
  // Until `count` answers were heard, or ten seconds of waiting for any event.
  void wait_for(std::size_t count) {
    for (unsigned turns = 0; turns < 1000 && heard.size() < count; ++turns) {
      std::vector<pollfd> waits{{servers().fd(), POLLIN, 0}};
      server.list(waits);
      (void)::poll(waits.data(), static_cast<nfds_t>(waits.size()), 10);
      server.serve();
      now += 10ms;
      while (servers().run_once(now)) {
      }
    }
    ASSERT_EQ(heard.size(), count);
  }
  DnsAnswerBuilder& put(const std::string& name, sip::DnsType type) {
    return server.answers.insert_or_assign(name, DnsAnswerBuilder(type, name)).first->second;
  }

  DnsConfig config;
  LoopbackServer server;
  std::vector<Heard> heard;
  Timestamp now{1h};

 private:
  std::unique_ptr<NameServers> servers_;
};

TEST_F(NameServersTest, HandsOverTheAnswerAsItCame) {
  put("_sip._udp.example.net", sip::DnsType::Srv)
      .service("_sip._udp.example.net", {1, 2, 5060, "a.example.net"});
  servers().ask(7, {42, sip::DnsType::Srv, "_sip._udp.example.net"});
  EXPECT_TRUE(servers().next_deadline());
  wait_for(1);
  EXPECT_EQ(heard[0].tag, 7u);
  EXPECT_EQ(heard[0].id, 42u);
  EXPECT_TRUE(heard[0].is_answered);
  const Octets expected = server.answers.begin()->second.bytes();
  ASSERT_EQ(heard[0].message.size(), expected.size());
  EXPECT_TRUE(std::equal(expected.begin() + 2, expected.end(), heard[0].message.begin() + 2));
  EXPECT_FALSE(servers().next_deadline());
}

TEST_F(NameServersTest, NoSuchNameAndNoRecordsAreAnswers) {
  put("none.example.net", sip::DnsType::A).code(3).soa("example.net", 60, 60);
  put("empty.example.net", sip::DnsType::A).soa("example.net", 60, 60);
  servers().ask(1, {1, sip::DnsType::A, "none.example.net"});
  servers().ask(1, {2, sip::DnsType::A, "empty.example.net"});
  wait_for(2);
  for (const Heard& one : heard) {
    EXPECT_TRUE(one.is_answered);
    EXPECT_GT(one.message.size(), 40u);
  }
}

TEST_F(NameServersTest, ATruncatedAnswerIsAskedForOverTcp) {
  server.truncates_over_udp = true;
  put("big.example.net", sip::DnsType::A).address("big.example.net", "203.0.113.1");
  servers().ask(1, {1, sip::DnsType::A, "big.example.net"});
  wait_for(1);
  EXPECT_TRUE(heard[0].is_answered);
  EXPECT_EQ(heard[0].message[2] & 0x02, 0);  // not truncated
  EXPECT_EQ(server.over_tcp, 1u);
}

TEST_F(NameServersTest, AServerThatNeverAnswersIsAskedAgainAndThenGivenUp) {
  servers().ask(1, {9, sip::DnsType::A, "silent.example.net"});
  wait_for(1);
  EXPECT_FALSE(heard[0].is_answered);
  EXPECT_TRUE(heard[0].message.empty());
  EXPECT_EQ(heard[0].id, 9u);
  EXPECT_EQ(server.over_udp, 2u);
}

TEST_F(NameServersTest, AQueryThatIsNotAnsweredDoesNotHoldUpOthers) {
  put("quick.example.net", sip::DnsType::A).address("quick.example.net", "203.0.113.1");
  servers().ask(1, {1, sip::DnsType::A, "silent.example.net"});
  servers().ask(1, {2, sip::DnsType::A, "quick.example.net"});
  wait_for(1);
  EXPECT_EQ(heard[0].id, 2u);
  wait_for(2);
  EXPECT_FALSE(heard[1].is_answered);
}

TEST_F(NameServersTest, TooManyQueriesAreAnsweredAtOnceWithNothing) {
  for (std::size_t i = 0; i < NameServers::kQueriesMax; ++i)
    servers().ask(1, {i + 1, sip::DnsType::A, "silent.example.net"});
  EXPECT_TRUE(heard.empty());
  servers().ask(1, {99999, sip::DnsType::A, "silent.example.net"});
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_EQ(heard[0].id, 99999u);
  EXPECT_FALSE(heard[0].is_answered);
}

TEST_F(NameServersTest, NamesThatCannotBeAskedForAreAnsweredWithNothing) {
  servers().ask(1, {1, sip::DnsType::A, std::string(300, 'a')});
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_FALSE(heard[0].is_answered);
}

}  // namespace
}  // namespace sallyport::dataplane
