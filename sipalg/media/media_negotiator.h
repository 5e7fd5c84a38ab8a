// media_negotiator.h — carries descriptions from one leg to the other: every stream is anchored on our own
// ports, nothing of a side remains visible, and the relay learns what was agreed. RFC 3264, 6337, 8866, 3605,
// 5761, 3551, 4733, 4568 (side_crypto.h); threats P11, M10 to M12.
//
// No I/O: descriptions go in; descriptions and commands for the relay come out. One for each engine.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "media-relay/control/media_command.h"
#include "media-relay/control/media_notice.h"
#include "media-relay/control/port_pool.h"
#include "policy/base/spares.h"
#include "policy/model/sbc_config.h"
#include "policy/record/call_record.h"
#include "sipalg/media/key_source.h"
#include "sipalg/media/media_session.h"
#include "sipalg/media/media_targets.h"
#include "sipalg/sdp/sdp_identity.h"
#include "sipalg/sdp/sdp_writer.h"

namespace sallyport::sip {

// One leg as media sees it. The profile is the leg's peer's, or the default one; it outlives the call.
struct MediaLeg {
  RealmIndex realm = RealmIndex::kNone;
  IpAddress signalled;  // the far host of its signalling: chooses the address family of our ports
  const ProfileConfig* profile = nullptr;
  bool is_over_tls = false;  // its signalling, hop by hop: keys may stand in it
  // In the session that it comes from; all of its streams under RTP/SAVP(F).
  bool was_secured = false, was_savp = false;
  const RealmConfig* facts = nullptr;  // of its realm, as its call knows it; null: as the negotiator does
};
struct MediaContext {
  std::uint64_t call = 0;
  std::uint8_t shard = 0;
  std::uint16_t& streams_made;                 // of the call: numbers its streams
  std::array<MediaLeg, 2> legs;                // by StreamSide
  std::vector<media::MediaCommand>& commands;  // those of the engine's output
  AttributeEdits edits = {};                   // steps of header rules on what the other side is to see
  // Several dialogs may have been offered the same: its keys stay, whatever one of them says.
  bool is_early = false;
};

enum class SdpStep : std::uint8_t {
  Offer,
  Preview,  // of an unreliable 18x to an offer in the INVITE: the same answer, or another, may follow
  Answer,
};

struct SdpInput {
  media::StreamSide from;
  SdpStep step;
  std::string_view sdp;
  SdpIdentity& identity;  // of the dialog in which the other side is told
  std::span<char> room;   // for what the other side is to see
  // An answer to what the INVITE offered, or that offer once more for another dialog; not to what was offered
  // since.
  bool is_of_invite = false;
};

struct CrossedSdp {
  // 0: `sdp` goes on. 400: can't be read; 488: not acceptable here (Warning 304 or the like is the engine's);
  // 503: no ports or no room in the relay. Of an answer any of them means: the far side is to be treated as
  // if it had refused, and its dialog ended.
  std::uint16_t refusal = 0;
  std::string_view sdp;  // in `room`
};

class MediaNegotiator {
 public:
  // `seed`, `user`: see KeySource.
  MediaNegotiator(const SbcConfig& config, media::PortPool& ports, const KeySeed& seed, std::uint64_t user);

  // On refusal the session is as it was.
  [[nodiscard]] CrossedSdp cross(MediaSession& session, const SdpInput& input, const MediaContext& context);
  // The answer of `from` to an offer of ours that said again what it had been sent: it binds, and the other
  // side need not know. 0, or as in CrossedSdp, and then nothing has changed.
  [[nodiscard]] std::uint16_t hear_refresh(MediaSession& session, media::StreamSide from,
                                           std::string_view sdp, const MediaContext& context);
  // The offer was refused, or its transaction failed, or no answer came: all is as before it.
  void drop_offer(MediaSession& session, const MediaContext& context);
  // The streams become those of an early dialog once more, as it had agreed on them; no offer is open. Those
  // that were closed meanwhile stay closed.
  void resume(MediaSession& session, const AgreedStreams& agreed, const MediaContext& context);
  // Closes every stream. How many of them will send a Final notice, those that were closed before not
  // counted. What describe() says stays.
  std::size_t close(MediaSession& session, const MediaContext& context);
  // After a restart: takes the same ports and opens the streams as they were. False: some ports are not ours
  // any more; their streams are as refused.
  bool reopen(MediaSession& session, const MediaContext& context);

  // Another configuration, which outlives the negotiator or the next: own and advertised addresses.
  void adopt(const SbcConfig& config) { targets_ = MediaTargets(config); }
  // Its memory may serve another one.
  void recycle(MediaSession&& session) { recycle(std::move(session.streams)); }

  // For the CDR: what the negotiation knows of each direction (codec, crypto, our and their address).
  // Appends, streams that gave way to others too.
  void describe(const MediaSession& session, std::vector<MediaRecord>& records) const;

 private:
  static constexpr std::size_t kSparesMax = 64;
  void recycle(std::vector<StreamState>&& streams);

  const SbcConfig& config_;
  media::PortPool& ports_;
  MediaTargets targets_;
  KeySource keys_;
  Spares<std::vector<StreamState>> spares_{kSparesMax};
  SessionDescription came_;  // of the crossing that is under way: too large for a stack
};

}  // namespace sallyport::sip
