// detector.h — the detectors of `security.detectors`, and what one of them says.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "policy/base/ip_address.h"
#include "policy/base/time.h"
#include "policy/decide/trust_class.h"
#include "policy/model/index.h"
#include "policy/model/security.h"

namespace sallyport::policy {

// In the order of the configuration.
enum class Detector : std::uint8_t {
  InviteFlood,
  RegisterBruteforce,  // passwords or users are tried
  Scanner,             // who is there?
  ForgedRequest,       // judged where dialogs are (sipalg/call)
  Malformed,
  Tdos,  // many calls to one callee
  TollFraud,
  CallSpam,  // callers whom a list names
  kCount
};
inline constexpr std::size_t kDetectorCount = static_cast<std::size_t>(Detector::kCount);
inline constexpr std::array<std::string_view, kDetectorCount> kDetectorNames{
    "invite_flood", "register_bruteforce", "scanner",  "forged_request", "malformed",
    "tdos",         "toll_fraud",          "call_spam"};
[[nodiscard]] constexpr std::string_view to_string(Detector detector) noexcept {
  return kDetectorNames[static_cast<std::size_t>(detector)];
}

inline constexpr std::size_t kDetectorActionCount = 4;
inline constexpr std::array<std::string_view, kDetectorActionCount> kDetectorActionNames{"log", "challenge",
                                                                                         "reject", "block"};
[[nodiscard]] constexpr std::string_view to_string(DetectorAction action) noexcept {
  return kDetectorActionNames[static_cast<std::size_t>(action)];
}

// Who did something, as far as it is known.
struct Actor {
  RealmIndex realm = RealmIndex::kNone;
  Endpoint source;
  TrustClass trust = TrustClass::Untrusted;  // names of peers and bindings of endpoints looked at
  bool is_peer = false;                      // a configured one, no endpoint
  // The source of this very message can't be forged: it came over a connection, or with a nonce of ours.
  bool is_proved = false;
  std::uint64_t account = 0;  // keyed hash of the endpoint's AOR or the peer's name; 0: nobody's
};

struct Finding {
  Detector detector = Detector::Scanner;
  DetectorAction action = DetectorAction::Log;
  // Of Block only. The source's address is to be blocked for so long, unless is_flow_only.
  Duration block_for{};
  // Of Block only: somebody behind the address has earned trust, so the board itself drops what this flow
  // sends (DetectorBoard::is_punished) for so long; the address is not to be blocked.
  bool is_flow_only = false;
  // Per cent: that this is an attack. Whether it is this source's doing says Actor::is_proved.
  std::uint8_t confidence = 0;
  // False: the same was told a moment ago; what is done is done all the same, and counted.
  bool is_told = true;
  std::string evidence;  // without controls; which figure passed which threshold. Empty unless told
};

}  // namespace sallyport::policy
