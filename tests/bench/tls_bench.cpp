// tls_bench.cpp — TLS handshakes through TlsContexts, TlsSession and TlsHandshakes beside OpenSSL alone with
// memory BIOs: same key (P-256), same group, same run. Client and server both count, on one core. And what an
// idle session holds.
//
// `Ratio` is the goal: at least 0.7. It runs both ways by turns, so that a busy machine is unfair to neither.
#include <benchmark/benchmark.h>
#include <malloc.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sched.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/tls/tls_contexts.h"
#include "dataplane/tls/tls_handshakes.h"
#include "tests/support/test_certificates.h"

namespace sallyport::dataplane {
namespace {

using test::TestCertificate;
using test::TestFolder;

[[noreturn]] void give_up(const char* why) {
  std::fprintf(stderr, "tls_bench: %s\n", why);
  std::exit(1);
}

// Threads that begin later inherit it.
void stay_on_one_core() {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(sched_getcpu()), &set);
  sched_setaffinity(0, sizeof set, &set);
}

struct Material {
  TestCertificate authority = TestCertificate::make({.common_name = "authority", .is_authority = true});
  TestCertificate server = TestCertificate::make({.alternative_names = "DNS:sip.example.net"}, &authority);
};

const Material& material() {
  static const Material made;
  return made;
}

// Ours ----------------------------------------------------------------------------------------------------

class Ours {
 public:
  Ours() {
    config_.tls.authorities.push_back(
        {"ca", {folder_.put("ca.pem", material().authority.certificate_pem())}});
    config_.tls.certificates.push_back({"edge", folder_.put("s.pem", material().server.certificate_pem()),
                                        folder_.put("s.key", material().server.key_pem())});
    RealmConfig& realm = config_.realms.emplace_back();
    realm.name = "outside";
    realm.listen.push_back({Transport::Tls, 5061, {}, "edge", ClientCertificate::None});
    // A peer each, so that no session is resumed.
    for (int i = 0; i < kPeers; ++i) {
      PeerConfig& peer = config_.peers.emplace_back();
      peer.name = std::to_string(i);
      peer.realm = "outside";
      peer.transport = Transport::Tls;
    }
    auto made = TlsContexts::create(config_);
    if (!made) give_up(made.error().c_str());
    contexts_ = std::move(*made);
    handshakes_ = TlsHandshakes::start(1, 64);
  }

  // To and fro by the handshake thread, as connections do it.
  void shake_hands() {
    std::unique_ptr<TlsSession> sides[2] = {
        contexts_->connect_to(PeerIndex(static_cast<std::uint16_t>(next_++ % kPeers)), "sip.example.net"),
        contexts_->accept_on(ListenerIndex{0})};
    TlsState states[2] = {TlsState::Handshaking, TlsState::Handshaking};
    std::vector<std::uint8_t> wire;
    for (std::size_t side = 0; states[0] != TlsState::Open || states[1] != TlsState::Open; side = 1 - side) {
      HandshakeStep step{side, std::move(sides[side]), std::move(wire), {}, {}};
      if (!handshakes_->submit(step)) give_up("refused");
      std::optional<HandshakeStep> done;
      while (!(done = handshakes_->take_done())) {
        pollfd event{handshakes_->fd(), POLLIN, 0};
        ::poll(&event, 1, -1);
      }
      states[side] = done->state;
      if (done->state == TlsState::Failed) give_up(done->session->why().c_str());
      wire.assign(done->session->to_wire().begin(), done->session->to_wire().end());
      done->session->written(wire.size());
      sides[side] = std::move(done->session);
    }
    last_ = {std::move(sides[0]), std::move(sides[1])};
  }
  [[nodiscard]] std::unique_ptr<TlsSession> take_server() { return std::move(last_.second); }

