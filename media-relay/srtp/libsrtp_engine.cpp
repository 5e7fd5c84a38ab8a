// libsrtp_engine.cpp — RFC 3711, RFC 6188, RFC 7714 by libsrtp2.
#include "media-relay/srtp/libsrtp_engine.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "media-relay/srtp/srtp_engines.h"

namespace sallyport::media {
namespace {

constexpr std::size_t kScratchBytes = kSrtpPacketBytesMax + SRTP_MAX_TRAILER_LEN + SRTP_MAX_MKI_LEN + 64;
// SRTCP packets that are made and thrown away to bring the library's counter to where it was.
constexpr std::uint32_t kBurnMax = 1 << 16;

// Once for the process; there is no end to it. False: the library refuses to work.
[[nodiscard]] bool init_library() noexcept {
  static const bool good = srtp_init() == srtp_err_status_ok;
  return good;
}

void choose_suite(SrtpSuite suite, srtp_policy_t& policy) noexcept {
  switch (suite) {
    case SrtpSuite::Aes256Gcm:
      srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtp);
      srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtcp);
      return;
    case SrtpSuite::Aes128Gcm:
      srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
      srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
      return;
    case SrtpSuite::AesCm128HmacSha1_80:
      srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtp);
      srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtcp);
      return;
    case SrtpSuite::AesCm128HmacSha1_32:
      srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(&policy.rtp);
      srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtcp);  // RFC 3711 §5.2
      return;
    case SrtpSuite::AesCm256HmacSha1_80:
      srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&policy.rtp);
      srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&policy.rtcp);
      return;
    case SrtpSuite::AesCm256HmacSha1_32:
      srtp_crypto_policy_set_aes_cm_256_hmac_sha1_32(&policy.rtp);
      srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&policy.rtcp);
      return;
  }
}

// A policy with all that it points to; the library copies what it needs.
class Policy {
 public:
  Policy(const SrtpKey& key, srtp_ssrc_t ssrc) noexcept {
    const SrtpSuiteFacts facts = facts_of(key.suite);
    choose_suite(key.suite, policy_);
    std::memcpy(bytes_.data(), key.key.data(), facts.key_bytes);
    std::memcpy(bytes_.data() + facts.key_bytes, key.salt.data(), facts.salt_bytes);
    write_mki(mki_.data(), key.mki, key.mki_bytes);
    policy_.ssrc = ssrc;
    policy_.window_size = kSrtpWindow;
    if (key.mki_bytes == 0) {
      policy_.key = bytes_.data();
      return;
    }
    master_ = {.key = bytes_.data(), .mki_id = mki_.data(), .mki_size = key.mki_bytes};
    policy_.keys = &masters_;
    policy_.num_master_keys = 1;
  }
  Policy(const Policy&) = delete;
  Policy& operator=(const Policy&) = delete;
  ~Policy() { wipe_octets(bytes_.data(), bytes_.size()); }
  [[nodiscard]] const srtp_policy_t* get() const noexcept { return &policy_; }

 private:
  std::array<std::uint8_t, kSrtpKeyBytesMax + kSrtpSaltBytesMax> bytes_{};
  std::array<std::uint8_t, kSrtpMkiBytesMax> mki_{};
  srtp_master_key_t master_{};
  srtp_master_key_t* masters_ = &master_;
  srtp_policy_t policy_{};
};

[[nodiscard]] SrtpResult result_of(srtp_err_status_t status) noexcept {
  switch (status) {
    case srtp_err_status_ok:
      return SrtpResult::Ok;
    case srtp_err_status_auth_fail:
    case srtp_err_status_cipher_fail:
    case srtp_err_status_bad_mki:
      return SrtpResult::BadTag;
    case srtp_err_status_replay_fail:
      return SrtpResult::Replayed;
    case srtp_err_status_replay_old:
    case srtp_err_status_pkt_idx_old:
      return SrtpResult::TooOld;
    case srtp_err_status_key_expired:
      return SrtpResult::KeyExpired;
    case srtp_err_status_alloc_fail:
      return SrtpResult::NoRoom;
    default:
      return SrtpResult::Malformed;
  }
}

