// media_negotiator.cpp — offers, previews and answers in order, and what the relay is told of them: RFC 3264
// §4, §8, RFC 6337 §2; threats D9, M9.
#include "sipalg/media/media_negotiator.h"

#include <algorithm>

#include "sipalg/media/relay_orders.h"
#include "sipalg/media/sdp_crossing.h"
#include "sipalg/sdp/sdp_parser.h"

namespace sallyport::sip {
namespace {

using media::MediaCommand;
using media::StreamSide;

constexpr std::uint16_t kNotAcceptable = 488;

bool is_in(const std::vector<StreamState>& streams, std::size_t at, const StreamState& stream) noexcept {
  return at < streams.size() && streams[at].number == stream.number;
}

void retire(MediaSession& session, const StreamState& stream) {
  if (stream.number == 0 || session.retired.size() >= kStreamsMax) return;
  session.retired.push_back(stream);
  StreamState& retired = session.retired.back();
  retired.is_open = retired.is_anchored = false;
  for (StreamSideState& side : retired.sides)
    if (side.crypto) side.crypto->forget_keys();
}

class RelayOrders {
 public:
  RelayOrders(const SbcConfig& config, const MediaContext& context) : config_(config), context_(context) {}

  void give(MediaCommand::Kind kind, const StreamState& stream, bool is_answered) {
    give_order(kind, stream, context_, config_, is_answered);
  }
  // Those that the relay knows and that are not, or no longer, in `kept`.
  void close_all_but(const std::vector<StreamState>& known, const std::vector<StreamState>& kept) {
    for (std::size_t i = 0; i < known.size(); ++i)
      if (known[i].is_open && !(is_in(kept, i, known[i]) && kept[i].is_anchored))
        give(MediaCommand::Kind::Close, known[i], false);
  }

