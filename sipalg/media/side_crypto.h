// side_crypto.h — the keys that one side of a stream and we have given each other, and what a leg's profile
// makes of an offer and of an answer: RFC 4568 §5, §7.1, RFC 8643, RFC 3264 §6; threats M10.
//
// An offer as it comes, by the profile of who made it. "Usable": an a=crypto that is understood in full, of
// an allowed suite; never where the profile says none, names no sdes, or allows it over TLS alone and the
// signalling is not TLS. DTLS is not built.
//   line              usable   none   optional  required
//   RTP/SAVP(F)       yes      -      secured   secured
//   RTP/SAVP(F)       no       refused in each mode: it was promised more than we could keep
//   RTP/AVP(F)        yes      -      secured   secured     RFC 8643
//   RTP/AVP(F)        no       plain  plain     refused
//   RTP/AVP(F)        broken   plain  refused   refused     never silently plain
//   UDP/TLS/...       any      refused
// The offer as it goes on, by the profile of who receives it:
//   none: AVP(F).  required: SAVP(F), a line for each suite; refused where SDES may not be used.
//   optional: SAVP(F) when this side is secured under it already; AVP(F) with a line for each suite (best
//   effort) when the offerer's side is secured, the signalling is TLS or this side is secured already; else
//   AVP(F). Who comes out of another session by a transfer is what it was there.
// Its answer:
//   as offered        one a=crypto that takes up ours   no a=crypto, AVP(F)   else
//   SAVP(F)           secured; under AVP(F) refused     refused               refused
//   AVP(F) with keys  secured                           plain                 refused
//   AVP(F)            plain, under AVP(F); its a=crypto means nothing         refused
// The answer to the offerer has the profile that it offered, its tag and suite, and our key. The two sides
// know nothing of each other: any mix is relayed.
//
// Our key towards a side stays for as long as the stream and the suite do, theirs as long as they repeat it;
// another one has another number. A stream that gets new ports gets new keys. Our keys have no lifetime but
// that of RFC 3711 §9.2 and no MKI, which nobody needs who has one key at a time; theirs count as they say.
//
// Dialogs that one INVITE makes were all offered the same lines, so those stay until one of them has
// answered, whatever another one says or is offered meanwhile. RFC 4568 §7.1.4 is then for that dialog alone:
// once plain, a side gets new keys. No key stream is used twice either way: the relay numbers on.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "media-relay/control/media_command.h"
#include "policy/base/boxed.h"
#include "policy/model/profile.h"
#include "sipalg/media/key_source.h"
#include "sipalg/sdp/sdes_attribute.h"
#include "sipalg/sdp/session_description.h"

namespace sallyport::sip {

struct MediaLeg;

// Of one side of one stream. Nobody has one where keys were never spoken of.
struct SideCrypto {
  bool is_secured = false;        // plain packets do not count
  bool is_savp = false;           // it was agreed under RTP/SAVP(F)
  SrtpSuite suite{};              // agreed, when `ours_number` is not 0
  std::uint16_t ours_number = 0;  // 0: no line of ours was taken up yet
  std::uint16_t theirs_number = 0;
  // One for each suite that was ever shown to it on this stream: of several dialogs with it each may take up
  // what the one offer had, whatever another has said since. RFC 3261 §13.2.2.4
  std::vector<SdesAttribute> ours;
  std::uint32_t tag = 0;  // by which the agreed one is known to it
  media::WipedSrtpKey theirs;
  media::SrtpProgress theirs_progress, ours_progress;  // as the relay last told

  [[nodiscard]] const SdesAttribute* agreed() const noexcept;
  // Nothing but what a CDR says.
  void forget_keys() noexcept;
  template <class Archive>
  void archive(Archive& a) {
    a(is_secured, is_savp, suite, ours_number, theirs_number, ours, tag, *theirs, theirs_progress,
      ours_progress);
    if constexpr (Archive::kReads)
      if (suite > SrtpSuite::AesCm256HmacSha1_32 || ours.size() > kSdesLinesMax) a.fail();
  }
};
using CryptoBox = Boxed<SideCrypto>;

// What an offer was sent on with.
enum class KeyOffer : std::uint8_t { None, BestEffort, Required, kCount };

[[nodiscard]] bool may_use_sdes(const MediaLeg& leg) noexcept;

// What became of a line of an offer or of an answer.
enum class Keying : std::uint8_t { Plain, Secured, Refused };

// An offer of this leg. `chosen` has a key when it is secured.
[[nodiscard]] Keying hear_offered_keys(const MediaDescription& line, const MediaLeg& leg,
                                       SdesAttribute& chosen) noexcept;
// Whether a key of ours that was in use before a side was plain may come again.
enum class KeyReturn : std::uint8_t {
  Never,    // the dialog is the only one
  Allowed,  // several dialogs have been shown it, and each may take it up
};
struct OwnKeys {
  KeySource& source;
  KeyReturn key_return;
};
// What follows from that, once the line has its ports.
void take_offered_keys(const MediaDescription& line, Keying keying, const SdesAttribute& chosen,
                       CryptoBox& side, const OwnKeys& keys);

// How an offer goes on to this leg. `side`: its state so far. Nothing: it can't.
[[nodiscard]] std::optional<KeyOffer> key_offer_to(const MediaLeg& leg, const CryptoBox& side,
                                                   Keying offerer) noexcept;
// The lines to show.
void offer_keys(KeyOffer offer, const MediaLeg& leg, CryptoBox& side, const OwnKeys& keys);

// An answer of this leg to what was offered so.
[[nodiscard]] Keying hear_answered_keys(const MediaDescription& line, KeyOffer offered, const MediaLeg& leg,
                                        CryptoBox& side) noexcept;

// An answer to what this side had been sent, which we said again: nothing less than there was.
[[nodiscard]] Keying hear_refreshed_keys(const MediaDescription& line, CryptoBox& side) noexcept;

// A dialog has its turn again: what it agreed on, in the numbers of `last`, which was in force meanwhile.
void resume_keys(const CryptoBox& last, CryptoBox& side);

// RTP/AVP and so on with or without the S, feedback as it was.
[[nodiscard]] SdpProfile profile_for(SdpProfile offered, KeyOffer offer) noexcept;

// For the relay.
void fill_keys(const CryptoBox& side, media::MediaKeys& keys) noexcept;

}  // namespace sallyport::sip
