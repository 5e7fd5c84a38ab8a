// relay_fuzz.cpp — sequences of open, packet, answer, re-offer, close and time against a small model of what
// must hold: nothing is relayed but within an open stream, by a source of the right rank, in an allowed
// direction, to the other side; at most five packets of a source that is not learned; a stranger changes
// nothing; each stream has one Final, its last notice. Of a secured side nothing passes but what was made
// with a key of its own, and nothing leaves to one but under ours: what is relayed, what goes from stream to
// stream, and what the relay sends itself.
//
// The input is a small program of steps.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "media-relay/relay/relay.h"
#include "media-relay/wire/rtp_header.h"
#include "tests/fuzz/program.h"

using namespace sallyport;
using namespace sallyport::media;
using namespace sallyport::test;

namespace {

constexpr std::size_t kPlaces = 4;  // pairs of ports: as many streams at one time
constexpr std::uint32_t kStreamsMax = 3;
constexpr int kStepsMax = 300;

constexpr std::uint8_t kKeys = 4;

struct ModelSide {
  MediaSideSettings settings;
  MediaKeys keys;
  std::uint8_t theirs = 0, theirs_before = 0, ours = 0;  // which of kKeys; 0: none
  int unproven = 0;  // RTP relayed from a source that was not the learned one, since learning began
};

struct ModelStream {
  enum class Phase { None, Open, Closed } phase = Phase::None;
  StreamKey key;
  MediaKind media = MediaKind::Rtp;
  std::array<ModelSide, 2> sides;
};

class World : public NoticeSink {
 public:
  World(const std::uint8_t* bytes, std::size_t size) : program_(bytes, size), relay_(setup()) {}

  void run() {
    for (int step = 0; step < kStepsMax && !program_.is_over(); ++step) {
      switch (program_.octet() % 8) {
        case 0:
          command(MediaCommand::Kind::Open);
          break;
        case 1:
          command(MediaCommand::Kind::Update);
          break;
        case 2:
          command(MediaCommand::Kind::Close);
          break;
        case 3:
          pass(program_.octet() * 20ms);
          break;
        case 4:
          command(MediaCommand::Kind::SendDigit);
          break;
        case 5:
          command(MediaCommand::Kind::Ask);
          break;
        default:
          packet();
          break;
      }
      require(relay_.counters().streams_open.value() <= kStreamsMax);
    }
    finish();
  }

  bool take(const MediaNotice& notice) noexcept override {
    if (refusals_ > 0) {
      --refusals_;
      return false;
    }
    require(!finals_.contains(notice.key.call));  // nothing behind the last notice
    if (notice.kind == MediaNotice::Kind::Final) finals_[notice.key.call] = true;
    return true;
  }

 private:
  static RelaySetup setup() {
    RelaySetup made;
    made.streams_max = kStreamsMax;
    made.realms.addresses = {{RealmIndex{0}, IpAddress::v4(0xc6336401), 0},
                             {RealmIndex{1}, IpAddress::v4(0x0a000001), 1},
                             {RealmIndex{2}, IpAddress::v4(0xc6336401), 0}};
    made.realms.bits_per_second = {0, 1'000'000, 0};
    made.key = {1, 2};
    made.srtp = SrtpEngineKind::Evp;
    return made;
  }
  static Endpoint someone(std::uint8_t choice) {
    return {IpAddress::v4(0xc0000200u + (choice >> 2) % 4), static_cast<std::uint16_t>(4000 + choice % 4)};
  }

  static Endpoint own_port(std::size_t place, std::size_t side) {
    return {IpAddress::v4(side == 0 ? 0xc6336401 : 0x0a000001),
            static_cast<std::uint16_t>(20000 + 2 * place)};
  }
  // Where its media goes: a port of another stream of ours, too, as a PBX does that leaves descriptions as
  // they are.
  Endpoint some_remote(std::size_t side) {
    const std::uint8_t choice = program_.octet();
    return (choice & 0xc0) == 0xc0 ? own_port(choice % kPlaces, side) : someone(choice);
  }

