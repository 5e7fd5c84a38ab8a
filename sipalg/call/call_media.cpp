// call_media.cpp — the media of a call: session descriptions on their way from leg to leg, streams that are
// opened and closed with them, and what the relay tells of those. RFC 3261 §13.2.1, §14; RFC 3264, RFC 6337;
// threats D6, D9, D10, P11.
#include <algorithm>
#include <utility>

#include "media-relay/control/media_record.h"
#include "sipalg/body/multipart.h"
#include "sipalg/call/call_engine.h"

namespace sallyport::sip {
namespace {

media::StreamSide stream_side(Side side) noexcept { return static_cast<media::StreamSide>(side); }

// Of an attempt that was never offered anything, or whose streams are closed.
bool is_empty(const MediaSession& session) noexcept { return session.streams.empty() && !session.pending; }

bool holds(const std::vector<StreamState>& streams, std::uint16_t number) noexcept {
  return std::any_of(streams.begin(), streams.end(),
                     [number](const StreamState& stream) { return stream.number == number; });
}

bool holds(const MediaSession& session, std::uint16_t number) noexcept {
  return holds(session.streams, number) || (session.pending && holds(session.pending->streams, number));
}

StreamFigures* figures_of(Call& call, std::uint16_t stream) noexcept {
  for (StreamFigures& figures : call.figures)
    if (figures.stream == stream) return &figures;
  return nullptr;
}

StreamFigures& figures_for(Call& call, std::uint16_t stream) {
  if (StreamFigures* const known = figures_of(call, stream)) return *known;
  call.figures.push_back({.stream = stream, .sides = {}});
  return call.figures.back();
}

void fill_in(MediaRecord& record, const StreamFigures& figures) {
  const StreamFigures::Side& side = figures.sides[record.from_caller ? 0 : 1];
  record.is_measured = true;
  record.packets = side.packets;
  record.bytes = side.bytes;
  record.lost = side.lost;
  record.after_bye_packets = side.after_close_packets;
  record.jitter_us = side.jitter_us;
  record.round_trip_us = side.round_trip_us;
  record.mos_times_100 = side.mos_times_100;
}

void fill_in(std::vector<MediaRecord>& records, const media::MediaNotice& notice) {
  for (MediaRecord& record : records)
    if (record.stream == notice.key.stream) media::fill_in(record, notice.sides[record.from_caller ? 0 : 1]);
}

// Where both may send, both should be heard. RFC 3264 §8.4: not while one of them holds.
bool is_expected(const StreamState& stream) noexcept {
  const auto is_two_way = [](const StreamSideState& side) {
    return side.direction.sends && side.direction.receives;
  };
  return stream.is_open && stream.kind == media::MediaKind::Rtp && is_two_way(stream.sides[0]) &&
         is_two_way(stream.sides[1]);
}

}  // namespace

// One that can't be told from others counts: it is refused as unreadable.
bool holds_sdp(const SipMessage& message) noexcept {
  const BodyKind kind = body_kind(message);
  return kind != BodyKind::None && kind != BodyKind::Opaque;
}

// What crosses of a body that is no offer or answer: no session description, and in an INVITE's responses,
// where only one may be, nothing at all.
BodyPart CallEngine::plain_body(const SipMessage& message) noexcept {
  if (body_kind(message) != BodyKind::Opaque || is_sdp(message.content_type) ||
      method_of(message.cseq.method) == Method::Invite)
    return {};
  return {far_content_type(message), message.body};
}

// 305: incompatible media format. RFC 3261 §20.43
std::string CallEngine::media_warning(const Call& call, const Path& path) const {
  const Place* const place = place_of(call, path);
  return "305 " + (place != nullptr ? place->names.contact_host : std::string("-")) +
         " \"Incompatible media\"";
}

MediaLeg CallEngine::media_leg(const Call& call, const Dialog& dialog) const noexcept {
  const PeerSide* const peer = call.book->peer_side(dialog.peer);
  return {dialog.path.realm,
          dialog.path.remote.address,
          peer != nullptr ? &peer->config->profile : &call.book->stranger_profile,
          dialog.path.transport == Transport::Tls,
          dialog.was_secured,
          dialog.was_savp,
          &realm_of(call, dialog.path.realm)};
}

// `dialog` goes from `side` of this session to another one, where it is offered no less. Threats M10
void CallEngine::note_security(Dialog& dialog, const Attempt* attempt, Side side) noexcept {
  dialog.was_secured = false;
  bool is_all_savp = true;
  if (attempt == nullptr) return;
  for (const StreamState& stream : attempt->media.streams) {
    if (!stream.is_anchored || stream.kind != media::MediaKind::Rtp) continue;
    const CryptoBox& crypto = stream.sides[index_of(side)].crypto;
    const bool is_secured = crypto && crypto->is_secured && crypto->ours_number != 0;
    dialog.was_secured |= is_secured;
    is_all_savp &= is_secured && crypto->is_savp;
  }
  dialog.was_savp = dialog.was_secured && is_all_savp;
}

MediaContext CallEngine::media_context(Call& call, const Attempt& attempt, EngineOutput& out) const noexcept {
  const Dialog* caller = &call.caller;
  const Dialog* callee = &attempt.prototype;
  for (const Fork& fork : call.forks)
    if (fork.attempt == attempt.number) {
      caller = &fork.dialogs[index_of(Side::Caller)];
      callee = &fork.dialogs[index_of(Side::Callee)];
    }
  return {call.number,
          call.shard,
          call.streams_made,
          {media_leg(call, *caller), media_leg(call, *callee)},
          out.media(),
          {},
          call.state == CallState::Trying};
}

Attempt* CallEngine::attempt_numbered(Call& call, std::uint16_t number) noexcept {
  for (Attempt& attempt : call.attempts)
    if (attempt.number == number) return &attempt;
  return nullptr;
}

// 0, and `body` is what the other side is to see; else the answer that refuses it, and all is as before.
std::uint16_t CallEngine::carry_sdp(const SdpWay& way, std::string_view sdp, BodyPart& body, Turn turn) {
  const std::size_t before = turn.out.media().size();
  MediaContext context = media_context(way.call, way.attempt, turn.out);
  context.edits = way.edits;
  const CrossedSdp crossed = negotiator_.cross(
      way.attempt.media, {stream_side(way.from), way.step, sdp, way.identity, sdp_room_, way.is_of_invite},
      context);
  if (crossed.refusal != 0) {
    note(way.call, turn.now, CallStep::MediaRefused, static_cast<std::uint16_t>(way.from), crossed.refusal);
    return crossed.refusal;
  }
  count_closed(way.call, before, turn.out);
  // Whoever was silent may have been told to be.
  if (way.step == SdpStep::Answer)
    for (StreamFigures& figures : way.call.figures)
      for (StreamFigures::Side& side : figures.sides) side.is_silent = false;
  keep_sdp(way, crossed.sdp);
  hear_sdp(way, sdp);
  body = {"application/sdp", crossed.sdp};
  return 0;
}

std::uint16_t CallEngine::carry_body(const SdpWay& way, const SipMessage& message, BodyPart& body,
                                     Turn turn) {
  if (body_kind(message) == BodyKind::Ambiguous) return 400;
  BodyPart sdp;
  const std::uint16_t refusal = carry_sdp(way, session_sdp(message), sdp, turn);
  if (refusal != 0) return refusal;
  const auto whole = with_session_sdp(body_, message, sdp.bytes);
  if (!whole) {
    drop_offer(way.call, way.attempt, turn.out);
    return 488;
  }
  body = {far_content_type(message), *whole};
  return 0;
}

// An unreliable 18x: its SDP says what the answer will be like. One that can't be used is left out; the 2xx
// will tell. An offer may not be in it. RFC 3261 §13.2.1, RFC 6337 §3.1.1
void CallEngine::carry_preview(const SdpWay& way, const SipMessage& response, Fork& fork, BodyPart& body,
                               Turn turn) {
  if (!way.attempt.has_offer || !holds_sdp(response)) return;
  if (fork.reliable && fork.reliable->is_agreed) return;  // RFC 3261 §13.2.1
  if (way.attempt.media.has_answer) {
    if (way.attempt.media.pending) return;  // an offer of another dialog, which this does not answer
    turn_to({way.call, way.attempt, fork}, turn);
  }
  if (carry_body(way, response, body, turn) == 0) fork.preview = session_sdp(response);
}

// The 2xx to the caller's INVITE: the answer to its offer, or the callee's offer when it made none. A callee
// that has said in an 18x what the answer is need not say it again. RFC 3261 §13.2.1
std::uint16_t CallEngine::carry_answer(const SdpWay& way, const SipMessage& response, const Fork& fork,
                                       BodyPart& body, Turn turn) {
  const bool is_agreed = fork.reliable && fork.reliable->is_agreed;
  const bool is_told = fork.reliable && fork.reliable->is_told;
  // What was agreed on reliably stays, and what was offered since goes on. RFC 3262 §5
  if (is_agreed && (!way.attempt.has_offer || is_told)) return 0;
  if (!is_agreed && holds_sdp(response)) {
    const std::uint16_t refusal = carry_body(way, response, body, turn);
    if (is_told) body = {};
    return refusal;
  }
  if (!way.attempt.has_offer) return 0;
  if (!fork.preview.empty()) {
    const std::uint16_t refusal = carry_sdp(way, fork.preview, body, turn);
    if (is_told) body = {};
    return refusal;
  }
  drop_offer(way.call, way.attempt, turn.out);
  return 0;
}

// The 2xx to a request within the dialog. RFC 3261 §14.1, RFC 3311 §5.1
std::uint16_t CallEngine::carry_exchange_answer(const DialogPlace& asked, bool has_offer,
                                                const SipMessage& response, BodyPart& body, Turn turn) {
  Attempt* const attempt = attempt_numbered(*asked.call, asked.fork->attempt);
  if (attempt == nullptr) return 500;
  if (!holds_sdp(response)) {
    if (has_offer) drop_offer(*asked.call, *attempt, turn.out);
    return 0;
  }
  if (!has_offer && method_of(response.cseq.method) != Method::Invite) return 0;  // nobody has asked for it
  asked.fork->preview.clear();  // of an early dialog: it holds no longer
  return carry_body({.call = *asked.call,
                     .attempt = *attempt,
                     .from = other(asked.side),
                     .step = has_offer ? SdpStep::Answer : SdpStep::Offer,
                     .identity = asked.fork->sdp[index_of(asked.side)]},
                    response, body, turn);
}

// The ACK of a 2xx that held an offer holds the answer. False: it does not, or none that can be used.
// RFC 3261 §13.2.1, §13.2.2.4
bool CallEngine::carry_ack(const DialogPlace& place, const SipMessage& ack, BodyPart& body, Turn turn) {
  const Side to = other(place.side);
  Attempt* const attempt = attempt_numbered(*place.call, place.fork->attempt);
  if (attempt == nullptr || !attempt->media.pending) return true;
  return holds_sdp(ack) && carry_body({.call = *place.call,
                                       .attempt = *attempt,
                                       .from = place.side,
                                       .step = SdpStep::Answer,
                                       .identity = place.fork->sdp[index_of(to)]},
                                      ack, body, turn) == 0;
}

// What a side answers to our refresh by INVITE binds as any answer does. False: it can't be used.
bool CallEngine::hear_refresh(const DialogPlace& place, const SipMessage& response, EngineOutput& out) {
  Attempt* const attempt = attempt_numbered(*place.call, place.fork->attempt);
  if (attempt == nullptr || !holds_sdp(response)) return true;
  if (body_kind(response) == BodyKind::Ambiguous) return false;
  const std::string_view sdp = session_sdp(response);
  if (negotiator_.hear_refresh(attempt->media, stream_side(place.side), sdp,
                               media_context(*place.call, *attempt, out)) != 0)
    return false;
  std::string& heard = attempt->heard_sdp[index_of(place.side)];
  if (!heard.empty() && sdp.size() <= kHeardSdpMax) heard = sdp;
  return true;
}

void CallEngine::drop_offer(Call& call, Attempt& attempt, EngineOutput& out) {
  std::string().swap(attempt.offered_sdp);
  if (!attempt.media.pending) return;
  const std::size_t before = out.media().size();
  negotiator_.drop_offer(attempt.media, media_context(call, attempt, out));
  count_closed(call, before, out);
}

// Each stream that was closed gives its last figures later.
void CallEngine::count_closed(Call& call, std::size_t before, EngineOutput& out) noexcept {
  for (std::size_t i = before; i < out.media().size(); ++i)
    if (out.media()[i].kind == media::MediaCommand::Kind::Close) ++call.finals_due;
}

// Both directions, at once (threats D9). What was agreed stays in the record.
void CallEngine::close_media(Call& call, Attempt& attempt, EngineOutput& out) {
  if (is_empty(attempt.media)) return;
  std::vector<MediaRecord> known;
  negotiator_.describe(attempt.media, known);
  call.record.media.reserve(call.record.media.size() + known.size());
  // Of a target that never said what it would send there is nothing to tell.
  for (MediaRecord& record : known)
    if (attempt.media.has_answer || !record.codec.empty()) call.record.media.push_back(std::move(record));
  const std::size_t before = out.media().size();
  (void)negotiator_.close(attempt.media, media_context(call, attempt, out));
  count_closed(call, before, out);
  negotiator_.recycle(std::exchange(attempt.media, {}));
  attempt.media.number = attempt.number;
}

void CallEngine::end_media(Call& call, EngineOutput& out) {
  for (Attempt& attempt : call.attempts) close_media(call, attempt, out);
  call.record.media_reports = call.finals_due;
  for (MediaRecord& record : call.record.media)
    if (const StreamFigures* const figures = figures_of(call, record.stream);
        figures != nullptr && figures->is_final)
      fill_in(record, *figures);
  std::vector<StreamFigures>().swap(call.figures);
  set_silent_emergency(call, false, {call.record.end.value_or(Timestamp{}), out});
}

// After a restart. A call that has lost its ports goes on without them until somebody hangs up.
void CallEngine::reopen_media(Call& call, Turn turn) {
  for (Attempt& attempt : call.attempts) {
    if (is_empty(attempt.media)) continue;
    if (!negotiator_.reopen(attempt.media, media_context(call, attempt, turn.out)))
      note(call, turn.now, CallStep::MediaLost);
  }
}

void CallEngine::on_media(Timestamp now, const media::MediaNotice& notice, EngineOutput& out) {
  using Kind = media::MediaNotice::Kind;
  Call* const call = calls_.find(notice.key.call);
  if (notice.kind == Kind::Final) return on_final(call, notice, {now, out});
  if (call == nullptr) return;
  for (Attempt& attempt : call->attempts) {
    if (!holds(attempt.media, notice.key.stream)) continue;
    if (notice.kind == Kind::Learned || notice.kind == Kind::Report)
      (void)note_learned(attempt.media, notice);
    if (notice.kind == Kind::Digit) return on_digit(*call, notice, {now, out});
    if (notice.kind == Kind::Report) take_report(*call, notice, {now, out});
    if (notice.kind == Kind::Report) hear_figures(*call, notice);
    if (notice.kind == Kind::Silent) on_silence(*call, attempt, notice, {now, out});
    return;
  }
}

// Of a stream that gave way to another the call's record will tell; of the others what follows it.
void CallEngine::on_final(Call* call, const media::MediaNotice& notice, Turn turn) {
  if (call != nullptr && !call->was_recorded) {
    if (call->finals_due != 0) --call->finals_due;
    take_report(*call, notice, turn);
    figures_for(*call, notice.key.stream).is_final = true;
    return;
  }
  EndedCall* const ended = ended_.find(notice.key.call);
  CallRecord* const record = call != nullptr ? &call->record : ended != nullptr ? &ended->record : nullptr;
  const bool goes_on = record != nullptr && goes_on_after_bye(*record, notice, turn);
  turn.out.add(turn.now, MediaReportEvent{notice.key.call, notice.key.stream, notice.sides, goes_on});
  if (record == nullptr) return;
  fill_in(record->media, notice);
  if (goes_on) record->detections.emplace_back(policy::to_string(policy::Detector::ForgedRequest));
}

void CallEngine::take_report(Call& call, const media::MediaNotice& notice, Turn turn) {
  StreamFigures& figures = figures_for(call, notice.key.stream);
  for (std::size_t i = 0; i < figures.sides.size(); ++i) {
    const media::SideReport& report = notice.sides[i];
    StreamFigures::Side& side = figures.sides[i];
    const bool was_heard = report.packets != side.packets || report.rtcp_packets != side.rtcp_packets;
    side = {.packets = report.packets,
            .bytes = report.bytes,
            .rtcp_packets = report.rtcp_packets,
            .lost = report.lost,
            .after_close_packets = report.after_close_packets,
            .jitter_us = report.jitter_us,
            .round_trip_us = report.round_trip_us,
            .mos_times_100 = report.mos_times_100,
            .is_silent = side.is_silent && !was_heard};
  }
  const bool is_silent = std::any_of(
      call.figures.begin(), call.figures.end(),
      [](const StreamFigures& stream) { return stream.sides[0].is_silent || stream.sides[1].is_silent; });
  if (!is_silent) set_silent_emergency(call, false, turn);
}

// A side that is silent on all streams where it should be heard has gone: the call is over (threats D9).
// One stream of several may be still, as video that was switched off. An emergency call is never ended so.
void CallEngine::on_silence(Call& call, const Attempt& attempt, const media::MediaNotice& notice, Turn turn) {
  if (call.state != CallState::Answered || call.transfer) return;
  const auto side = static_cast<Side>(notice.side);
  figures_for(call, notice.key.stream).sides[index_of(side)].is_silent = true;
  bool is_silent = false;
  for (const StreamState& stream : attempt.media.streams) {
    if (!is_expected(stream)) continue;
    const StreamFigures* const figures = figures_of(call, stream.number);
    if (figures == nullptr || !figures->sides[index_of(side)].is_silent) return;
    is_silent = true;
  }
  if (!is_silent) return;
  note(call, turn.now, CallStep::MediaSilent, static_cast<std::uint16_t>(side));
  if (call.is_emergency) return set_silent_emergency(call, true, turn);
  const Fork* const fork = fork_numbered(call, call.answered_fork);
  if (fork == nullptr) return;
  const Duration inactivity = media_leg(call, fork->dialogs[index_of(side)]).profile->media.inactivity;
  call.record.media_end = std::max(*call.record.answer, turn.now - inactivity);
  end_call(call, {EndedBy::Sallyport, "media_timeout"}, turn);
  settle(call);
}

void CallEngine::set_silent_emergency(Call& call, bool is_silent, Turn turn) {
  if (call.is_silent_emergency == is_silent) return;
  call.is_silent_emergency = is_silent;
  const std::uint32_t before = silent_emergencies_;
  silent_emergencies_ = is_silent ? before + 1 : before - 1;
  if (is_silent && before == 0)
    turn.out.add(turn.now, AlarmEvent{"emergency_call_silent", true, call_id_text(call.number)});
  if (silent_emergencies_ == 0) turn.out.add(turn.now, AlarmEvent{"emergency_call_silent", false, {}});
}

// As the call's record would have it now.
void CallEngine::show_media(const Call& call, std::vector<MediaRecord>& media) const {
  for (const Attempt& attempt : call.attempts)
    if (!is_empty(attempt.media)) negotiator_.describe(attempt.media, media);
  for (MediaRecord& record : media)
    for (const StreamFigures& figures : call.figures)
      if (figures.stream == record.stream) fill_in(record, figures);
}

}  // namespace sallyport::sip
