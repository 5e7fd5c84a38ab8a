// signature_scanner.cpp — see signature_scanner.h.
#include "policy/signatures/signature_scanner.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <type_traits>
#include <utility>

#include "policy/base/check.h"

namespace sallyport::policy {
namespace {

[[nodiscard]] bool is_of_protocol(SignatureProtocol protocol, Transport transport) noexcept {
  switch (protocol) {
    case SignatureProtocol::Udp:
      return transport == Transport::Udp;
    case SignatureProtocol::Tcp:
      return is_stream(transport);
    default:
      return true;
  }
}

[[nodiscard]] bool goes_way(const SignatureWay& way, const ScannedMessage& message) noexcept {
  return way.is_any() ||
         (way.sources.contains(message.source.address) && way.source_ports.contains(message.source.port) &&
          way.destinations.contains(message.destination.address) &&
          way.destination_ports.contains(message.destination.port));
}

// All that needs no look into the text.
[[nodiscard]] bool is_about(const SignatureRule& rule, const ScannedMessage& message) noexcept {
  const Signature& signature = rule.signature;
  if (!rule.applies_to_all && !message.is_stranger) return false;
  if (signature.flow == SignatureFlow::Request && !message.is_request) return false;
  if (signature.flow == SignatureFlow::Response && message.is_request) return false;
  return is_of_protocol(signature.protocol, message.transport) &&
         signature.message_size.contains(message.bytes.size()) &&
         std::any_of(signature.ways.begin(), signature.ways.end(),
                     [&](const SignatureWay& way) { return goes_way(way, message); });
}

// What a threshold counts by, as octets of fixed length; a callee is hashed by itself before. Its figures are
// among them, so that one that a reload has changed begins anew.
struct TrackedKey {
  std::uint32_t gid, sid, track, kind, count, seconds;
  std::array<std::uint8_t, 16> source, destination;
  std::uint64_t callee;
};
static_assert(std::has_unique_object_representations_v<TrackedKey>);  // it is hashed as octets

}  // namespace

void SignatureScanner::adopt(SharedValue<SignatureSet> set) {
  set_ = std::move(set);
  if (set_ == nullptr) return;
  bool is_fit = true;
  for (const auto& filter : set_->filters_)
    if (filter) is_fit = scratch_.fit(*filter) && is_fit;
  for (const PatternDatabase& pcre : set_->pcres_) is_fit = scratch_.fit(pcre) && is_fit;
  SALLYPORT_CHECK(is_fit);  // no memory
  found_.reserve(set_->rules_of_.size() * 2);
  candidates_.reserve(set_->rules_.size() * 2);
}

void SignatureScanner::find_candidates(const ScannedMessage& message) {
  found_.clear();
  candidates_.assign(set_->unfiltered_.begin(), set_->unfiltered_.end());
  if (const auto& filter = set_->filters_[0]) filter->find(message.bytes, scratch_, found_);
  for (const SipText& one : message.texts) {
    const auto buffer = static_cast<std::size_t>(one.buffer);
    if (const auto& filter = set_->filters_[buffer]) filter->find(one.text, scratch_, found_);
    for (const SignatureSet::WholeText& whole : set_->whole_texts_[buffer])
      if (whole.text == one.text) found_.push_back(whole.id);
  }
  if (found_.empty()) return;
  // Two header fields of one name may have what the filter looks for.
  std::sort(found_.begin(), found_.end());
  found_.erase(std::unique(found_.begin(), found_.end()), found_.end());
  for (const std::uint32_t id : found_)
    candidates_.insert(candidates_.end(), set_->rules_of_[id].begin(), set_->rules_of_[id].end());
}

bool SignatureScanner::holds(const BufferCheck& check, const ScannedMessage& message) {
  const BufferChecker::Patterns patterns{set_->pcres_, set_->relative_pcres_, scratch_};
  if (check.buffer == SipBuffer::Message) return checker_.holds(check, message.bytes, patterns);
  return std::any_of(message.texts.begin(), message.texts.end(), [&](const SipText& one) {
    return one.buffer == check.buffer && checker_.holds(check, one.text, patterns);
  });
}

SignatureScanner::Crossed SignatureScanner::crosses(const Signature& signature, Timestamp now,
                                                    const ScannedMessage& message) const {
  using Kind = SignatureThreshold::Kind;
  using Track = SignatureThreshold::Track;
  if (!signature.threshold) return Crossed::Told;
  const SignatureThreshold& threshold = *signature.threshold;
  TrackedKey key{.gid = signature.gid,
                 .sid = signature.sid,
                 .track = static_cast<std::uint32_t>(threshold.track),
                 .kind = static_cast<std::uint32_t>(threshold.kind),
                 .count = threshold.count,
                 .seconds = threshold.seconds,
                 .source = {},
                 .destination = {},
                 .callee = 0};
  if (threshold.track == Track::Source || threshold.track == Track::SourceAndDestination)
    key.source = message.source.address.bytes();
  if (threshold.track == Track::Destination || threshold.track == Track::SourceAndDestination)
    key.destination = message.destination.address.bytes();
  if (threshold.track == Track::Callee) key.callee = keyed_hash(key_, message.callee);
  const std::uint64_t hash = keyed_hash(key_, std::as_bytes(std::span(&key, 1)));
  const std::uint32_t seen = set_->thresholds_->count(hash, now, std::chrono::seconds(threshold.seconds));
  switch (threshold.kind) {
    case Kind::Limit:
      return seen <= threshold.count ? Crossed::Told : Crossed::Quietly;
    case Kind::Threshold:
      return seen % threshold.count == 0 ? Crossed::Told : Crossed::No;
    case Kind::Both:
      return seen == threshold.count ? Crossed::Told : Crossed::No;
    default:
      return seen > threshold.count ? Crossed::Told : Crossed::No;
  }
}

void SignatureScanner::look_at(std::size_t place, Timestamp now, const ScannedMessage& message,
                               SignatureVerdict& verdict) {
  const SignatureRule& rule = set_->rules_[place];
  if (!is_about(rule, message)) return;
  if (!std::all_of(rule.checks.begin(), rule.checks.end(),
                   [&](const BufferCheck& check) { return holds(check, message); }))
    return;
  const Crossed crossed = crosses(rule.signature, now, message);
  if (crossed == Crossed::No) return;
  SignatureCounts& counts = *set_->counts_[place];
  if (rule.is_dry_run) {
    counts.dry_runs.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  counts.matches.fetch_add(1, std::memory_order_relaxed);
  if (verdict.rule != nullptr && rule.signature.action <= verdict.action) return;
  verdict = {&rule, rule.signature.action, crossed == Crossed::Told};
}

SignatureVerdict SignatureScanner::scan(Timestamp now, const ScannedMessage& message) {
  SignatureVerdict verdict;
  if (!looks_at(message.is_stranger)) return verdict;
  find_candidates(message);
  for (const std::uint32_t rule : candidates_) look_at(rule, now, message, verdict);
  return verdict;
}

}  // namespace sallyport::policy
