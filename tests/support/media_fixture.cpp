// media_fixture.cpp — two legs of one call and a negotiator between them.
#include "tests/support/media_fixture.h"

#include <charconv>
#include <set>

#include "sipalg/sdp/sdp_parser.h"

namespace sallyport::tests {
namespace {

RealmConfig realm(std::string_view name, std::string_view v4, std::string_view v6, PortRange ports) {
  RealmConfig config;
  config.name = config.port = name;
  config.media.addresses = {*IpAddress::parse(v4), *IpAddress::parse(v6)};
  config.media.ports = ports;
  config.listen.push_back({Transport::Udp, 5060, config.media.addresses, {}, {}});
  return config;
}

}  // namespace

MediaFixture::MediaFixture(PortRange ports) {
  config.realms = {realm("outside", "198.51.100.1", "2001:db8:51::1", ports),
                   realm("inside", "203.0.113.1", "2001:db8:113::1", ports)};
  for (const RealmConfig& one : config.realms) {
    PortConfig port;
    port.name = one.name;
    for (const IpAddress& address : one.media.addresses)
      port.addresses.push_back({address, static_cast<std::uint8_t>(address.is_v4() ? 24 : 64)});
    config.ports.push_back(std::move(port));
  }
  restart();
}

void MediaFixture::restart() {
  negotiator.reset();
  pool = std::make_unique<media::PortPool>(config, HashKey{1, 2});
  negotiator = std::make_unique<sip::MediaNegotiator>(config, *pool, sip::KeySeed{}, ++starts_);
  orders.clear();
}

sip::MediaContext MediaFixture::context() {
  return {77,
          5,
          streams_made_,
          {sip::MediaLeg{RealmIndex{0}, signalled[0], &profiles[0], is_over_tls[0]},
           sip::MediaLeg{RealmIndex{1}, signalled[1], &profiles[1], is_over_tls[1]}},
          orders,
          edits};
}

MediaFixture::Crossed MediaFixture::cross(media::StreamSide from, sip::SdpStep step, std::string_view sdp) {
  std::vector<char> room(16384);
  const auto crossed = negotiator->cross(
      session, {from, step, sdp, identities[media::index_of(media::other(from))], room}, context());
  return {crossed.refusal, std::string(crossed.sdp)};
}

void MediaFixture::drop() { negotiator->drop_offer(session, context()); }
std::size_t MediaFixture::close() { return negotiator->close(session, context()); }

const media::MediaCommand& MediaFixture::order(std::size_t stream) const {
  std::vector<media::StreamKey> opened;
  for (const auto& one : orders)
    if (one.kind == media::MediaCommand::Kind::Open) opened.push_back(one.key);
  const media::MediaCommand* last = nullptr;
  for (const auto& one : orders)
    if (one.key == opened.at(stream)) last = &one;
  return *last;
}
const media::MediaSideSettings& MediaFixture::caller(std::size_t stream) const {
  return order(stream).sides[0];
}
const media::MediaSideSettings& MediaFixture::callee(std::size_t stream) const {
  return order(stream).sides[1];
}

std::string MediaFixture::kinds() const {
  std::string text;
  for (const auto& one : orders) text += "OUC"[static_cast<std::size_t>(one.kind)];
  return text;
}

std::size_t MediaFixture::open_streams() const {
  std::set<std::uint16_t> open;
  for (const auto& one : orders) {
    if (one.kind == media::MediaCommand::Kind::Open) open.insert(one.key.stream);
    if (one.kind == media::MediaCommand::Kind::Close) open.erase(one.key.stream);
  }
  return open.size();
}

void MediaFixture::end_quarantine() {
  for (const auto& one : orders)
    if (one.kind == media::MediaCommand::Kind::Close)
      for (const auto& side : one.sides) pool->give_back(side.realm, side.local);
}

std::uint32_t MediaFixture::taken() const {
  return pool->use(RealmIndex{0}).taken + pool->use(RealmIndex{1}).taken;
}

std::string sdp_of(std::string_view host, std::string_view media) {
  const std::string family = host.find(':') == std::string_view::npos ? "IN IP4 " : "IN IP6 ";
  const std::string where = family + std::string(host);
  return "v=0\r\no=maker 42 7 " + where + "\r\ns=Maker's call\r\nc=" + where + "\r\nt=0 0\r\n" +
         std::string(media);
}

std::string voice_sdp(std::string_view host, unsigned port, std::string_view lines) {
  return sdp_of(host, "m=audio " + std::to_string(port) +
                          " RTP/AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n" +
                          std::string(lines));
}

std::optional<std::string_view> crossed_whole(std::span<char> room, std::string_view sdp,
                                              const IpAddress& own, sip::SdpIdentity& identity) {
  static sip::SessionDescription came;
  if (sip::parse_sdp(sdp, came) != sip::SdpError::None) return std::nullopt;
  sip::FarDescription far;
  far.shown = own;
  for (const sip::MediaDescription& line : came.media) {
    sip::FarMedia media;
    media.is_live = line.port != 0;
    media.shown = {own, 20000};
    media.profile = line.profile;
    media.direction = line.direction;
    media.rtcp_mux = line.rtcp_mux;
    for (std::size_t i = 0; i < line.formats.size(); ++i)
      media.formats[media.format_count++] = static_cast<std::uint8_t>(i);
    if (!far.media.push_back(media)) return std::nullopt;
  }
  return sip::write_description(room, came, far, identity);
}

unsigned port_of(std::string_view sdp, std::size_t line) {
  std::size_t at = 0;
  for (std::size_t i = 0; i <= line; ++i) {
    at = sdp.find("\r\nm=", at);
    if (at == std::string_view::npos) return 0;
    at += 4;
  }
  const std::string_view rest = sdp.substr(sdp.find(' ', at) + 1);
  unsigned port = 0;
  std::from_chars(rest.data(), rest.data() + rest.size(), port);
  return port;
}

}  // namespace sallyport::tests