[[nodiscard]] std::uint32_t growth(const SrtpKey& key, bool is_rtcp) noexcept {
  const SrtpSuiteFacts facts = facts_of(key.suite);
  return is_rtcp ? facts.rtcp_tag_bytes + key.mki_bytes + kSrtcpWordBytes
                 : std::uint32_t{facts.rtp_tag_bytes} + key.mki_bytes;
}
[[nodiscard]] std::uint32_t rtcp_word(const SrtpKey& key, const SrtpJob& job) noexcept {
  const SrtpSuiteFacts facts = facts_of(key.suite);
  const std::uint32_t behind = key.mki_bytes + (facts.is_aead ? 0u : facts.rtcp_tag_bytes);
  return read_u32(job.packet + job.length - behind - kSrtcpWordBytes);
}
// Of SRTCP the library looks for the MKI before a tag as long as that of SRTP, which with the 32-bit suites
// it is not. There the MKI is put in and taken out here.
[[nodiscard]] bool is_mki_ours(const SrtpKey& key, bool is_rtcp) noexcept {
  return is_rtcp && key.mki_bytes != 0 &&
         facts_of(key.suite).rtp_tag_bytes != facts_of(key.suite).rtcp_tag_bytes;
}
[[nodiscard]] std::uint64_t packets_max(const SrtpKey& key, bool is_rtcp) noexcept {
  const std::uint64_t most = is_rtcp ? kSrtcpPacketsMax : kSrtpPacketsMax;
  return key.packets_max == 0 ? most : std::min(key.packets_max, most);
}

}  // namespace

LibsrtpEngine::LibsrtpEngine(std::uint32_t contexts_max) : scratch_(kScratchBytes) {
  slots_.reserve(contexts_max);
  free_.reserve(contexts_max);
}

LibsrtpEngine::~LibsrtpEngine() {
  for (std::uint32_t i = 0; i < slots_.size(); ++i)
    if (slots_[i].session != nullptr) close({i, slots_[i].generation});
}

LibsrtpEngine::Slot* LibsrtpEngine::find(SrtpContextId id) noexcept {
  if (id.index >= slots_.size()) return nullptr;
  Slot& slot = slots_[id.index];
  return slot.session != nullptr && slot.generation == id.generation ? &slot : nullptr;
}

SrtpContextId LibsrtpEngine::open(const SrtpKey& key, SrtpDirection direction) noexcept {
  if (key.mki_bytes > kSrtpMkiBytesMax) return {};
  if (free_.empty() && slots_.size() == slots_.capacity()) return {};
  const srtp_ssrc_t any{.type = direction == SrtpDirection::Protect ? ssrc_any_outbound : ssrc_any_inbound,
                        .value = 0};
  const Policy policy(key, any);
  srtp_t session = nullptr;
  if (srtp_create(&session, policy.get()) != srtp_err_status_ok) return {};
  std::uint32_t index = static_cast<std::uint32_t>(slots_.size());
  if (free_.empty()) {
    slots_.emplace_back();
  } else {
    index = free_.back();
    free_.pop_back();
  }
  Slot& slot = slots_[index];
  const std::uint32_t generation = slot.generation + 1 == 0 ? 1 : slot.generation + 1;
  slot = {};
  slot.generation = generation;
  slot.direction = direction;
  slot.session = session;
  slot.key = key;
  slot.sources.clear();
  return {index, generation};
}

void LibsrtpEngine::close(SrtpContextId id) noexcept {
  Slot* const slot = find(id);
  if (slot == nullptr) return;
  srtp_dealloc(slot->session);
  slot->session = nullptr;
  slot->key.wipe();
  free_.push_back(id.index);
}

void LibsrtpEngine::protect(std::span<SrtpJob> jobs) noexcept {
  for (SrtpJob& job : jobs) job.result = run(job, SrtpDirection::Protect);
}
void LibsrtpEngine::unprotect(std::span<SrtpJob> jobs) noexcept {
  for (SrtpJob& job : jobs) job.result = run(job, SrtpDirection::Unprotect);
}

SrtpResult LibsrtpEngine::run(SrtpJob& job, SrtpDirection direction) noexcept {
  Slot* const slot = find(job.context);
  if (slot == nullptr || slot->direction != direction) return SrtpResult::NoContext;
  Numbers numbers;
  SrtpResult result = check_room(*slot, job);
  if (result == SrtpResult::Ok) result = check_source(*slot, job, numbers);
  if (result == SrtpResult::Ok) result = ask_library(*slot, job);
  if (result == SrtpResult::Ok) accept(*slot, job, numbers);
  return result;
}

