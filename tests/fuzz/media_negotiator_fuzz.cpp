// media_negotiator_fuzz.cpp — offers, previews, answers, refusals, closes and restarts in any order: orders
// to the relay are balanced, no port belongs to two streams, and at the end every port is back (threats P11,
// M9).
#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "policy/base/archive.h"
#include "policy/base/check.h"
#include "sipalg/sdp/sdp_parser.h"
#include "tests/support/media_fixture.h"

namespace {

using namespace sallyport;
using namespace sallyport::sip;
using media::MediaCommand;
using media::StreamSide;
using tests::MediaFixture;

class Octets {
 public:
  Octets(const std::uint8_t* bytes, std::size_t size) : bytes_(bytes), size_(size) {}
  [[nodiscard]] bool is_empty() const { return at_ == size_; }
  unsigned next(unsigned below) { return is_empty() ? 0 : bytes_[at_++] % below; }
  template <std::size_t kCount>
  std::string_view one_of(const std::string_view (&words)[kCount]) {
    return words[next(kCount)];
  }

 private:
  const std::uint8_t* bytes_;
  std::size_t size_, at_ = 0;
};

std::string description(Octets& octets) {
  constexpr std::string_view kHosts[] = {"192.0.2.10",   "192.0.2.20",   "2001:db8::10", "0.0.0.0",
                                         "198.51.100.1", "127.0.0.1",    "192.0.2.11",   "::ffff:192.0.2.9",
                                         "::",           "host.example", "224.0.0.1"};
  constexpr std::string_view kLines[] = {
      "m=audio 4000 RTP/AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\n",
      "m=audio 4002 RTP/AVPF 111 9\r\na=rtpmap:111 opus/48000/2\r\na=rtcp-mux\r\n",
      "m=audio 0 RTP/AVP 8\r\n",
      "m=video 4010 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=rtcp:5000\r\n",
      "m=image 4020 udptl t38\r\na=T38FaxVersion:0\r\n",
      "m=audio 4030 RTP/SAVP 8\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNf\r\n",
      "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n",
      "m=audio 65535 RTP/AVP 8\r\na=rtcp:53\r\n",
      "m=audio 4040 RTP/AVP 13 101\r\n",
      "m=image 0 udptl t38\r\n",
      "m=audio 4050 RTP/SAVP 8\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 "
      "inline:WVNfWVNfWVNfWVNfWVNfWVNfWVNfWVNfWVNfWVNf\r\n",
      "m=audio 4052 RTP/AVP 8\r\na=crypto:3 AES_CM_128_HMAC_SHA1_80 "
      "inline:aaaaWVNfWVNfWVNfWVNfWVNfWVNfWVNfWVNfWVNf|2^20|1:4\r\n",
      "m=audio 4054 RTP/SAVPF 8\r\na=crypto:2 AEAD_AES_128_GCM "
      "inline:bbbbWVNfWVNfWVNfWVNfWVNfWVNfWVNfWVNfWQ==\r\n",
      "m=audio 4056 RTP/SAVP 8\r\na=crypto:3 AES_CM_128_HMAC_SHA1_80 "
      "inline:ccccWVNfWVNfWVNfWVNfWVNfWVNfWVNfWVNfWVNf\r\na=crypto:4 AES_CM_128_HMAC_SHA1_32 "
      "inline:ddddWVNfWVNfWVNfWVNfWVNfWVNfWVNfWVNfWVNf UNENCRYPTED_SRTP\r\n",
  };
  constexpr std::string_view kDirections[] = {"", "", "a=sendonly\r\n", "a=recvonly\r\n", "a=inactive\r\n"};
  std::string media;
  const unsigned lines = octets.next(4);
  const std::string_view host = octets.one_of(kHosts);
  for (unsigned i = 0; i < lines; ++i) {
    media += octets.one_of(kLines);
    if (octets.next(4) == 0) {
      const std::string_view own = octets.one_of(kHosts);
      media +=
          (own.find(':') == std::string_view::npos ? "c=IN IP4 " : "c=IN IP6 ") + std::string(own) + "\r\n";
    }
    media += octets.one_of(kDirections);
  }
  std::string sdp = tests::sdp_of(host, media);
  if (octets.next(16) == 0 && !sdp.empty()) sdp[octets.next(255) % sdp.size()] = char(octets.next(256));
  return sdp;
}

// The relay, as far as it can object.
class RelayModel {
 public:
  explicit RelayModel(const MediaFixture& call) : call_(call) {}

  void take(MediaFixture& call, Octets& octets) {
    for (; seen_ < call.orders.size(); ++seen_) obey(call.orders[seen_]);
    if (octets.next(2) == 0) end_quarantine(call);
  }
  void end_quarantine(MediaFixture& call) {
    for (const auto& one : closed_)
      for (const auto& side : one.sides) {
        SALLYPORT_CHECK(ports_.erase(side.local) == 1);
        call.pool->give_back(side.realm, side.local);
      }
    closed_.clear();
  }
  void restart() {
    open_.clear();
    ports_.clear();
    closed_.clear();
    seen_ = 0;
  }
  [[nodiscard]] std::size_t open() const { return open_.size(); }

