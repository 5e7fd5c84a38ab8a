// own_engine_impl.h — the members of OwnEngine, for the files that make one of a transform. RFC 3711 §3.3,
// §3.4, §9.2, RFC 7714 §8, §9.
#pragma once

#include "media-relay/srtp/own_engine.h"

namespace sallyport::media {

template <class T>
SrtpContextId OwnEngine<T>::open_session(const SrtpKey& key, const BothSessionKeys& session,
                                         SrtpDirection direction) noexcept {
  if (key.mki_bytes > kSrtpMkiBytesMax) return {};
  if (free_.empty() && touched_ == is_aead_.size()) return {};
  const std::uint32_t index = free_.empty() ? touched_ : free_.back();
  Slot& slot = slots_[index];
  const std::uint32_t generation = index == touched_ ? 1 : slot.generation + 1 == 0 ? 1 : slot.generation + 1;
  slot.is_open = false;
  if (!transform_.open(key.suite, session.rtp, direction, slot.keys)) return {};
  if (index == touched_)
    ++touched_;
  else
    free_.pop_back();
  slot.generation = generation;
  slot.is_open = true;
  slot.direction = direction;
  slot.facts = facts_of(key.suite);
  slot.mki_bytes = key.mki_bytes;
  slot.suite = key.suite;
  slot.salt = session.rtp.salt;
  slot.burst = burst_ - 1;
  slot.mki = key.mki;
  slot.rtp_packets = slot.rtcp_packets = 0;
  slot.packets_max = key.packets_max == 0 ? kSrtpPacketsMax : std::min(key.packets_max, kSrtpPacketsMax);
  slot.sources.clear();
  slot.rtcp = session.rtcp;
  is_aead_[index] = slot.facts.is_aead;
  return {index, generation};
}

template <class T>
void OwnEngine<T>::close(SrtpContextId id) noexcept {
  Slot* const slot = find(id);
  if (slot == nullptr) return;
  transform_.close(slot->keys);
  wipe_octets(slot, sizeof *slot);
  slot->generation = id.generation;
  free_.push_back(id.index);
}

template <class T>
bool OwnEngine<T>::save(SrtpContextId id, SrtpContextState& out) const noexcept {
  const Slot* const slot = find(id);
  if (slot == nullptr) return false;
  slot->sources.save(out);
  out.rtp_packets = slot->rtp_packets;
  out.rtcp_packets = slot->rtcp_packets;
  return true;
}

template <class T>
bool OwnEngine<T>::restore(SrtpContextId id, const SrtpContextState& state) noexcept {
  Slot* const slot = find(id);
  if (slot == nullptr || !slot->sources.restore(state)) return false;
  slot->rtp_packets = state.rtp_packets;
  slot->rtcp_packets = state.rtcp_packets;
  return true;
}

template <class T>
std::uint64_t OwnEngine<T>::packets_left(SrtpContextId id) const noexcept {
  const Slot* const slot = find(id);
  if (slot == nullptr) return 0;
  const auto left = [](std::uint64_t most, std::uint64_t used) { return most > used ? most - used : 0; };
  return std::min(left(slot->packets_max, slot->rtp_packets),
                  left(std::min(slot->packets_max, kSrtcpPacketsMax), slot->rtcp_packets));
}

template <class T>
void OwnEngine<T>::prefetch(std::span<const SrtpJob> jobs) const noexcept {
  for (const SrtpJob& job : jobs) {
    const std::uint32_t index = job.context.index;
    if (index >= touched_) continue;
    const Slot& slot = slots_[index];
    __builtin_prefetch(&slot, 1);
    __builtin_prefetch(&slot.sources, 1);
    T::prefetch(slot.keys, is_aead_[index] != 0);
  }
}

template <class T>
SrtpResult OwnEngine<T>::check_source(const Slot& slot, std::uint32_t ssrc, std::uint16_t sequence,
                                      std::uint32_t& roc) noexcept {
  if (slot.rtp_packets >= slot.packets_max) return SrtpResult::KeyExpired;  // RFC 3711 §9.2
  SrtpSourceState scratch;
  const SrtpSourceState* const source = slot.sources.peek(ssrc, scratch);
  return source == nullptr ? SrtpResult::TooManySources : check_rtp_index(*source, sequence, roc);
}

template <class T>
void OwnEngine<T>::accept(Slot& slot, std::uint32_t ssrc, std::uint16_t sequence,
                          std::uint32_t roc) noexcept {
  accept_rtp_index(*slot.sources.bring(ssrc), sequence, roc);
  ++slot.rtp_packets;
}

// From clear text to tag in counter mode: the ROC stands behind what it covers. RFC 3711 §4.2
template <class T>
void OwnEngine<T>::lay_out(Work& work, const Pending& pending, std::uint32_t text_at,
                           std::uint32_t text_end) noexcept {
  const Slot& slot = *pending.slot;
  work.keys = &slot.keys;
  work.packet = pending.job->packet;
  work.text_at = text_at;
  work.text_bytes = text_end - text_at;
  work.covered_bytes = text_end + 4;
  work.key_bytes = slot.facts.key_bytes;
  work.is_live = true;
  make_cm_iv(slot.salt.data(), pending.ssrc, std::uint64_t{pending.roc} << 16 | pending.sequence, work.iv);
  write_u32(work.packet + text_end, pending.roc);
}

template <class T>
void OwnEngine<T>::protect(std::span<SrtpJob> jobs) noexcept {
  while (!jobs.empty()) {
    const std::span<SrtpJob> some = jobs.first(std::min(jobs.size(), kSrtpBurst));
    jobs = jobs.subspan(some.size());
    prefetch(some);
    begin_burst();
    for (SrtpJob& job : some) {
      Slot* const slot = find(job.context);
      if (slot == nullptr || slot->direction != SrtpDirection::Protect)
        job.result = SrtpResult::NoContext;
      else
        job.result = job.is_rtcp ? protect_rtcp(*slot, job) : protect_rtp(*slot, job);
    }
    finish_protect();
  }
}

template <class T>
SrtpResult OwnEngine<T>::protect_rtp(Slot& slot, SrtpJob& job) noexcept {
  const std::uint32_t clear = rtp_clear_bytes(job.packet, job.length);
  if (clear == 0 || job.length > kSrtpPacketBytesMax) return SrtpResult::Malformed;
  if (job.capacity < job.length || job.capacity - job.length < growth(slot, false)) return SrtpResult::NoRoom;
  const std::uint32_t ssrc = read_u32(job.packet + 8);
  const std::uint16_t sequence = read_u16(job.packet + 2);
  std::uint32_t roc = 0;
  // Two texts under one index would give away both: what was sent is not sent again. RFC 3711 §9.1
  if (const SrtpResult result = check_source(slot, ssrc, sequence, roc); result != SrtpResult::Ok)
    return result;
  accept(slot, ssrc, sequence, roc);
  if (slot.facts.is_aead) {
    seal_rtp(slot, job, clear, std::uint64_t{roc} << 16 | sequence);
    return SrtpResult::Ok;
  }
  Pending& pending = pending_[pending_count_];
  pending = {.job = &job,
             .slot = &slot,
             .ssrc = ssrc,
             .roc = roc,
             .sequence = sequence,
             .tag = {},
             .overwritten = {}};
  lay_out(works_[pending_count_++], pending, clear, job.length);
  return SrtpResult::Ok;
}

// RFC 7714 §8.2, §13.1: text, tag, MKI.
template <class T>
void OwnEngine<T>::seal_rtp(Slot& slot, SrtpJob& job, std::uint32_t clear, std::uint64_t index) noexcept {
  Aead work{.keys = &slot.keys,
            .key_bytes = slot.facts.key_bytes,
            .clear = job.packet,
            .clear_bytes = clear,
            .text = job.packet + clear,
            .text_bytes = job.length - clear};
  make_aead_iv(slot.salt.data(), read_u32(job.packet + 8), index, work.iv);
  transform_.seal(work);
  std::memcpy(job.packet + job.length, work.tag.data(), work.tag.size());
  write_mki(job.packet + job.length + work.tag.size(), slot.mki, slot.mki_bytes);
  job.length += growth(slot, false);
}

template <class T>
void OwnEngine<T>::finish_protect() noexcept {
  const std::span works(works_.data(), pending_count_);
  if (works.empty()) return;
  transform_.cipher(works);
  transform_.mac(works);
  for (std::size_t i = 0; i < pending_count_; ++i) {
    const Slot& slot = *pending_[i].slot;
    SrtpJob& job = *pending_[i].job;
    write_mki(job.packet + job.length, slot.mki, slot.mki_bytes);
    job.length += slot.mki_bytes;  // RFC 3711 §3.1: the tag is behind the MKI
    std::memcpy(job.packet + job.length, works_[i].digest.data(), slot.facts.rtp_tag_bytes);
    job.length += slot.facts.rtp_tag_bytes;
  }
  begin_burst();
}

template <class T>
SrtpResult OwnEngine<T>::protect_rtcp(Slot& slot, SrtpJob& job) noexcept {
  if (job.length < kSrtcpClearBytes || job.packet[0] >> 6 != 2 || job.length > kSrtpPacketBytesMax)
    return SrtpResult::Malformed;
  if (job.capacity < job.length || job.capacity - job.length < growth(slot, true)) return SrtpResult::NoRoom;
  if (slot.rtcp_packets >= std::min(slot.packets_max, kSrtcpPacketsMax)) return SrtpResult::KeyExpired;
  const std::uint32_t ssrc = read_u32(job.packet + 4);
  SrtpSourceState scratch;
  const SrtpSourceState* const source = slot.sources.peek(ssrc, scratch);
  if (source == nullptr) return SrtpResult::TooManySources;
  const std::uint32_t index = next_rtcp_index(*source);
  if (index > kSrtcpIndexMax) return SrtpResult::KeyExpired;  // RFC 3711 §9.2
  const RtcpKeys keys(*this, slot);
  if (!keys.good()) return SrtpResult::NoRoom;
  accept_rtcp_index(*slot.sources.bring(ssrc), index);
  ++slot.rtcp_packets;
  seal_rtcp(slot, job, ssrc, index);
  return SrtpResult::Ok;
}

template <class T>
void OwnEngine<T>::seal_rtcp(const Slot& slot, SrtpJob& job, std::uint32_t ssrc,
                             std::uint32_t index) noexcept {
  std::uint8_t* const text = job.packet + kSrtcpClearBytes;
  std::uint8_t* end = job.packet + job.length;
  if (slot.facts.is_aead) {  // RFC 7714 §9.2: text, tag, word, MKI
    std::array<std::uint8_t, kSrtcpClearBytes + kSrtcpWordBytes> clear;
    std::memcpy(clear.data(), job.packet, kSrtcpClearBytes);
    write_u32(clear.data() + kSrtcpClearBytes, kSrtcpIsEncrypted | index);
    Aead work{.keys = &rtcp_keys_,
              .key_bytes = slot.facts.key_bytes,
              .clear = clear.data(),
              .clear_bytes = clear.size(),
              .text = text,
              .text_bytes = job.length - kSrtcpClearBytes};
    make_aead_iv(slot.rtcp.salt.data(), ssrc, index, work.iv);
    transform_.seal(work);
    std::memcpy(end, work.tag.data(), work.tag.size());
    write_u32(end + work.tag.size(), kSrtcpIsEncrypted | index);
    write_mki(end + work.tag.size() + kSrtcpWordBytes, slot.mki, slot.mki_bytes);
  } else {  // RFC 3711 §3.4: text, word, MKI, tag
    Work work{.keys = &rtcp_keys_,
              .packet = job.packet,
              .text_at = kSrtcpClearBytes,
              .text_bytes = job.length - kSrtcpClearBytes,
              .covered_bytes = job.length + kSrtcpWordBytes,
              .key_bytes = slot.facts.key_bytes,
              .is_live = true};
    make_cm_iv(slot.rtcp.salt.data(), ssrc, index, work.iv);
    transform_.cipher({&work, 1});
    write_u32(end, kSrtcpIsEncrypted | index);
    transform_.mac({&work, 1});
    end += kSrtcpWordBytes;
    write_mki(end, slot.mki, slot.mki_bytes);
    std::memcpy(end + slot.mki_bytes, work.digest.data(), slot.facts.rtcp_tag_bytes);
  }
  job.length += growth(slot, true);
}

template <class T>
void OwnEngine<T>::unprotect(std::span<SrtpJob> jobs) noexcept {
  while (!jobs.empty()) {
    const std::span<SrtpJob> some = jobs.first(std::min(jobs.size(), kSrtpBurst));
    jobs = jobs.subspan(some.size());
    prefetch(some);
    begin_burst();
    for (SrtpJob& job : some) {
      Slot* const slot = find(job.context);
      if (slot == nullptr || slot->direction != SrtpDirection::Unprotect) {
        job.result = SrtpResult::NoContext;
      } else if (job.is_rtcp) {
        if (slot->burst == burst_) finish_unprotect();
        job.result = unprotect_rtcp(*slot, job);
      } else {
        job.result = unprotect_rtp(*slot, job);
      }
    }
    finish_unprotect();
  }
}

template <class T>
SrtpResult OwnEngine<T>::unprotect_rtp(Slot& slot, SrtpJob& job) noexcept {
  const std::uint32_t added = growth(slot, false);
  if (job.length > kSrtpPacketBytesMax || job.length < kRtpHeaderBytes + added) return SrtpResult::Malformed;
  const std::uint32_t text_end = job.length - added;
  const std::uint32_t clear = rtp_clear_bytes(job.packet, text_end);
  if (clear == 0) return SrtpResult::Malformed;
  const std::uint32_t ssrc = read_u32(job.packet + 8);
  const std::uint16_t sequence = read_u16(job.packet + 2);
  const std::uint32_t mki_at = slot.facts.is_aead ? job.length - slot.mki_bytes : text_end;
  const bool is_mki_good = has_mki(job.packet + mki_at, slot.mki, slot.mki_bytes);
  std::uint32_t roc = 0;
  SrtpResult result = check_source(slot, ssrc, sequence, roc);
  if (slot.burst == burst_ && (result != SrtpResult::Ok || !is_mki_good)) {
    finish_unprotect();  // what is before it in the burst may make it another answer
    result = check_source(slot, ssrc, sequence, roc);
  }
  if (result != SrtpResult::Ok) return result;
  if (!is_mki_good) return SrtpResult::BadTag;
  if (slot.facts.is_aead) return open_rtp(slot, job, clear, roc);
  Pending& pending = pending_[pending_count_];
  pending = {.job = &job,
             .slot = &slot,
             .ssrc = ssrc,
             .roc = roc,
             .sequence = sequence,
             .tag = {},
             .overwritten = {}};
  std::memcpy(pending.tag.data(), job.packet + text_end + slot.mki_bytes, slot.facts.rtp_tag_bytes);
  std::memcpy(pending.overwritten.data(), job.packet + text_end, 4);
  lay_out(works_[pending_count_++], pending, clear, text_end);
  slot.burst = burst_;
  return SrtpResult::BadTag;  // until finish_unprotect() knows better
}

template <class T>
SrtpResult OwnEngine<T>::open_rtp(Slot& slot, SrtpJob& job, std::uint32_t clear, std::uint32_t roc) noexcept {
  const std::uint32_t text_end = job.length - growth(slot, false);
  const std::uint32_t ssrc = read_u32(job.packet + 8);
  const std::uint16_t sequence = read_u16(job.packet + 2);
  Aead work{.keys = &slot.keys,
            .key_bytes = slot.facts.key_bytes,
            .clear = job.packet,
            .clear_bytes = clear,
            .text = job.packet + clear,
            .text_bytes = text_end - clear};
  make_aead_iv(slot.salt.data(), ssrc, std::uint64_t{roc} << 16 | sequence, work.iv);
  std::memcpy(work.tag.data(), job.packet + text_end, work.tag.size());
  if (!transform_.open(work)) return SrtpResult::BadTag;
  accept(slot, ssrc, sequence, roc);
  job.length = text_end;
  return SrtpResult::Ok;
}

template <class T>
void OwnEngine<T>::finish_unprotect() noexcept {
  const std::span works(works_.data(), pending_count_);
  if (works.empty()) return;
  transform_.mac(works);
  for (std::size_t i = 0; i < pending_count_; ++i) {
    const std::uint32_t text_end = works_[i].covered_bytes - 4;
    SrtpJob& job = *pending_[i].job;
    job.result = judge(pending_[i], works_[i]);
    std::memcpy(job.packet + text_end, pending_[i].overwritten.data(), 4);
    works_[i].is_live = job.result == SrtpResult::Ok;
    if (works_[i].is_live) job.length = text_end;
  }
  transform_.cipher(works);
  begin_burst();
}

// Its tag is known; what was before it in the burst is done.
template <class T>
SrtpResult OwnEngine<T>::judge(Pending& pending, Work& work) noexcept {
  Slot& slot = *pending.slot;
  std::uint32_t roc = 0;
  if (const SrtpResult result = check_source(slot, pending.ssrc, pending.sequence, roc);
      result != SrtpResult::Ok)
    return result;
  if (roc != pending.roc) {
    pending.roc = roc;
    lay_out(work, pending, work.text_at, work.covered_bytes - 4);
    transform_.mac({&work, 1});
  }
  if (CRYPTO_memcmp(work.digest.data(), pending.tag.data(), slot.facts.rtp_tag_bytes) != 0)
    return SrtpResult::BadTag;
  accept(slot, pending.ssrc, pending.sequence, roc);
  return SrtpResult::Ok;
}

template <class T>
SrtpResult OwnEngine<T>::unprotect_rtcp(Slot& slot, SrtpJob& job) noexcept {
  if (job.length > kSrtpPacketBytesMax || job.length < kSrtcpClearBytes + growth(slot, true) ||
      job.packet[0] >> 6 != 2)
    return SrtpResult::Malformed;
  const std::uint32_t behind_word = slot.mki_bytes + (slot.facts.is_aead ? 0u : slot.facts.rtcp_tag_bytes);
  const std::uint32_t word = read_u32(job.packet + job.length - behind_word - kSrtcpWordBytes);
  // Deviates: RFC 3711 §3.4 leaves it to the packet whether it is encrypted; we agreed that it is.
  if ((word & kSrtcpIsEncrypted) == 0) return SrtpResult::Malformed;
  if (slot.rtcp_packets >= std::min(slot.packets_max, kSrtcpPacketsMax)) return SrtpResult::KeyExpired;
  const std::uint32_t ssrc = read_u32(job.packet + 4);
  SrtpSourceState scratch;
  const SrtpSourceState* const source = slot.sources.peek(ssrc, scratch);
  if (source == nullptr) return SrtpResult::TooManySources;
  if (const SrtpResult result = check_rtcp_index(*source, word & kSrtcpIndexMax); result != SrtpResult::Ok)
    return result;
  if (!has_mki(job.packet + job.length - behind_word, slot.mki, slot.mki_bytes)) return SrtpResult::BadTag;
  const RtcpKeys keys(*this, slot);
  if (!keys.good()) return SrtpResult::NoRoom;
  if (!open_rtcp(slot, job, ssrc, word)) return SrtpResult::BadTag;
  accept_rtcp_index(*slot.sources.bring(ssrc), word & kSrtcpIndexMax);
  ++slot.rtcp_packets;
  job.length -= growth(slot, true);
  return SrtpResult::Ok;
}

template <class T>
bool OwnEngine<T>::open_rtcp(const Slot& slot, SrtpJob& job, std::uint32_t ssrc,
                             std::uint32_t word) noexcept {
  const std::uint32_t text_end = job.length - growth(slot, true);
  if (slot.facts.is_aead) {
    std::array<std::uint8_t, kSrtcpClearBytes + kSrtcpWordBytes> clear;
    std::memcpy(clear.data(), job.packet, kSrtcpClearBytes);
    write_u32(clear.data() + kSrtcpClearBytes, word);
    Aead work{.keys = &rtcp_keys_,
              .key_bytes = slot.facts.key_bytes,
              .clear = clear.data(),
              .clear_bytes = clear.size(),
              .text = job.packet + kSrtcpClearBytes,
              .text_bytes = text_end - kSrtcpClearBytes};
    make_aead_iv(slot.rtcp.salt.data(), ssrc, word & kSrtcpIndexMax, work.iv);
    std::memcpy(work.tag.data(), job.packet + text_end, work.tag.size());
    return transform_.open(work);
  }
  Work work{.keys = &rtcp_keys_,
            .packet = job.packet,
            .text_at = kSrtcpClearBytes,
            .text_bytes = text_end - kSrtcpClearBytes,
            .covered_bytes = text_end + kSrtcpWordBytes,
            .key_bytes = slot.facts.key_bytes,
            .is_live = true};
  transform_.mac({&work, 1});
  const std::uint8_t* const tag = job.packet + job.length - slot.facts.rtcp_tag_bytes;
  if (CRYPTO_memcmp(work.digest.data(), tag, slot.facts.rtcp_tag_bytes) != 0) return false;
  make_cm_iv(slot.rtcp.salt.data(), ssrc, word & kSrtcpIndexMax, work.iv);
  transform_.cipher({&work, 1});
  return true;
}

}  // namespace sallyport::media
