// board_fixture.h — a board of detectors as shipped, in virtual time, and those who call, register and scan.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "policy/detect/detector_board.h"

namespace sallyport::policy {

class BoardTest : public testing::Test {
 protected:
  static constexpr HashKey kKey{0x0123456789abcdef, 0xfedcba9876543210};
  static constexpr RealmIndex kRealm{0};

  // A stranger on UDP. `host` counts addresses from 192.0.2.0 (of 2^32, as 198.51.100.0 and all else).
  static Actor stranger(std::uint32_t host = 1, std::uint16_t port = 5060) {
    return {.realm = kRealm, .source = {IpAddress::v4(0xc0000200u + host), port}};
  }
  static Actor proved(Actor actor) {
    actor.is_proved = true;
    return actor;
  }
  static Actor endpoint(std::uint32_t host = 1, std::uint16_t port = 5060) {
    Actor actor = stranger(host, port);
    actor.trust = TrustClass::Known;
    actor.account = 0x1234567887654321u + (std::uint64_t{host} << 40) + port;
    return actor;
  }
  static Actor peer(std::uint32_t host = 200) {
    Actor actor = stranger(host);
    actor.trust = TrustClass::Known;
    actor.is_peer = true;
    actor.account = 77;
    return actor;
  }
  void earn(const Actor& actor) { earned.promote(actor.realm, actor.source, now, now + 1h); }

  std::optional<Finding> call(const Actor& actor, std::string_view called = "+4930123456") {
    return board.before_call(now, actor, {.called = called});
  }
  static DetectorAction action_of(const std::optional<Finding>& finding) {
    return finding ? finding->action : DetectorAction::Log;
  }
  static bool is_refused(const std::optional<Finding>& finding) {
    return finding && finding->action != DetectorAction::Log;
  }

  Timestamp now{100h};
  EarnedTrust earned{10'000, kKey};
  DetectorsConfig config;
  DetectorBoard board{config, 100'000, kKey, earned};
};

}  // namespace sallyport::policy