 private:
  void obey(const MediaCommand& order) {
    switch (order.kind) {
      case MediaCommand::Kind::Open:
        SALLYPORT_CHECK(open_.try_emplace(order.key.stream, order).second);
        for (const auto& side : order.sides) SALLYPORT_CHECK(ports_.insert(side.local).second);
        break;
      case MediaCommand::Kind::Update:
        SALLYPORT_CHECK(open_.contains(order.key.stream));
        for (std::size_t i = 0; i < 2; ++i)
          SALLYPORT_CHECK(open_.at(order.key.stream).sides[i].local == order.sides[i].local);
        break;
      case MediaCommand::Kind::Close:
        SALLYPORT_CHECK(open_.erase(order.key.stream) == 1);
        closed_.push_back(order);
        break;
      case MediaCommand::Kind::SendDigit:
      case MediaCommand::Kind::Ask:
        SALLYPORT_CHECK(false);  // the negotiator knows of no digits, and of no doubts
    }
    for (std::size_t i = 0; i < 2; ++i) check_keys(order, i);
    for (const auto& side : order.sides) {
      const IpAddress& to = side.remote.address;
      if (side.remote.port == 0) continue;
      SALLYPORT_CHECK(!to.is_loopback() && !to.is_multicast() && !to.is_unspecified() &&
                      to.is_v4() == side.local.address.is_v4());
      SALLYPORT_CHECK(side.remote.address != *IpAddress::parse("198.51.100.1") && side.remote.port >= 1024);
    }
  }

  // What a profile forbids is not there; no key of ours serves two streams or two sides; a key with the
  // number of the last one is the last one.
  void check_keys(const MediaCommand& order, std::size_t side) {
    const media::MediaKeys& keys = order.keys[side];
    const SrtpMode mode = call_.profiles[side].srtp.mode;
    if (!keys.is_secured) {
      SALLYPORT_CHECK(keys.theirs_number == 0 && keys.ours_number == 0 && keys.ours == media::SrtpKey());
      SALLYPORT_CHECK(mode != SrtpMode::Required || order.kind == MediaCommand::Kind::Close ||
                      order.media == media::MediaKind::Udptl);
      return;
    }
    SALLYPORT_CHECK(mode != SrtpMode::None && order.media == media::MediaKind::Rtp);
    if (keys.ours_number == 0) return;
    SALLYPORT_CHECK(keys.theirs_number != 0 && keys.theirs.suite == keys.ours.suite);
    const auto place = std::pair(order.key.stream, side);
    const std::vector<std::uint8_t> key(keys.ours.key.begin(), keys.ours.key.end());
    SALLYPORT_CHECK(places_.try_emplace(key, place).first->second == place);
    auto& last = last_[place];
    SALLYPORT_CHECK(last.ours_number != keys.ours_number || last.ours == keys.ours);
    SALLYPORT_CHECK(last.theirs_number != keys.theirs_number || last.theirs == keys.theirs);
    last = keys;
  }

  const MediaFixture& call_;
  std::map<std::pair<std::uint16_t, std::size_t>, media::MediaKeys> last_;
  std::map<std::vector<std::uint8_t>, std::pair<std::uint16_t, std::size_t>> places_;
  std::map<std::uint16_t, MediaCommand> open_;
  std::set<Endpoint> ports_;
  std::vector<MediaCommand> closed_;
  std::size_t seen_ = 0;
};

void restart(MediaFixture& call, RelayModel& relay) {
  std::string bytes;
  ArchiveWriter(bytes, Timestamp{})(call.session);
  call.session = {};
  ArchiveReader reader(bytes, Timestamp{});
  reader(call.session);
  SALLYPORT_CHECK(reader.done());
  call.restart();
  relay.restart();
  SALLYPORT_CHECK(call.negotiator->reopen(call.session, call.context()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  Octets octets(bytes, size);
  MediaFixture call({20000, 20127});  // one pair a slice: soon full
  if (octets.next(2) == 0) call.profiles[1].media.codecs = {"PCMA", "opus", "telephone-event", "H264"};
  if (octets.next(4) == 0) call.profiles[0].media.hold = HoldMode::Inactive;
  for (ProfileConfig& profile : call.profiles) {
    profile.media.dtmf = DtmfMode(octets.next(3));
    profile.srtp.mode = SrtpMode(octets.next(3));
  }
  for (bool& is_over_tls : call.is_over_tls) is_over_tls = octets.next(2) == 0;
  RelayModel relay(call);
  while (!octets.is_empty()) {
    const unsigned step = octets.next(16);
    if (step < 13) {
      const auto side = StreamSide(octets.next(2));
      const SdpStep kind = step < 5 ? SdpStep::Offer : step < 7 ? SdpStep::Preview : SdpStep::Answer;
      const auto before = call.session.streams.size();
      const std::size_t orders = call.orders.size();
      const auto crossed = call.cross(side, kind, description(octets));
      if (crossed.refusal != 0) {
        SALLYPORT_CHECK(call.orders.size() == orders && call.session.streams.size() == before);
      } else {
        static SessionDescription again;
        SALLYPORT_CHECK(parse_sdp(crossed.sdp, again) == SdpError::None);
        for (const std::string_view theirs :
             {"192.0.2.", "maker", "Maker", "WVNfWVNf", "2001:db8::", "example"})
          SALLYPORT_CHECK(crossed.sdp.find(theirs) == std::string::npos);
      }
    } else if (step == 13) {
      call.drop();
    } else if (step == 14) {
      (void)call.close();
      call.session = {};
    } else {
      relay.take(call, octets);
      restart(call, relay);
    }
    relay.take(call, octets);
  }
  (void)call.close();
  relay.take(call, octets);
  relay.end_quarantine(call);
  SALLYPORT_CHECK(relay.open() == 0 && call.taken() == 0);
  return 0;
}