  MediaSideSettings side_settings(std::size_t place, std::size_t side) {
    MediaSideSettings settings;
    settings.realm = RealmIndex(static_cast<std::uint16_t>(side));
    settings.local = own_port(place, side);
    const std::uint8_t flags = program_.octet();
    if ((flags & 1) != 0) settings.remote = some_remote(side);
    if ((flags & 2) != 0) settings.remote_rtcp = someone(program_.octet());
    if ((flags & 3) == 1) {
      settings.remote_rtcp = settings.remote;
      ++settings.remote_rtcp.port;
    }
    if ((flags & 4) != 0) settings.signalled = someone(program_.octet()).address;
    if ((flags & 8) != 0) settings.rtcp = RtcpMode::Terminate;
    settings.rtcp_mux = (flags & 16) != 0;
    settings.may_send = (flags & 32) == 0;
    const std::uint8_t more = program_.octet();
    settings.latch = LatchMode(more % 3);
    settings.learning = more >> 2 & 1;
    settings.payload_count = more >> 3 & 1;
    settings.payloads[0].number = 8;
    settings.packets_per_second = (more >> 4 & 1) * 50;
    settings.inactivity = (more >> 5 & 1) * 10s;
    settings.expects_packets = (more >> 6 & 1) != 0;
    if ((more >> 7 & 1) != 0) settings.latched = someone(program_.octet());
    if ((flags & 64) != 0) require(settings.events_heard.push_back({101, 8000}));
    if ((flags & 128) != 0) require(settings.events_taken.push_back({101, 8000}));
    return settings;
  }

  static SrtpKey key_of(std::uint8_t which) {
    SrtpKey key;
    key.suite = which % 2 == 0 ? SrtpSuite::Aes128Gcm : SrtpSuite::AesCm128HmacSha1_80;
    key.key.fill(which);
    return key;
  }
  // The number of a key says which one it is.
  MediaKeys some_keys() {
    MediaKeys keys;
    const std::uint8_t choice = program_.octet();
    keys.is_secured = choice % 4 == 3;
    if (!keys.is_secured) return keys;
    keys.theirs_number = (choice >> 2) % kKeys;
    keys.ours_number = (choice >> 4) % kKeys;
    keys.theirs = key_of(static_cast<std::uint8_t>(keys.theirs_number));
    keys.ours = key_of(static_cast<std::uint8_t>(keys.ours_number));
    return keys;
  }

  void command(MediaCommand::Kind kind) {
    const std::uint8_t choice = program_.octet();
    const std::size_t place = choice % kPlaces;
    ModelStream& model = streams_[place];
    MediaCommand command;
    command.kind = kind;
    command.media = (choice >> 2 & 7) == 7 ? MediaKind::Udptl : MediaKind::Rtp;
    command.quarantine = (choice >> 5) * 1s;
    command.key = kind == MediaCommand::Kind::Open ? StreamKey{++calls_, 0} : model.key;
    for (std::size_t side = 0; side < 2; ++side) command.sides[side] = side_settings(place, side);
    for (MediaKeys& keys : command.keys) keys = some_keys();
    if (kind == MediaCommand::Kind::SendDigit) {
      command.digit_to = StreamSide(program_.octet() & 1);
      command.digit = {static_cast<std::uint8_t>(program_.octet() % (kFlashEvent + 1)), program_.word()};
    }
    const std::uint64_t refused = relay_.counters().commands_refused.value();
    const bool is_room =
        relay_.counters().streams_open.value() + relay_.counters().streams_closed.value() < kStreamsMax;
    relay_.apply(now_, command);
    const bool is_done = relay_.counters().commands_refused.value() == refused;
    if (kind == MediaCommand::Kind::Open)
      require(is_done == (model.phase == ModelStream::Phase::None && is_room));
    else
      require(is_done == (model.phase == ModelStream::Phase::Open));
    if (is_done) learn(model, command);
  }

  void learn(ModelStream& model, const MediaCommand& command) {
    if (command.kind == MediaCommand::Kind::SendDigit || command.kind == MediaCommand::Kind::Ask) return;
    if (command.kind == MediaCommand::Kind::Close) {
      model.phase = ModelStream::Phase::Closed;
      return;
    }
    const bool is_new = command.kind == MediaCommand::Kind::Open;
    model.phase = ModelStream::Phase::Open;
    model.key = command.key;
    model.media = command.media;
    for (std::size_t side = 0; side < 2; ++side) {
      ModelSide& mine = model.sides[side];
      if (is_new || mine.settings.learning != command.sides[side].learning) mine.unproven = 0;
      mine.settings = command.sides[side];
      if (is_new) mine.theirs = mine.theirs_before = 0;
      mine.keys = command.keys[side];
      if (!mine.keys.is_secured) continue;  // what was there stays there, for when it is secured again
      const auto theirs = static_cast<std::uint8_t>(mine.keys.theirs_number);
      if (theirs != mine.theirs) mine.theirs_before = std::exchange(mine.theirs, theirs);
    }
  }

  std::vector<std::uint8_t> payload() {
    const std::uint8_t shape = program_.octet();
    std::vector<std::uint8_t> made;
    if (shape % 4 == 0) {  // any octets
      const auto octets = program_.octets(shape >> 2);
      made.assign(octets.begin(), octets.end());
    } else if (shape % 4 == 1) {  // a report
      made = {0x80, 201, 0, 1, 0, 0, 0, shape};
      if ((shape & 4) != 0) made = {0x81, 202, 0, 2, 0, 0, 0, shape, 1, 1, 'x', 0};
      if ((shape & 8) != 0) made.insert(made.begin(), {0x80, 201, 0, 1, 0, 0, 0, 7});
    } else {
      made.resize(12 + (shape >> 2));
      made[0] = 0x80;
      made[1] = (shape & 64) != 0 ? 101 : 8;
      made[3] = shape;
    }
    return made;
  }

