// tls_rig.h — two contexts that know each other's authorities, and a wire in memory between two sessions.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "dataplane/tls/tls_contexts.h"
#include "dataplane/tls/tls_session.h"
#include "tests/support/test_certificates.h"

namespace sallyport::dataplane::test {

using sallyport::test::CertificateWish;
using sallyport::test::TestCertificate;
using sallyport::test::TestFolder;

struct Wire {
  std::unique_ptr<TlsSession> client, server;
  std::string at_client{}, at_server{};  // plain text that arrived
  TlsState client_state = TlsState::Handshaking, server_state = TlsState::Handshaking;

  static bool carry(TlsSession& from, TlsSession& to, std::size_t at_once) {
    bool moved = false;
    while (!from.to_wire().empty()) {
      const auto octets = from.to_wire().first(std::min(at_once, from.to_wire().size()));
      to.take(octets);
      from.written(octets.size());
      moved = true;
    }
    return moved;
  }
  // Until neither has anything to say.
  void run(std::size_t at_once = 1 << 20) {
    for (bool moved = true; moved;) {
      client_state = client->advance(at_client, 1 << 20);
      moved = carry(*client, *server, at_once);
      server_state = server->advance(at_server, 1 << 20);
      moved = carry(*server, *client, at_once) || moved;
    }
  }
  [[nodiscard]] bool both_open() const {
    return client_state == TlsState::Open && server_state == TlsState::Open;
  }
};

// One configuration that is both sides: a listener "outside" and a peer that is reached there.
class TlsRig {
 public:
  TlsRig() : authority(TestCertificate::make({.common_name = "authority", .is_authority = true})) {
    config.tls.authorities.push_back({"ours", {folder.put("ca.pem", authority.certificate_pem())}});
    add_pair("server",
             TestCertificate::make({.alternative_names = "DNS:sip.example.net,IP:198.18.1.2"}, &authority));
    add_pair("client", TestCertificate::make({.alternative_names = "URI:sip:pbx.example.net"}, &authority));
    RealmConfig& realm = config.realms.emplace_back();
    realm.name = "outside";
    realm.listen.push_back({Transport::Tls, 5061, {}, "server", ClientCertificate::Optional});
    add_peer("carrier");
  }

  void add_pair(const std::string& name, const TestCertificate& certificate, const std::string& chain = {}) {
    CertificateConfig& pair = config.tls.certificates.emplace_back();
    pair.name = name;
    put_pair(name, certificate, chain);
    pair.certificate_file = folder.path(name + ".pem");
    pair.key_file = folder.path(name + ".key");
  }
  void put_pair(const std::string& name, const TestCertificate& certificate,
                const std::string& chain = {}) const {
    folder.put(name + ".pem", certificate.certificate_pem() + chain);
    folder.put(name + ".key", certificate.key_pem());
  }
  PeerConfig& add_peer(const std::string& name) {
    PeerConfig& peer = config.peers.emplace_back();
    peer.name = name;
    peer.realm = "outside";
    peer.transport = Transport::Tls;
    return peer;
  }
  [[nodiscard]] ListenerConfig& listener() { return config.realms[0].listen[0]; }
  [[nodiscard]] PeerConfig& peer() { return config.peers[0]; }

  // Reads the files. `contexts` is null on error.
  [[nodiscard]] std::string load() {
    auto made = TlsContexts::create(config);
    if (!made) return made.error();
    contexts = std::move(*made);
    return {};
  }
  [[nodiscard]] Wire connect(std::string_view name = "sip.example.net") const {
    return {contexts->connect_to(PeerIndex{0}, name), contexts->accept_on(ListenerIndex{0})};
  }
  // Loads when that was not done yet, connects, and lets both come to an end.
  [[nodiscard]] Wire shake_hands(std::string_view name = "sip.example.net") {
    if (!contexts) {
      if (const std::string error = load(); !error.empty()) return {};
    }
    Wire wire = connect(name);
    if (wire.client && wire.server) wire.run();
    return wire;
  }

  TestFolder folder;
  TestCertificate authority;
  SbcConfig config;
  std::unique_ptr<TlsContexts> contexts;
};

}  // namespace sallyport::dataplane::test