// What the library takes for granted: room, and in part that lengths are true.
SrtpResult LibsrtpEngine::check_room(const Slot& slot, const SrtpJob& job) const noexcept {
  const std::uint32_t more = growth(slot.key, job.is_rtcp);
  const std::uint32_t least = job.is_rtcp ? kSrtcpClearBytes : static_cast<std::uint32_t>(kRtpHeaderBytes);
  const bool grows = slot.direction == SrtpDirection::Protect;
  if (job.length > kSrtpPacketBytesMax || job.length < (grows ? least : least + more))
    return SrtpResult::Malformed;
  if (job.packet[0] >> 6 != 2) return SrtpResult::Malformed;
  if (!job.is_rtcp && rtp_clear_bytes(job.packet, grows ? job.length : job.length - more) == 0)
    return SrtpResult::Malformed;
  if (grows && (job.capacity < job.length || job.capacity - job.length < more)) return SrtpResult::NoRoom;
  const std::uint64_t used = job.is_rtcp ? slot.rtcp_packets : slot.rtp_packets;
  return used >= packets_max(slot.key, job.is_rtcp) ? SrtpResult::KeyExpired : SrtpResult::Ok;
}

// What is not the library's to say, and the numbers for our record.
SrtpResult LibsrtpEngine::check_source(Slot& slot, const SrtpJob& job, Numbers& numbers) noexcept {
  numbers.ssrc = read_u32(job.packet + (job.is_rtcp ? 4 : 8));
  if (job.is_rtcp && slot.direction == SrtpDirection::Unprotect) {
    const std::uint32_t word = rtcp_word(slot.key, job);
    if ((word & kSrtcpIsEncrypted) == 0) return SrtpResult::Malformed;  // the library would take it
    numbers.rtcp_index = word & kSrtcpIndexMax;
  }
  SrtpSourceState scratch;
  const SrtpSourceState* const source = slot.sources.peek(numbers.ssrc, scratch);
  if (source == nullptr) return SrtpResult::TooManySources;
  SrtpResult result = SrtpResult::Ok;
  if (!job.is_rtcp) {
    numbers.sequence = read_u16(job.packet + 2);
    result = check_rtp_index(*source, numbers.sequence, numbers.roc);
  } else if (slot.direction == SrtpDirection::Protect) {
    numbers.rtcp_index = next_rtcp_index(*source);
  } else {
    result = check_rtcp_index(*source, numbers.rtcp_index);
  }
  const bool is_retired = source == &scratch && (source->has_rtp || source->has_rtcp);
  if (result != SrtpResult::Ok && (slot.is_restored || is_retired)) return result;
  if (!job.is_rtcp && std::find(slot.strange.begin(), slot.strange.end(), numbers.ssrc) != slot.strange.end())
    (void)srtp_set_stream_roc(slot.session, numbers.ssrc, numbers.roc);
  return SrtpResult::Ok;
}

SrtpResult LibsrtpEngine::ask_library(Slot& slot, SrtpJob& job) noexcept {
  const bool is_ours = is_mki_ours(slot.key, job.is_rtcp);
  const std::uint32_t tag = facts_of(slot.key.suite).rtcp_tag_bytes;
  const unsigned use_mki = slot.key.mki_bytes == 0 || is_ours ? 0 : 1;
  std::memcpy(scratch_.data(), job.packet, job.length);
  int length = static_cast<int>(job.length);
  srtp_err_status_t status = srtp_err_status_fail;
  if (slot.direction == SrtpDirection::Protect) {
    status = job.is_rtcp ? srtp_protect_rtcp_mki(slot.session, scratch_.data(), &length, use_mki, 0)
                         : srtp_protect_mki(slot.session, scratch_.data(), &length, use_mki, 0);
    if (status == srtp_err_status_ok && is_ours) {
      std::uint8_t* const at = scratch_.data() + length - tag;
      std::memmove(at + slot.key.mki_bytes, at, tag);
      write_mki(at, slot.key.mki, slot.key.mki_bytes);
      length += slot.key.mki_bytes;
    }
  } else {
    if (is_ours) {
      std::uint8_t* const at = scratch_.data() + length - tag - slot.key.mki_bytes;
      if (!has_mki(at, slot.key.mki, slot.key.mki_bytes)) return SrtpResult::BadTag;
      std::memmove(at, at + slot.key.mki_bytes, tag);
      length -= slot.key.mki_bytes;
    }
    status = job.is_rtcp ? srtp_unprotect_rtcp_mki(slot.session, scratch_.data(), &length, use_mki)
                         : srtp_unprotect_mki(slot.session, scratch_.data(), &length, use_mki);
  }
  const SrtpResult result = result_of(status);
  if (result != SrtpResult::Ok) return result;
  job.length = static_cast<std::uint32_t>(length);
  std::memcpy(job.packet, scratch_.data(), job.length);
  return result;
}