 private:
  const SbcConfig& config_;
  const MediaContext& context_;
};

void commit_offer(MediaSession& session, PendingOffer&& offer, RelayOrders& orders) {
  for (StreamState& stream : offer.streams) {
    if (!stream.is_anchored || stream.is_open) continue;
    stream.is_open = true;
    orders.give(MediaCommand::Kind::Open, stream, false);
  }
  session.pending = std::move(offer);
}

void update_all(const std::vector<StreamState>& streams, RelayOrders& orders, bool is_answered) {
  for (const StreamState& stream : streams)
    if (stream.is_open) orders.give(MediaCommand::Kind::Update, stream, is_answered);
}

// What the preview said counts until the answer; of the streams only those of before are answered.
void update_previewed(const MediaSession& session, RelayOrders& orders) {
  const auto& streams = session.pending->streams;
  for (std::size_t i = 0; i < streams.size(); ++i)
    if (streams[i].is_open)
      orders.give(MediaCommand::Kind::Update, streams[i],
                  session.has_answer && is_in(session.streams, i, streams[i]));
}

// What the relay knows and is not among them is closed by now.
void put_in_force(MediaSession& session, std::vector<StreamState>&& next, RelayOrders& orders) {
  for (std::size_t i = 0; i < session.streams.size(); ++i)
    if (!is_in(next, i, session.streams[i])) retire(session, session.streams[i]);
  session.streams = std::move(next);
  session.has_answer = true;
  update_all(session.streams, orders, true);
}

// One that was closed and is kept for the record already leaves its place only.
void resume_stream(StreamState& stream, const StreamState* last) {
  if (last == nullptr) {
    stream.number = 0;
    stream.is_anchored = stream.is_open = false;
    return;
  }
  stream.is_anchored = stream.is_anchored && last->is_anchored;
  stream.is_open = stream.is_anchored && last->is_open;
  for (std::size_t i = 0; i < stream.sides.size(); ++i) {
    StreamSideState& side = stream.sides[i];
    const StreamSideState& now = last->sides[i];
    const bool is_same_place = side.remote == now.remote && side.remote_rtcp == now.remote_rtcp;
    side.learning = static_cast<std::uint16_t>(now.learning + (is_same_place ? 0 : 1));
    side.latched = is_same_place ? now.latched : Endpoint{};
    side.latched_rtcp = is_same_place ? now.latched_rtcp : Endpoint{};
    resume_keys(now.crypto, side.crypto);
  }
}

// What had been offered, which nobody needs any more.
std::vector<StreamState> commit_answer(MediaSession& session, std::vector<StreamState>&& next,
                                       RelayOrders& orders) {
  std::vector<StreamState> offered;
  if (session.pending) {
    offered = std::move(session.pending->streams);
    session.offered_by = session.pending->from;
    session.pending.reset();
  }
  orders.close_all_but(session.streams, next);
  for (std::size_t i = 0; i < offered.size(); ++i)  // what the offer opened and the answer refused
    if (offered[i].is_open && !is_in(session.streams, i, offered[i]) && !next[i].is_anchored)
      orders.give(MediaCommand::Kind::Close, offered[i], false);
  put_in_force(session, std::move(next), orders);
  return offered;
}

bool take_again(media::PortPool& ports, const MediaContext& context, const StreamState& stream) {
  return ports.take_again(context.legs[0].realm, context.legs[1].realm, stream.ports);
}

void describe_stream(const StreamState& stream, std::vector<MediaRecord>& records) {
  if (stream.number == 0) return;
  for (const StreamSide side : {StreamSide::Caller, StreamSide::Callee}) {
    const StreamSideState& state = stream.sides[media::index_of(side)];
    MediaRecord record;
    record.stream = stream.number;
    record.from_caller = side == StreamSide::Caller;
    record.codec = stream.codec;
    if (state.crypto && state.crypto->is_secured && state.crypto->ours_number != 0)
      record.crypto = sdes_name(state.crypto->suite);
    record.local = side == StreamSide::Caller ? stream.ports.caller : stream.ports.callee;
    record.remote = state.latched.port != 0 ? state.latched : state.remote;
    records.push_back(std::move(record));
  }
}

}  // namespace

MediaNegotiator::MediaNegotiator(const SbcConfig& config, media::PortPool& ports, const KeySeed& seed,
                                 std::uint64_t user)
    : config_(config), ports_(ports), targets_(config), keys_(seed, user) {}

CrossedSdp MediaNegotiator::cross(MediaSession& session, const SdpInput& input, const MediaContext& context) {
  const auto& [from, step, sdp, identity, room, is_of_invite] = input;
  if (const SdpError error = parse_sdp(sdp, came_); error != SdpError::None) return {answer_of(error), {}};
  const std::uint64_t hash = hash_of_description(sdp);
  const bool is_offer = step == SdpStep::Offer;
  const bool is_again =
      is_offer && session.pending && session.pending->from == from && session.pending->hash == hash;
  if (is_offer && session.pending && !is_again) return {kNotAcceptable, {}};  // RFC 3264 §4
  if (!is_offer) {
    // The other forks of one attempt answer one offer, one after the other. RFC 3261 §13.2.2.4
    const bool has_offer =
        session.pending ? session.pending->from != from : session.has_answer && session.offered_by != from;
    if (!has_offer) return {kNotAcceptable, {}};
  }
  std::vector<StreamState> spare = spares_.take();
  SdpCrossing crossing({config_, ports_, targets_, keys_, came_, context, is_of_invite, spare}, session,
                       from);
  const std::uint16_t refusal = is_offer ? crossing.offer() : crossing.answer(step);
  if (refusal != 0) return {refusal, {}};
  const auto written = write_description(room, came_, crossing.far(), identity, context.edits);
  if (!written) return {kNotAcceptable, {}};
  RelayOrders orders(config_, context);
  if (is_offer) {
    const bool is_previewed = is_again && session.pending->is_previewed;
    commit_offer(session, {from, hash, is_previewed, crossing.commit()}, orders);
  } else if (step == SdpStep::Preview && session.pending) {
    session.pending->streams = crossing.commit();
    session.pending->is_previewed = true;
    update_previewed(session, orders);
  } else {
    recycle(commit_answer(session, crossing.commit(), orders));
  }
  return {0, *written};
}

std::uint16_t MediaNegotiator::hear_refresh(MediaSession& session, StreamSide from, std::string_view sdp,
                                            const MediaContext& context) {
  if (session.pending || !session.has_answer) return kNotAcceptable;
  if (const SdpError error = parse_sdp(sdp, came_); error != SdpError::None) return answer_of(error);
  std::vector<StreamState> spare = spares_.take();
  SdpCrossing crossing({config_, ports_, targets_, keys_, came_, context, false, spare}, session, from);
  if (const std::uint16_t refusal = crossing.refresh(); refusal != 0) return refusal;
  RelayOrders orders(config_, context);
  put_in_force(session, crossing.commit(), orders);
  return 0;
}

void MediaNegotiator::drop_offer(MediaSession& session, const MediaContext& context) {
  if (!session.pending) return;
  const PendingOffer dropped = std::move(*session.pending);
  session.pending.reset();
  RelayOrders orders(config_, context);
  for (std::size_t i = 0; i < dropped.streams.size(); ++i) {
    const StreamState& stream = dropped.streams[i];
    if (!stream.is_open || is_in(session.streams, i, stream)) continue;
    orders.give(MediaCommand::Kind::Close, stream, false);
    retire(session, stream);
  }
  if (dropped.is_previewed) update_all(session.streams, orders, session.has_answer);
}

void MediaNegotiator::resume(MediaSession& session, const AgreedStreams& agreed,
                             const MediaContext& context) {
  std::vector<StreamState> next = agreed.streams;
  for (std::size_t i = 0; i < next.size(); ++i)
    resume_stream(next[i], is_in(session.streams, i, next[i]) ? &session.streams[i] : nullptr);
  RelayOrders orders(config_, context);
  orders.close_all_but(session.streams, next);
  session.offered_by = agreed.offered_by;
  put_in_force(session, std::move(next), orders);
}

std::size_t MediaNegotiator::close(MediaSession& session, const MediaContext& context) {
  const std::size_t before = context.commands.size();
  drop_offer(session, context);
  RelayOrders orders(config_, context);
  const auto dropped = static_cast<std::size_t>(
      std::count_if(context.commands.begin() + static_cast<std::ptrdiff_t>(before), context.commands.end(),
                    [](const MediaCommand& command) { return command.kind == MediaCommand::Kind::Close; }));
  std::size_t closed = dropped;
  for (StreamState& stream : session.streams) {
    if (stream.is_open) {
      orders.give(MediaCommand::Kind::Close, stream, false);
      ++closed;
    }
    stream.is_open = stream.is_anchored = false;
  }
  return closed;
}

void MediaNegotiator::recycle(std::vector<StreamState>&& streams) {
  constexpr std::size_t kUsual = 2;  // voice, and perhaps pictures
  if (streams.capacity() == 0 || streams.capacity() > kUsual) return;
  streams.clear();
  spares_.give(std::move(streams));
}

bool MediaNegotiator::reopen(MediaSession& session, const MediaContext& context) {
  bool is_whole = true;
  RelayOrders orders(config_, context);
  const auto open = [&](StreamState& stream) {
    if (!stream.is_anchored) return;
    stream.is_open = take_again(ports_, context, stream);
    stream.is_anchored = stream.is_open;
    is_whole &= stream.is_open;
  };
  for (StreamState& stream : session.streams) {
    open(stream);
    if (stream.is_open) orders.give(MediaCommand::Kind::Open, stream, session.has_answer);
  }
  if (!session.pending) return is_whole;
  for (std::size_t i = 0; i < session.pending->streams.size(); ++i) {
    StreamState& stream = session.pending->streams[i];
    if (is_in(session.streams, i, stream)) {
      stream.is_open &= session.streams[i].is_open;
      stream.is_anchored &= session.streams[i].is_anchored;
      continue;
    }
    open(stream);
    if (stream.is_open) orders.give(MediaCommand::Kind::Open, stream, false);
  }
  if (session.pending->is_previewed) update_previewed(session, orders);
  return is_whole;
}

void MediaNegotiator::describe(const MediaSession& session, std::vector<MediaRecord>& records) const {
  records.reserve(records.size() + 2 * (session.retired.size() + session.streams.size()));
  for (const StreamState& stream : session.retired) describe_stream(stream, records);
  for (const StreamState& stream : session.streams) describe_stream(stream, records);
  if (!session.pending) return;
  for (std::size_t i = 0; i < session.pending->streams.size(); ++i)
    if (!is_in(session.streams, i, session.pending->streams[i]))
      describe_stream(session.pending->streams[i], records);
}

bool note_learned(MediaSession& session, const media::MediaNotice& notice) noexcept {
  bool is_here = false;
  const auto note = [&](std::vector<StreamState>& streams) {
    for (StreamState& stream : streams) {
      if (stream.number != notice.key.stream) continue;
      is_here = true;
      for (std::size_t side = 0; side < 2; ++side) {
        stream.sides[side].latched = notice.sides[side].remote;
        stream.sides[side].latched_rtcp = notice.sides[side].remote_rtcp;
        if (CryptoBox& crypto = stream.sides[side].crypto; crypto && crypto->is_secured) {
          crypto->theirs_progress = notice.srtp_theirs[side];
          crypto->ours_progress = notice.srtp_ours[side];
        }
      }
    }
  };
  note(session.streams);
  if (session.pending) note(session.pending->streams);
  return is_here;
}

}  // namespace sallyport::sip