 private:
  static constexpr int kPeers = 1000;
  TestFolder folder_;
  SbcConfig config_;
  std::unique_ptr<TlsContexts> contexts_;
  std::unique_ptr<TlsHandshakes> handshakes_;
  std::pair<std::unique_ptr<TlsSession>, std::unique_ptr<TlsSession>> last_;
  int next_ = 0;
};

// OpenSSL alone -------------------------------------------------------------------------------------------

class Raw {
 public:
  Raw() : server_(SSL_CTX_new(TLS_server_method())), client_(SSL_CTX_new(TLS_client_method())) {
    SSL_CTX_use_certificate(server_, material().server.certificate());
    SSL_CTX_use_PrivateKey(server_, material().server.key());
    SSL_CTX_set_verify(client_, SSL_VERIFY_PEER, nullptr);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(client_), material().authority.certificate());
    SSL_CTX_set_session_cache_mode(server_, SSL_SESS_CACHE_OFF);
    for (SSL_CTX* context : {server_, client_}) SSL_CTX_set1_groups_list(context, "X25519");
  }
  Raw(const Raw&) = delete;
  Raw& operator=(const Raw&) = delete;
  ~Raw() {
    SSL_CTX_free(server_);
    SSL_CTX_free(client_);
  }

  void shake_hands() const {
    SSL* client = begin(client_);
    SSL* server = begin(server_);
    SSL_set_connect_state(client);
    SSL_set_accept_state(server);
    SSL_set_tlsext_host_name(client, "sip.example.net");
    while (SSL_do_handshake(client) + SSL_do_handshake(server) != 2) {
      carry(client, server);
      carry(server, client);
    }
    SSL_free(client);
    SSL_free(server);
  }

 private:
  static SSL* begin(SSL_CTX* context) {
    SSL* ssl = SSL_new(context);
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    return ssl;
  }
  static void carry(SSL* from, SSL* to) {
    char octets[8192];
    for (int got = 0; (got = BIO_read(SSL_get_wbio(from), octets, sizeof octets)) > 0;)
      BIO_write(SSL_get_rbio(to), octets, got);
  }
  SSL_CTX *server_, *client_;
};

template <class Side>
double rate(Side& side, int count) {
  const std::clock_t begin = std::clock();  // of this process: other programs do not count
  for (int i = 0; i < count; ++i) side.shake_hands();
  return count / (static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC);
}

void Ratio(benchmark::State& state) {
  stay_on_one_core();
  Ours ours;
  const Raw raw;
  constexpr int kTurns = 9, kCount = 100;
  std::vector<double> ratios;
  double best_ours = 0, best_raw = 0;
  for (auto unused : state) {
    static_cast<void>(unused);
    for (int turn = 0; turn < kTurns; ++turn) {
      const double one = rate(ours, kCount), other = rate(raw, kCount);
      ratios.push_back(one / other);
      best_ours = std::max(best_ours, one);
      best_raw = std::max(best_raw, other);
    }
  }
  std::sort(ratios.begin(), ratios.end());
  state.counters["ours_per_second"] = best_ours;
  state.counters["raw_per_second"] = best_raw;
  state.counters["ratio_median"] = ratios[ratios.size() / 2];
}
BENCHMARK(Ratio)->Iterations(1)->Unit(benchmark::kMillisecond);

// The heap and nothing else: what the kernel keeps for a connection comes on top.
void IdleSession(benchmark::State& state) {
  Ours ours;
  for (int i = 0; i < 10; ++i) ours.shake_hands();
  std::vector<std::unique_ptr<TlsSession>> idle;
  constexpr std::size_t kCount = 1000;
  idle.reserve(kCount);
  const std::size_t before = mallinfo2().uordblks;
  for (auto unused : state) {
    static_cast<void>(unused);
    for (std::size_t i = 0; i < kCount; ++i) {
      ours.shake_hands();
      idle.push_back(ours.take_server());
    }
  }
  const double each = static_cast<double>(mallinfo2().uordblks - before) / kCount;
  state.counters["octets_each"] = each;
  state.counters["megabytes_10000"] = each * 10'000 / 1e6;
}
BENCHMARK(IdleSession)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sallyport::dataplane

BENCHMARK_MAIN();