void LibsrtpEngine::accept(Slot& slot, const SrtpJob& job, const Numbers& numbers) noexcept {
  SrtpSourceState& source = *slot.sources.bring(numbers.ssrc);
  if (job.is_rtcp) {
    accept_rtcp_index(source, numbers.rtcp_index);
    ++slot.rtcp_packets;
    return;
  }
  accept_rtp_index(source, numbers.sequence, numbers.roc);
  ++slot.rtp_packets;
  if (slot.strange.empty()) return;
  auto* const known = std::find(slot.strange.begin(), slot.strange.end(), numbers.ssrc);
  if (known == slot.strange.end()) return;
  *known = slot.strange[slot.strange.size() - 1];
  slot.strange.truncate(slot.strange.size() - 1);
}

bool LibsrtpEngine::save(SrtpContextId id, SrtpContextState& out) const noexcept {
  const Slot* const slot = find(id);
  if (slot == nullptr) return false;
  slot->sources.save(out);
  out.rtp_packets = slot->rtp_packets;
  out.rtcp_packets = slot->rtcp_packets;
  return true;
}

bool LibsrtpEngine::restore(SrtpContextId id, const SrtpContextState& state) noexcept {
  Slot* const slot = find(id);
  if (slot == nullptr || !slot->sources.restore(state)) return false;
  slot->is_restored = true;
  slot->strange.clear();
  slot->rtp_packets = state.rtp_packets;
  slot->rtcp_packets = state.rtcp_packets;
  return std::all_of(state.sources.begin(), state.sources.end(),
                     [&](const SrtpSourceState& source) { return add_source(*slot, source); });
}

bool LibsrtpEngine::add_source(Slot& slot, const SrtpSourceState& source) noexcept {
  const Policy policy(slot.key, {.type = ssrc_specific, .value = source.ssrc});
  if (srtp_add_stream(slot.session, policy.get()) != srtp_err_status_ok) return false;
  if (source.has_rtp) (void)slot.strange.push_back(source.ssrc);
  if (!source.has_rtcp || slot.direction == SrtpDirection::Unprotect) return true;
  if (source.rtcp_index > kBurnMax) return false;
  for (std::uint32_t i = 0; i < source.rtcp_index; ++i) {
    std::array<std::uint8_t, 8> empty{0x80, 201, 0, 1};
    write_u32(empty.data() + 4, source.ssrc);
    std::memcpy(scratch_.data(), empty.data(), empty.size());
    int length = empty.size();
    if (srtp_protect_rtcp_mki(slot.session, scratch_.data(), &length, slot.key.mki_bytes == 0 ? 0 : 1, 0) !=
        srtp_err_status_ok)
      return false;
  }
  return true;
}

std::unique_ptr<SrtpEngine> make_libsrtp_engine(std::uint32_t contexts_max) {
  if (!init_library()) return nullptr;
  return std::make_unique<LibsrtpEngine>(contexts_max);
}

std::uint64_t LibsrtpEngine::packets_left(SrtpContextId id) const noexcept {
  const Slot* const slot = find(id);
  if (slot == nullptr) return 0;
  const auto left = [](std::uint64_t most, std::uint64_t used) { return most > used ? most - used : 0; };
  return std::min(left(packets_max(slot->key, false), slot->rtp_packets),
                  left(packets_max(slot->key, true), slot->rtcp_packets));
}

}  // namespace sallyport::media
