// profile.h — a Profile as configured: how a neighbour speaks SIP and media. A Peer holds a resolved copy.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "policy/model/units.h"

namespace sallyport {

enum class Strictness : std::uint8_t { Strict, Normal, Lenient };
enum class FeatureMode : std::uint8_t { Auto, Refuse };
enum class ReferMode : std::uint8_t { Resolve, Pass, Refuse };
enum class RedirectMode : std::uint8_t { Follow, Pass, Refuse };
enum class ResponsesTo : std::uint8_t { Via, Source };
enum class IdentityAccept : std::uint8_t { None, Pai, All };
enum class IdentitySend : std::uint8_t { None, Pai, Rpid };
enum class SrtpMode : std::uint8_t { None, Optional, Required };
enum class SrtpKeying : std::uint8_t { Sdes, Dtls };
enum class SrtpSuite : std::uint8_t {
  Aes256Gcm,
  Aes128Gcm,
  AesCm128HmacSha1_80,
  AesCm128HmacSha1_32,
  AesCm256HmacSha1_80,
  AesCm256HmacSha1_32
};
enum class LatchMode : std::uint8_t { Sdp, Signalled, Any };
enum class RtcpMode : std::uint8_t { Relay, Terminate };
enum class DtmfMode : std::uint8_t { Pass, Rfc4733, Info };
enum class HoldMode : std::uint8_t { Pass, Inactive };

struct ProfileTimers {
  Duration t1 = 500ms, setup = 5s, ring = 180s, early_media = 180s, call = 4h, session = 30min;
};

struct ProfileSrtp {
  SrtpMode mode = SrtpMode::Optional;
  bool sdes_only_over_tls = false;
  std::vector<SrtpKeying> keying{SrtpKeying::Sdes, SrtpKeying::Dtls};
  std::vector<SrtpSuite> suites{SrtpSuite::Aes256Gcm, SrtpSuite::Aes128Gcm, SrtpSuite::AesCm128HmacSha1_80};
};

struct ProfileMedia {
  LatchMode latch = LatchMode::Signalled;
  FeatureMode ice = FeatureMode::Auto;
  RtcpMode rtcp = RtcpMode::Relay;
  std::vector<std::string> codecs;  // empty: any
  DtmfMode dtmf = DtmfMode::Pass;
  HoldMode hold = HoldMode::Pass;
  Duration inactivity = 60s;
  std::uint32_t policing_percent = 150;
};

struct ResponseMap {
  std::uint16_t in = 0, out = 0;
};

// A failure whose Reason names that Q.850 cause counts as that status towards the other leg. RFC 3326 §2
struct CauseMap {
  std::uint8_t cause = 0;
  std::uint16_t code = 0;
};

struct ProfileConfig {
  std::string name;
  Strictness strictness = Strictness::Normal;
  std::vector<std::string> methods{"INVITE", "ACK",  "CANCEL", "BYE",    "OPTIONS", "PRACK",
                                   "UPDATE", "INFO", "REFER",  "NOTIFY", "MESSAGE"};
  std::vector<std::string> events{"dialog", "presence", "message-summary", "reg", "ua-profile", "refer"};
  ProfileTimers timers;
  FeatureMode prack = FeatureMode::Auto;
  FeatureMode update = FeatureMode::Auto;
  ReferMode refer = ReferMode::Resolve;
  RedirectMode redirect = RedirectMode::Refuse;
  ResponsesTo responses_to = ResponsesTo::Via;
  std::vector<ResponseMap> response_map;
  std::vector<CauseMap> cause_map;  // goes before response_map
  bool send_cause = false;  // a failure to this peer gets a Q.850 Reason where none came; RFC 3398 §8.2.6.1
  IdentityAccept identity_accept = IdentityAccept::None;
  IdentitySend identity_send = IdentitySend::Pai;
  bool honour_privacy = true;
  std::vector<std::string> headers_pass;
  std::vector<std::string> header_rules_in, header_rules_out;  // header_rules by name
  ProfileSrtp srtp;
  ProfileMedia media;
};

}  // namespace sallyport
