// side_crypto.cpp — RFC 4568 §5.1.1 (offers), §5.1.2 (answers), §5.1.3 (their reading), §7.1.4 (again).
#include "sipalg/media/side_crypto.h"

#include <algorithm>

#include "sipalg/media/media_negotiator.h"

namespace sallyport::sip {
namespace {

bool is_savp(SdpProfile profile) noexcept {
  return profile == SdpProfile::Savp || profile == SdpProfile::Savpf;
}

bool is_agreed(const CryptoBox& side) noexcept { return side && side->is_secured && side->ours_number != 0; }

const SdesAttribute* line_of(const SideCrypto& crypto, SrtpSuite suite) noexcept {
  for (const SdesAttribute& line : crypto.ours)
    if (line.key->suite == suite) return &line;
  return nullptr;
}

// In memory of its own size: what grows leaves keys behind.
void add_line(std::vector<SdesAttribute>& lines, const SdesAttribute& line) {
  std::vector<SdesAttribute> all;
  all.reserve(lines.size() + 1);
  all.assign(lines.begin(), lines.end());
  all.push_back(line);
  lines = std::move(all);
}

void set_theirs(SideCrypto& crypto, const media::SrtpKey& key) noexcept {
  if (crypto.theirs_number != 0 && *crypto.theirs == key) return;
  *crypto.theirs = key;
  crypto.theirs_progress = {};
  if (++crypto.theirs_number == 0) crypto.theirs_number = 1;
}

// `key` was that of the line agreed before, if any was.
void agree(SideCrypto& crypto, const SdesAttribute& line, const media::WipedSrtpKey& key_before) noexcept {
  const bool is_same = crypto.ours_number != 0 && *key_before == *line.key;
  crypto.is_secured = true;
  crypto.suite = line.key->suite;
  crypto.tag = line.tag;
  if (is_same) return;
  crypto.ours_progress = {};
  if (++crypto.ours_number == 0) crypto.ours_number = 1;
}

media::WipedSrtpKey agreed_key(const SideCrypto& crypto) noexcept {
  const SdesAttribute* const agreed = crypto.agreed();
  return agreed != nullptr ? agreed->key : media::WipedSrtpKey();
}

// Of a side that is to be secured. What was plain for a while begins anew: the same key over packets that are
// counted from 0 again would hide nothing (RFC 3711 §9.1). Not while other dialogs have been shown it.
SideCrypto& box_of(CryptoBox& side, KeyReturn key_return) {
  if (!side) side = SideCrypto();
  if (key_return == KeyReturn::Never && !side->is_secured && side->ours_number != 0) side->ours.clear();
  return *side;
}

std::uint32_t free_tag(const std::vector<SdesAttribute>& lines) noexcept {
  std::uint32_t tag = 1;
  while (std::ranges::any_of(lines, [tag](const SdesAttribute& line) { return line.tag == tag; })) ++tag;
  return tag;
}

}  // namespace

const SdesAttribute* SideCrypto::agreed() const noexcept {
  if (ours_number == 0) return nullptr;
  return line_of(*this, suite);
}

void SideCrypto::forget_keys() noexcept {
  ours.clear();
  theirs->wipe();
}

bool may_use_sdes(const MediaLeg& leg) noexcept {
  const ProfileSrtp& srtp = leg.profile->srtp;
  return srtp.mode != SrtpMode::None && !srtp.suites.empty() &&
         std::ranges::find(srtp.keying, SrtpKeying::Sdes) != srtp.keying.end() &&
         (leg.is_over_tls || !srtp.sdes_only_over_tls);
}

Keying hear_offered_keys(const MediaDescription& line, const MediaLeg& leg, SdesAttribute& chosen) noexcept {
  if (!is_rtp(line.profile)) return Keying::Plain;
  if (!is_plain_rtp(line.profile) && !is_savp(line.profile)) return Keying::Refused;
  if (may_use_sdes(leg)) {
    SdesLines offered;
    read_sdes(line.lines, offered);
    if (const SdesAttribute* const usable = choose_sdes(offered, leg.profile->srtp.suites)) {
      chosen = *usable;
      return Keying::Secured;
    }
    // Somebody wanted keys, and somebody spoilt them: that must not end in the clear.
    if (offered.has_broken) return Keying::Refused;
  }
  const bool may_be_plain = is_plain_rtp(line.profile) && leg.profile->srtp.mode != SrtpMode::Required;
  return may_be_plain ? Keying::Plain : Keying::Refused;
}

void take_offered_keys(const MediaDescription& line, Keying keying, const SdesAttribute& chosen,
                       CryptoBox& side, const OwnKeys& keys) {
  if (keying != Keying::Secured) {
    if (side) side->is_secured = false;
    return;
  }
  SideCrypto& crypto = box_of(side, keys.key_return);
  const media::WipedSrtpKey before = agreed_key(crypto);
  const SdesAttribute* known = line_of(crypto, chosen.key->suite);
  if (known == nullptr) {
    const bool is_taken = std::ranges::any_of(
        crypto.ours, [&chosen](const SdesAttribute& own) { return own.tag == chosen.tag; });
    add_line(crypto.ours,
             {is_taken ? free_tag(crypto.ours) : chosen.tag, keys.source.make(chosen.key->suite)});
    known = &crypto.ours.back();
  }
  agree(crypto, *known, before);
  crypto.tag = chosen.tag;
  crypto.is_savp = is_savp(line.profile);
  set_theirs(crypto, *chosen.key);
}

std::optional<KeyOffer> key_offer_to(const MediaLeg& leg, const CryptoBox& side, Keying offerer) noexcept {
  const SrtpMode mode = leg.profile->srtp.mode;
  const bool is_required = mode == SrtpMode::Required;
  if (!may_use_sdes(leg)) return is_required ? std::nullopt : std::optional(KeyOffer::None);
  const bool is_secured = side ? is_agreed(side) : leg.was_secured;
  const bool is_under_savp = side ? side->is_savp : leg.was_savp;
  if (is_required || (is_secured && is_under_savp)) return KeyOffer::Required;
  const bool is_worth_it = offerer == Keying::Secured || leg.is_over_tls || is_secured;
  return is_worth_it ? KeyOffer::BestEffort : KeyOffer::None;
}

// What was offered or agreed before comes first, as it was.
void offer_keys(KeyOffer offer, const MediaLeg& leg, CryptoBox& side, const OwnKeys& keys) {
  if (offer == KeyOffer::None) {
    if (side) side->is_secured = false;
    return;
  }
  std::vector<SdesAttribute>& lines = box_of(side, keys.key_return).ours;
  // In memory of its own size from the beginning: what grows leaves keys behind.
  std::vector<SdesAttribute> all;
  all.reserve(lines.size() + leg.profile->srtp.suites.size());
  all.assign(lines.begin(), lines.end());
  for (const SrtpSuite suite : leg.profile->srtp.suites)
    if (std::ranges::none_of(all, [suite](const SdesAttribute& line) { return line.key->suite == suite; }) &&
        all.size() < kSdesLinesMax)
      all.push_back({free_tag(all), keys.source.make(suite)});
  lines = std::move(all);
  side->is_secured = true;  // until the answer says otherwise: what comes before it can't be told from plain
}

Keying hear_answered_keys(const MediaDescription& line, KeyOffer offered, const MediaLeg& leg,
                          CryptoBox& side) noexcept {
  if (!is_rtp(line.profile)) return Keying::Plain;
  const bool is_plain = is_plain_rtp(line.profile);
  if (!is_plain && !is_savp(line.profile)) return Keying::Refused;
  if (offered == KeyOffer::None) {
    if (!is_plain || leg.profile->srtp.mode == SrtpMode::Required) return Keying::Refused;
    if (side) side->is_secured = false;
    return Keying::Plain;
  }
  SdesLines answered;
  read_sdes(line.lines, answered);
  const SdesAttribute* const match = side ? match_sdes(answered, side->ours) : nullptr;
  if (match == nullptr) {
    if (offered == KeyOffer::Required || answered.any() || !is_plain) return Keying::Refused;
    if (side) side->is_secured = false;
    return Keying::Plain;
  }
  if (offered == KeyOffer::Required && is_plain) return Keying::Refused;  // RFC 3264 §6
  SideCrypto& crypto = *side;
  const media::WipedSrtpKey before = agreed_key(crypto);
  for (const SdesAttribute& ours : crypto.ours)
    if (ours.tag == match->tag && ours.key->suite == match->key->suite) {
      agree(crypto, ours, before);
      break;
    }
  crypto.is_savp = offered == KeyOffer::Required;
  set_theirs(crypto, *match->key);
  return Keying::Secured;
}

Keying hear_refreshed_keys(const MediaDescription& line, CryptoBox& side) noexcept {
  if (!is_rtp(line.profile)) return Keying::Plain;
  if (!is_agreed(side)) return is_plain_rtp(line.profile) ? Keying::Plain : Keying::Refused;
  SdesLines answered;
  read_sdes(line.lines, answered);
  SideCrypto& crypto = *side;
  if (side->is_savp && !is_savp(line.profile)) return Keying::Refused;
  // To whoever had made the offer, our line has the number of his.
  const bool is_agreed_line = answered.usable.size() == 1 && answered.unusable == 0 &&
                              answered.usable[0].tag == crypto.tag &&
                              answered.usable[0].key->suite == crypto.suite;
  const SdesAttribute* const match =
      is_agreed_line ? answered.usable.begin() : match_sdes(answered, crypto.ours);
  if (match == nullptr) return Keying::Refused;
  if (const SdesAttribute* const ours = line_of(crypto, match->key->suite); !is_agreed_line)
    agree(crypto, *ours, agreed_key(crypto));
  set_theirs(crypto, *match->key);
  return Keying::Secured;
}

// No line that was ever shown is forgotten, and a key that is another one than last has another number.
void resume_keys(const CryptoBox& last, CryptoBox& side) {
  if (!last) return;
  SideCrypto next = *last;
  next.is_secured = side && side->is_secured;
  if (next.is_secured) {
    next.is_savp = side->is_savp;
    if (const SdesAttribute* const agreed = side->agreed(); agreed != nullptr)
      agree(next, {side->tag, agreed->key}, agreed_key(next));
    if (side->theirs_number != 0) set_theirs(next, *side->theirs);
  }
  side = std::move(next);
}

SdpProfile profile_for(SdpProfile offered, KeyOffer offer) noexcept {
  if (!is_rtp(offered)) return offered;
  const bool has_feedback = offered == SdpProfile::Avpf || offered == SdpProfile::Savpf;
  if (offer == KeyOffer::Required) return has_feedback ? SdpProfile::Savpf : SdpProfile::Savp;
  return has_feedback ? SdpProfile::Avpf : SdpProfile::Avp;
}

void fill_keys(const CryptoBox& side, media::MediaKeys& keys) noexcept {
  if (!side || !side->is_secured) return;
  keys.is_secured = true;
  if (side->theirs_number != 0) {
    keys.theirs_number = side->theirs_number;
    keys.theirs = *side->theirs;
    keys.theirs_before = side->theirs_progress;
  }
  if (const SdesAttribute* const ours = side->agreed(); ours != nullptr) {
    keys.ours_number = side->ours_number;
    keys.ours = *ours->key;
    keys.ours_before = side->ours_progress;
  }
}

}  // namespace sallyport::sip