  void packet() {
    const std::uint8_t choice = program_.octet();
    const std::size_t place = choice % kPlaces, side = choice >> 2 & 1;
    const bool is_odd = (choice >> 3 & 3) == 3;
    const Endpoint source = someone(program_.octet());
    std::vector<std::uint8_t> octets = payload();
    ModelStream& model = streams_[place];
    const auto port = static_cast<std::uint16_t>(20000 + 2 * place + (is_odd ? 1 : 0));
    const FlowRef flow = relay_.find(static_cast<std::uint16_t>(side), port);
    require(flow.is_flow() == (model.phase != ModelStream::Phase::None));
    if (!flow.is_flow()) return;
    const OutFlow far_out = Relay::out_of(flow) & ~1u;
    const OutFlow near_out = far_out ^ 2u;
    const Outgoing near_before = relay_.outgoing(near_out);
    const ModelSide& sender = model.sides[side];
    const bool is_reporting =
        is_odd || (sender.settings.rtcp_mux && octets.size() > 1 && is_rtcp_type(octets[1]));
    const std::uint8_t sealed_with = program_.octet() % kKeys;
    const bool is_sealed = sealed_with != 0 && seal(sealed_with, octets, is_reporting);
    const std::size_t room = octets.size() + (choice >> 5) * 16;
    auto buffer = std::make_unique<std::uint8_t[]>(room);  // its end is that of a heap block
    std::copy(octets.begin(), octets.end(), buffer.get());
    relay_.prefetch(flow);
    const RelayResult result =
        relay_.on_packet(now_, flow, source, std::span(buffer.get(), octets.size()), room);
    const Outgoing near_after = relay_.outgoing(near_out);
    const bool is_stranger = result.kind == RelayResult::Kind::Drop;
    if (is_stranger && result.reason == MediaDropReason::ForeignSource)
      require(near_before.destination == near_after.destination);
    if (result.kind == RelayResult::Kind::Drop) return;
    require(model.phase == ModelStream::Phase::Open);
    if (sender.keys.is_secured)
      require(is_sealed && (sealed_with == sender.theirs || sealed_with == sender.theirs_before));
    if (result.kind == RelayResult::Kind::Forward) {
      require_right(model, side, far_out, result, room);
      require_sealed(model.sides[1 - side], {buffer.get(), result.length}, result.is_rtcp);
    }
    if (!result.is_rtcp) require_source(model.sides[side], source, near_after.destination);
    if (result.kind == RelayResult::Kind::Forward) lead_on(result, {buffer.get(), room});
  }

  // From stream to stream, as long as it leaves to a port of ours.
  void lead_on(RelayResult result, std::span<std::uint8_t> buffer) {
    for (unsigned hairpins = 1; relay_.outgoing(result.out).is_own; ++hairpins) {
      require(hairpins <= kHairpinsMax + 1);
      const ModelStream* const from = stream_of(result.out);
      require(from != nullptr);
      const std::size_t left_by = result.out >> 1 & 1;
      const Outgoing by = relay_.outgoing(result.out);
      result = relay_.on_own_packet(now_, by, hairpins, buffer.first(result.length), buffer.size());
      if (result.kind != RelayResult::Kind::Forward) return;
      const ModelStream* const to = stream_of(result.out);
      require(to != nullptr && to->phase == ModelStream::Phase::Open);
      const std::size_t towards = result.out >> 1 & 1;
      const ModelSide& came_in = to->sides[1 - towards];
      require(came_in.settings.local.address == by.destination.address);
      if (came_in.keys.is_secured) {
        require(from->sides[left_by].keys.is_secured);
        const std::uint16_t key = from->sides[left_by].keys.ours_number;
        require(key == came_in.theirs || key == came_in.theirs_before);
      }
      require_sealed(to->sides[towards], buffer.first(result.length), result.is_rtcp);
    }
  }
  [[nodiscard]] const ModelStream* stream_of(OutFlow out) const {
    for (std::size_t place = 0; place < kPlaces; ++place) {
      const FlowRef flow = relay_.find(0, own_port(place, 0).port);
      if (flow.is_flow() && Relay::out_of(flow) / 4 == out / 4) return &streams_[place];
    }
    return nullptr;
  }

