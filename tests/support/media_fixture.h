// media_fixture.h — two legs of one call and a negotiator between them, for tests of media.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sipalg/media/media_negotiator.h"

namespace sallyport::tests {

// The caller is in realm 0 ("outside", own address 198.51.100.1 and 2001:db8:51::1), the callee in realm 1
// ("inside", 203.0.113.1 and 2001:db8:113::1).
class MediaFixture {
 public:
  explicit MediaFixture(PortRange ports = {20000, 29999});

  struct Crossed {
    std::uint16_t refusal = 0;
    std::string sdp;
  };
  Crossed cross(media::StreamSide from, sip::SdpStep step, std::string_view sdp);
  Crossed offer(std::string_view sdp) { return cross(media::StreamSide::Caller, sip::SdpStep::Offer, sdp); }
  Crossed preview(std::string_view sdp) {
    return cross(media::StreamSide::Callee, sip::SdpStep::Preview, sdp);
  }
  Crossed answer(std::string_view sdp) { return cross(media::StreamSide::Callee, sip::SdpStep::Answer, sdp); }
  Crossed offer_back(std::string_view sdp) {
    return cross(media::StreamSide::Callee, sip::SdpStep::Offer, sdp);
  }
  Crossed answer_back(std::string_view sdp) {
    return cross(media::StreamSide::Caller, sip::SdpStep::Answer, sdp);
  }
  void drop();
  std::size_t close();

  // The last order for the stream that was opened as the n-th; its settings of a side.
  [[nodiscard]] const media::MediaCommand& order(std::size_t stream) const;
  [[nodiscard]] const media::MediaSideSettings& caller(std::size_t stream = 0) const;
  [[nodiscard]] const media::MediaSideSettings& callee(std::size_t stream = 0) const;
  [[nodiscard]] std::string kinds() const;  // of all orders so far: "OUC"
  [[nodiscard]] std::size_t open_streams() const;
  // What the relay does after quarantine: gives back the ports of all closed streams.
  void end_quarantine();
  [[nodiscard]] std::uint32_t taken() const;

  SbcConfig config;
  std::array<ProfileConfig, 2> profiles;
  std::array<IpAddress, 2> signalled{*IpAddress::parse("192.0.2.10"), *IpAddress::parse("192.0.2.20")};
  std::array<bool, 2> is_over_tls{};
  std::array<sip::SdpIdentity, 2> identities{sip::SdpIdentity{11, 0, 0}, sip::SdpIdentity{22, 0, 0}};
  sip::AttributeEdits edits;
  sip::MediaSession session;
  std::vector<media::MediaCommand> orders;
  std::unique_ptr<media::PortPool> pool;
  std::unique_ptr<sip::MediaNegotiator> negotiator;

  [[nodiscard]] sip::MediaContext context();
  void restart();  // a new pool and negotiator, as after a restart; the session stays

 private:
  std::uint16_t streams_made_ = 0;
  std::uint64_t starts_ = 0;
};

// A description of one m-line of voice: c= and o= of `host`, PCMA and PCMU with telephone-event 101, and what
// `lines` adds to the m-line.
[[nodiscard]] std::string voice_sdp(std::string_view host, unsigned port, std::string_view lines = "");
// v=, o=, s=, c=, t= of this host, and `media` below it.
[[nodiscard]] std::string sdp_of(std::string_view host, std::string_view media);
// `sdp` as another leg would see it with every m-line live on port 20000 of `own`. Nothing: it can't be read,
// or does not fit.
[[nodiscard]] std::optional<std::string_view> crossed_whole(std::span<char> room, std::string_view sdp,
                                                            const IpAddress& own, sip::SdpIdentity& identity);
// The port in the n-th m-line; 0 too when there is none.
[[nodiscard]] unsigned port_of(std::string_view sdp, std::size_t line = 0);

}  // namespace sallyport::tests
