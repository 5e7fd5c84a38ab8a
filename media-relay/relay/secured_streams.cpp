// secured_streams.cpp — RFC 3711 §3.3.1, §3.4, §8, §9.1, RFC 4568 §7.1.4.
#include "media-relay/relay/secured_streams.h"

#include <algorithm>
#include <cstring>

#include "media-relay/wire/rtp_header.h"

namespace sallyport::media {
namespace {

constexpr std::array kBothSides{StreamSide::Caller, StreamSide::Callee};
constexpr std::array<std::uint64_t, 2> kAllSeen{~std::uint64_t{0}, ~std::uint64_t{0}};
constexpr std::uint32_t kRtcpIndexMax = 0x7fffffff;  // 31 bits
constexpr Duration kTryEvery = 5ms;

// What was before the restart is not to come again. With a skip these are reports of our own: the first of
// them may have left since the last notice, so that it is skipped where none was told too.
SrtpContextState state_of(const SrtpProgress& progress, std::uint32_t rtcp_skip) noexcept {
  SrtpContextState state;
  for (const SrtpProgress::Source& source : progress.sources) {
    SrtpSourceState made{.ssrc = source.ssrc,
                         .roc = source.roc,
                         .highest = source.highest,
                         .has_rtp = source.has_rtp,
                         .rtp_seen = kAllSeen};
    if (source.rtcp_index != 0 || rtcp_skip != 0) {
      made.has_rtcp = true;
      made.rtcp_index = std::min(source.rtcp_index, kRtcpIndexMax - rtcp_skip) + rtcp_skip;
      made.rtcp_seen = kAllSeen;
    }
    (void)state.sources.push_back(made);
  }
  return state;
}

SrtpProgress progress_of(const SrtpContextState& state) noexcept {
  SrtpProgress progress;
  for (const SrtpSourceState& source : state.sources)
    (void)progress.sources.push_back({.ssrc = source.ssrc,
                                      .roc = source.roc,
                                      .rtcp_index = source.has_rtcp ? source.rtcp_index : 0,
                                      .highest = source.highest,
                                      .has_rtp = source.has_rtp});
  return progress;
}

void skip(SrtpProgress::Source& source) noexcept {
  const std::uint64_t index = (std::uint64_t{source.roc} << 16 | source.highest) + kSequenceSkip;
  source.roc = static_cast<std::uint32_t>(index >> 16);
  source.highest = static_cast<std::uint16_t>(index);
}

bool is_one(SrtpContextId id) noexcept { return id.generation != 0; }

}  // namespace

SecuredStreams::SecuredStreams(const Setup& setup)
    : engine_(setup.engine ? make_srtp_engine(*setup.engine, srtp_contexts_of(setup.streams_max)) : nullptr),
      streams_(setup.streams_max),
      key_(setup.key) {}

void SecuredStreams::begin(std::uint32_t slot) noexcept { streams_[slot] = StreamSecurity{}; }

bool SecuredStreams::set(Timestamp now, std::uint32_t slot, StreamSide which, const MediaKeys& keys,
                         std::uint32_t packets_per_second) noexcept {
  StreamSecurity& stream = streams_[slot];
  stream.is_secured[index_of(which)] = keys.is_secured;
  recount(stream);
  if (!keys.is_secured) return true;
  StreamSecurity::Side& side = stream.sides[index_of(which)];
  side.strangers.set(kStrangersPerSecond, 0);
  side.work.set(std::min(packets_per_second, 0xffffffffu / kWorkFactor) * kWorkFactor, 0);
  const bool has_theirs = set_theirs(now, slot, which, keys);
  const bool has_ours = set_ours(slot, which, keys);
  return has_theirs && has_ours;
}

void SecuredStreams::recount(StreamSecurity& stream) noexcept {
  const bool is_secured = stream.is_secured[0] || stream.is_secured[1];
  if (is_secured == stream.is_counted) return;
  stream.is_counted = is_secured;
  is_secured ? ++count_ : --count_;
}

// Names a key without keeping it.
std::uint64_t SecuredStreams::mark_of(const SrtpKey& key) const noexcept {
  std::array<std::uint8_t, kSrtpKeyBytesMax + kSrtpSaltBytesMax + 10> octets{};
  std::memcpy(octets.data(), key.key.data(), key.key.size());
  std::memcpy(octets.data() + key.key.size(), key.salt.data(), key.salt.size());
  std::uint8_t* const rest = octets.data() + key.key.size() + key.salt.size();
  rest[0] = static_cast<std::uint8_t>(key.suite);
  rest[1] = key.mki_bytes;
  std::memcpy(rest + 2, &key.mki, sizeof key.mki);
  const std::uint64_t mark = keyed_hash(key_, std::as_bytes(std::span(octets)));
  wipe_octets(octets.data(), octets.size());
  return mark == 0 ? 1 : mark;  // 0: none
}

bool SecuredStreams::set_theirs(Timestamp now, std::uint32_t slot, StreamSide which,
                                const MediaKeys& keys) noexcept {
  StreamSecurity& stream = streams_[slot];
  StreamSecurity::Side& side = stream.sides[index_of(which)];
  SrtpContextId& theirs = stream.theirs[index_of(which)];
  if (keys.theirs_number == 0) {  // not known yet
    close(theirs);
    close_before(slot, which);
    side.their_number = 0;
    return true;
  }
  if (is_one(theirs) && side.their_number == keys.theirs_number) return true;
  const std::uint64_t mark = mark_of(keys.theirs);
  side.their_number = keys.theirs_number;
  if (is_one(theirs) && side.their_marks[0] == mark) return true;
  close_before(slot, which);
  side.their_number = 0;  // until it has its context: the next command tries again
  if (engine_ == nullptr) return false;
  SrtpContextState state;
  const bool goes_on = is_one(theirs) && engine_->save(theirs, state);
  if (!goes_on) state = state_of(keys.theirs_before, 0);
  state.rtp_packets = state.rtcp_packets = 0;
  SrtpContextId next = engine_->open(keys.theirs, SrtpDirection::Unprotect);
  if (!is_one(next) && goes_on) {  // the table is full: no time for the old one
    close(theirs);
    next = engine_->open(keys.theirs, SrtpDirection::Unprotect);
  }
  if (is_one(next) && !engine_->restore(next, state)) close(next);
  side.before = theirs;
  side.before_until = now + kOldKeyFor;
  stream.has_before[index_of(which)] = is_one(theirs);
  theirs = next;
  if (!is_one(next)) {
    close_before(slot, which);
    return false;
  }
  // Neither ROC nor numbers begin anew with a new key (RFC 3711 §3.3.1), yet with many they do: what is sent
  // under a key that was never here before can be no replay, so both may be tried.
  const auto known = std::ranges::find(side.their_marks, mark);
  stream.is_untried[index_of(which)] = goes_on && known == side.their_marks.end();
  std::shift_right(side.their_marks.begin(), side.their_marks.end(), 1);
  side.their_marks[0] = mark;
  side.their_number = keys.theirs_number;
  return true;
}

bool SecuredStreams::set_ours(std::uint32_t slot, StreamSide which, const MediaKeys& keys) noexcept {
  StreamSecurity& stream = streams_[slot];
  StreamSecurity::Side& side = stream.sides[index_of(which)];
  SrtpContextId& ours = stream.ours[index_of(which)];
  if (keys.ours_number == 0) {
    close(ours);
    side.our_number = 0;
    return true;
  }
  if (is_one(ours) && side.our_number == keys.ours_number) return true;
  const std::uint64_t mark = mark_of(keys.ours);
  side.our_number = keys.ours_number;
  if (is_one(ours) && side.our_mark == mark) return true;
  side.our_number = 0;
  if (engine_ == nullptr) return false;
  // Where we are goes on under the new key too, so that no key stream is ever used twice, whichever keys
  // follow each other. RFC 3711 §3.3.1, §9.1
  SrtpContextState state;
  if (!is_one(ours) || !engine_->save(ours, state)) state = state_of(keys.ours_before, kRtcpSkip);
  state.rtp_packets = state.rtcp_packets = 0;
  close(ours);
  ours = engine_->open(keys.ours, SrtpDirection::Protect);
  if (is_one(ours) && !engine_->restore(ours, state)) close(ours);
  if (!is_one(ours)) return false;
  side.our_mark = mark;
  side.our_number = keys.ours_number;
  return true;
}

void SecuredStreams::close(SrtpContextId& id) noexcept {
  if (engine_ != nullptr && is_one(id)) engine_->close(id);
  id = {};
}

void SecuredStreams::close_before(std::uint32_t slot, StreamSide which) noexcept {
  close(streams_[slot].sides[index_of(which)].before);
  streams_[slot].has_before[index_of(which)] = false;
}

void SecuredStreams::end(std::uint32_t slot) noexcept {
  StreamSecurity& stream = streams_[slot];
  for (const StreamSide side : kBothSides) {
    close(stream.theirs[index_of(side)]);
    close(stream.ours[index_of(side)]);
    close_before(slot, side);
    stream.is_secured[index_of(side)] = false;
  }
  recount(stream);
}

Timestamp SecuredStreams::on_time(Timestamp now, std::uint32_t slot) noexcept {
  Timestamp next = Timestamp::max();
  for (const StreamSide which : kBothSides) {
    if (!streams_[slot].has_before[index_of(which)]) continue;
    const Timestamp until = side(slot, which).before_until;
    if (until <= now)
      close_before(slot, which);
    else
      next = std::min(next, until);
  }
  return next;
}

void SecuredStreams::unprotect(Timestamp now, SrtpBatch& batch) noexcept {
  if (batch.count == 0) return;
  for (std::size_t i = 0; i < batch.count; ++i)
    batch.jobs[i].context = streams_[batch.whose[i].slot].theirs[index_of(batch.whose[i].side)];
  if (engine_ != nullptr) engine_->unprotect(std::span(batch.jobs).first(batch.count));
  for (std::size_t i = 0; i < batch.count; ++i) {
    StreamSecurity& stream = streams_[batch.whose[i].slot];
    const std::size_t side = index_of(batch.whose[i].side);
    if (batch.jobs[i].result == SrtpResult::Ok)
      stream.is_untried[side] = false;
    else if (stream.has_before[side] || stream.is_untried[side])
      try_again(now, batch.whose[i], batch.jobs[i]);
  }
}

// The key has just changed.
void SecuredStreams::try_again(Timestamp now, const SrtpBatch::Whose& whose, SrtpJob& job) noexcept {
  StreamSecurity& stream = streams_[whose.slot];
  const std::size_t which = index_of(whose.side);
  StreamSecurity::Side& side = stream.sides[which];
  if (job.result == SrtpResult::Malformed || job.result == SrtpResult::NoContext) return;
  if (stream.has_before[which] && now < side.before_until) {
    SrtpJob older = job;
    older.context = side.before;
    engine_->unprotect({&older, 1});
    if (older.result == SrtpResult::Ok) {
      job = older;
      return;
    }
  }
  if (!stream.is_untried[which] || now - side.tried_at < kTryEvery) return;
  side.tried_at = now;
  if (try_anew(stream.theirs[which], job)) stream.is_untried[which] = false;
}

// Under the new key, as if nothing had been before.
bool SecuredStreams::try_anew(SrtpContextId id, SrtpJob& job) noexcept {
  SrtpContextState kept;
  if (!engine_->save(id, kept) || !engine_->restore(id, SrtpContextState{})) return false;
  SrtpJob again = job;
  again.context = id;
  engine_->unprotect({&again, 1});
  if (again.result != SrtpResult::Ok) {
    (void)engine_->restore(id, kept);
    return false;
  }
  job = again;
  return true;
}

void SecuredStreams::protect(SrtpBatch& batch) noexcept {
  if (batch.count == 0) return;
  for (std::size_t i = 0; i < batch.count; ++i) {
    StreamSecurity& stream = streams_[batch.whose[i].slot];
    const std::size_t side = index_of(batch.whose[i].side);
    SrtpJob& job = batch.jobs[i];
    job.context = stream.ours[side];
    if (!stream.is_renumbered[side] || job.is_rtcp || job.length < kRtpHeaderBytes) continue;
    const StreamSecurity::Renumbering& renumbering = stream.sides[side].renumbering;
    if (read_u32(job.packet + 8) == renumbering.ssrc)
      write_u16(job.packet + 2, static_cast<std::uint16_t>(read_u16(job.packet + 2) + renumbering.offset));
  }
  if (engine_ != nullptr) engine_->protect(std::span(batch.jobs).first(batch.count));
  for (std::size_t i = 0; i < batch.count; ++i) {
    StreamSecurity& stream = streams_[batch.whose[i].slot];
    const std::size_t side = index_of(batch.whose[i].side);
    const SrtpResult result = batch.jobs[i].result;
    if (batch.jobs[i].is_rtcp) continue;
    if (result == SrtpResult::Ok) {
      if (stream.has_refused[side]) stream.has_refused[side] = false;
    } else if (result == SrtpResult::Replayed || result == SrtpResult::TooOld) {
      on_refused(batch.whose[i], batch.jobs[i]);
    }
  }
}

// A number that was sent is not sent again: that would give away both texts (RFC 3711 §9.1). One packet that
// comes late or twice is lost; a sender that has begun its numbers anew under the same SSRC goes on in the
// row that its receiver knows.
void SecuredStreams::on_refused(const SrtpBatch::Whose& whose, SrtpJob& job) noexcept {
  StreamSecurity& stream = streams_[whose.slot];
  const std::size_t which = index_of(whose.side);
  StreamSecurity::Renumbering& renumbering = stream.sides[which].renumbering;
  const std::uint32_t ssrc = read_u32(job.packet + 8);
  const std::uint16_t number = read_u16(job.packet + 2);
  const auto ahead = static_cast<std::uint16_t>(number - renumbering.refused);
  const bool is_in_a_row =
      stream.has_refused[which] && renumbering.refused_ssrc == ssrc && ahead != 0 && ahead < 16;
  renumbering.refused_count = is_in_a_row ? static_cast<std::uint8_t>(renumbering.refused_count + 1) : 1;
  renumbering.refused_ssrc = ssrc;
  renumbering.refused = number;
  stream.has_refused[which] = true;
  if (renumbering.refused_count < kRefusedInARow) return;
  stream.has_refused[which] = false;
  SrtpContextState state;
  if (!engine_->save(job.context, state)) return;
  for (const SrtpSourceState& source : state.sources) {
    if (source.ssrc != ssrc || !source.has_rtp) continue;
    const auto more = static_cast<std::uint16_t>(source.highest + 1u - number);
    const bool is_on_top = stream.is_renumbered[which] && renumbering.ssrc == ssrc;
    renumbering.offset = static_cast<std::uint16_t>(more + (is_on_top ? renumbering.offset : 0u));
    renumbering.ssrc = ssrc;
    stream.is_renumbered[which] = true;
    write_u16(job.packet + 2, static_cast<std::uint16_t>(number + more));
    engine_->protect({&job, 1});
    return;
  }
}

void SecuredStreams::tell(std::uint32_t slot, StreamSide which, bool is_numbered, SrtpProgress& theirs,
                          SrtpProgress& ours) const noexcept {
  const StreamSecurity& stream = streams_[slot];
  if (engine_ == nullptr || !stream.is_secured[index_of(which)]) return;
  SrtpContextState state;
  if (engine_->save(stream.theirs[index_of(which)], state)) theirs = progress_of(state);
  if (!engine_->save(stream.ours[index_of(which)], state)) return;
  ours = progress_of(state);
  if (is_numbered || stream.is_renumbered[index_of(which)])
    for (SrtpProgress::Source& source : ours.sources)
      if (source.has_rtp) skip(source);
}

}  // namespace sallyport::media