  void require_right(const ModelStream& model, std::size_t side, OutFlow far_out, const RelayResult& result,
                     std::size_t room) {
    require((result.out & ~1u) == far_out && result.out < relay_.out_flows_max());
    require(((result.out & 1) != 0) == result.is_rtcp && result.out_version != 0);
    require(result.length > 0 && result.length <= room);
    require(result.is_rtcp || model.sides[side].settings.may_send);
    const Outgoing out = relay_.outgoing(result.out);
    const MediaSideSettings& far = model.sides[1 - side].settings;
    require(out.destination.port != 0 && out.realm == far.realm && out.source.address == far.local.address);
    require(out.source.port == far.local.port + (result.is_rtcp && !far.rtcp_mux ? 1 : 0));
  }

  // By somebody who has the key and has sent nothing before. False: it is no packet.
  bool seal(std::uint8_t which, std::vector<std::uint8_t>& octets, bool is_rtcp) {
    const SrtpContextId id = far_->open(key_of(which), SrtpDirection::Protect);
    const std::size_t size = octets.size();
    octets.resize(size + kSrtpGrowthMax);
    SrtpJob job{.context = id,
                .packet = octets.data(),
                .length = static_cast<std::uint32_t>(size),
                .capacity = static_cast<std::uint32_t>(octets.size()),
                .is_rtcp = is_rtcp};
    far_->protect({&job, 1});
    far_->close(id);
    octets.resize(job.length);
    return job.result == SrtpResult::Ok;
  }
  void require_sealed(const ModelSide& side, std::span<const std::uint8_t> packet, bool is_rtcp) {
    if (!side.keys.is_secured) return;
    require(side.keys.ours_number != 0);
    std::vector<std::uint8_t> octets(packet.begin(), packet.end());
    const SrtpContextId id = far_->open(side.keys.ours, SrtpDirection::Unprotect);
    SrtpJob job{.context = id,
                .packet = octets.data(),
                .length = static_cast<std::uint32_t>(octets.size()),
                .capacity = static_cast<std::uint32_t>(octets.size()),
                .is_rtcp = is_rtcp};
    far_->unprotect({&job, 1});
    far_->close(id);
    require(job.result == SrtpResult::Ok);
  }

  // Of RTP. The source is learned, or one of at most five packets; never one that no rule admits, unless it
  // was told with the stream.
  void require_source(ModelSide& side, const Endpoint& source, const Endpoint& destination) {
    if (source == destination) return;
    require(++side.unproven <= kLearningPackets);
    const SourceRank rank = rank_of(source, {.mode = side.settings.latch,
                                             .expected = side.settings.remote,
                                             .signalled = side.settings.signalled});
    require(rank != SourceRank::Foreign && rank != SourceRank::Exact);
  }

  void pass(Duration time) {
    refusals_ = program_.octet() % 4;
    const Timestamp end = now_ + time;
    while (now_ < end) {
      now_ += 200ms;
      tick();
    }
  }
  void tick() {
    relay_.on_tick(now_, *this);
    std::array<std::uint8_t, kOwnPacketBytesMax> buffer;
    for (int count = 0; const auto own = relay_.next_own_packet(now_, buffer); ++count) {
      require(count < 1000 && own->length > 0 && own->length <= buffer.size());
      const ModelStream* const model = stream_of(own->out);
      require(model != nullptr && model->phase == ModelStream::Phase::Open);
      require_sealed(model->sides[own->out >> 1 & 1], std::span(buffer).first(own->length), own->is_rtcp);
      lead_on(*own, buffer);
    }
    for (std::size_t place = 0; place < kPlaces; ++place) {
      ModelStream& model = streams_[place];
      const bool is_there = relay_.find(0, static_cast<std::uint16_t>(20000 + 2 * place)).is_flow();
      if (is_there || model.phase == ModelStream::Phase::None) continue;
      require(model.phase == ModelStream::Phase::Closed && finals_.contains(model.key.call));
      model = {};
    }
  }
  // What is closed is gone after a while; what is open stays.
  void finish() {
    refusals_ = 0;
    for (const Timestamp end = now_ + 20s; now_ < end; now_ += 1s) tick();
    std::uint64_t open = 0;
    for (const ModelStream& model : streams_) {
      require(model.phase != ModelStream::Phase::Closed);
      open += model.phase == ModelStream::Phase::Open ? 1u : 0u;
    }
    require(relay_.counters().streams_open.value() == open && relay_.counters().streams_closed.value() == 0);
  }

  Program program_;
  Relay relay_;
  std::unique_ptr<SrtpEngine> far_ = make_srtp_engine(SrtpEngineKind::Evp, 4);
  Timestamp now_{Timestamp{} + 1000s};
  std::array<ModelStream, kPlaces> streams_;
  std::map<std::uint64_t, bool> finals_;
  std::uint64_t calls_ = 0;
  int refusals_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  World(bytes, size).run();
  return 0;
}
