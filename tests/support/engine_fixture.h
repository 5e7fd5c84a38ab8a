// engine_fixture.h — a SipEngine with one realm and one peer, driven by datagrams in virtual time.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "policy/model/sbc_config.h"
#include "sipalg/engine/sip_engine.h"

namespace sallyport::tests {

struct Answer {
  std::string bytes;
  Endpoint to;
};

class EngineFixture {
 public:
  EngineFixture() {
    config.realms.resize(2);
    config.realms[0].name = "outside";
    config.realms[1].name = "inside";
    config.peers.resize(2);
    config.peers[0].name = "carrier";
    config.peers[1].name = "other";
    config.dataplane.capacity.sources = 4096;
    settings.transactions_max = 64;
    settings.calls_max = 16;
    settings.message_ring_bytes = 65536;
    settings.table_key = {1, 2};
    settings.token_key = {3, 4};
    settings.owns_trunks = false;
    input.listener = ListenerIndex{0};
    input.realm = RealmIndex{0};
    input.peer = PeerIndex{0};
    input.trust = TrustClass::Known;
    input.local = *parse_endpoint("198.18.1.1:5060", 0);
    input.remote = *parse_endpoint("198.18.1.2:5060", 0);
  }

  // Change config, settings and input before the first call; input also between calls.
  std::optional<Answer> receive(std::string_view bytes) {
    out.clear();
    input.bytes = bytes;
    engine().on_message(now, input, out);
    if (out.sends().empty()) return std::nullopt;
    return Answer{std::string(out.sends()[0].bytes), out.sends()[0].path.remote};
  }
  sip::SipEngine& engine() {
    if (!engine_) {
      shared_ = std::make_unique<sip::SharedPolicy>(config, HashKey{5, 6});
      engine_ = std::make_unique<sip::SipEngine>(config, *shared_, settings);
    }
    return *engine_;
  }
  std::uint64_t dropped(sip::SipDropReason reason) {
    return engine().counters(input.realm).dropped.value(reason);
  }

  SbcConfig config;
  sip::SipEngineSettings settings;
  sip::MessageInput input;
  Timestamp now{std::chrono::hours(1)};
  sip::EngineOutput out;

 private:
  std::unique_ptr<sip::SharedPolicy> shared_;
  std::unique_ptr<sip::SipEngine> engine_;
};

}  // namespace sallyport::tests
