// sdp_crossing.h — one description on its way from one leg to the other: RFC 3264 §5 to §8, RFC 6337.
//
// Works on copies: nothing of the session changes before commit(), and what was taken from the pool goes back
// when there is none.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "policy/base/fixed_vector.h"
#include "sipalg/media/media_negotiator.h"

namespace sallyport::sip {

class SdpCrossing {
 public:
  struct Parts {
    const SbcConfig& config;
    media::PortPool& ports;
    const MediaTargets& targets;
    KeySource& keys;
    const SessionDescription& came;
    const MediaContext& context;
    bool is_of_invite;
    std::vector<StreamState>& room;  // where the streams are put together
  };
  SdpCrossing(const Parts& parts, const MediaSession& session, media::StreamSide from);
  ~SdpCrossing();
  SdpCrossing(const SdpCrossing&) = delete;
  SdpCrossing& operator=(const SdpCrossing&) = delete;

  // 0, or 488, or 503.
  [[nodiscard]] std::uint16_t offer();
  [[nodiscard]] std::uint16_t answer(SdpStep step);
  [[nodiscard]] std::uint16_t refresh();
  // What the other side is to see.
  [[nodiscard]] const FarDescription& far() const noexcept { return far_; }
  // The streams as they are now; ports that were taken are theirs.
  [[nodiscard]] std::vector<StreamState> commit();

 private:
  [[nodiscard]] std::uint16_t offer_line(std::size_t at);
  [[nodiscard]] std::uint16_t answer_line(std::size_t at, SdpStep step);
  [[nodiscard]] std::uint16_t refresh_line(std::size_t at);
  [[nodiscard]] std::uint16_t anchor(std::size_t at, bool is_v4_near);
  [[nodiscard]] std::uint16_t hear(const MediaDescription& media, const FarMedia& far, StreamSideState& side);
  [[nodiscard]] std::uint16_t hear_place(const MediaDescription& media, StreamSideState& side,
                                         bool is_said_again);
  [[nodiscard]] std::optional<Endpoint> target_of(const Endpoint& said) const noexcept;
  [[nodiscard]] bool is_of_this_session(const Endpoint& own) const noexcept;
  [[nodiscard]] DtmfMode digits_of(media::StreamSide side) const noexcept;
  [[nodiscard]] bool bridges_digits(const MediaDescription& line) const noexcept;
  [[nodiscard]] bool may_have_events(media::StreamSide side) const noexcept;
  void offer_events(const MediaDescription& line, StreamState& stream, FarMedia& far) const noexcept;
  void answer_events(const MediaDescription& line, StreamState& stream, FarMedia& far) const noexcept;
  [[nodiscard]] std::optional<KeyOffer> key_offer_of(const MediaDescription& line, Keying keying,
                                                     const StreamState& stream) const noexcept;
  void show(std::size_t at, bool is_offer);
  void show_session();
  [[nodiscard]] const MediaLeg& leg(media::StreamSide side) const noexcept;
  [[nodiscard]] IpAddress shown_of(media::StreamSide side, const IpAddress& own) const noexcept;

  Parts parts_;
  media::StreamSide from_, to_;
  const std::vector<StreamState>& base_;  // what it starts from
  bool is_renegotiated_;                  // both sides have said before where they want media
  std::vector<StreamState> next_;
  FixedVector<media::StreamPorts, kSdpMediaMax> taken_;
  FarDescription far_;
};

}  // namespace sallyport::sip
