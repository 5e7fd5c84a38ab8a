// blocklist.cpp — claims of a prefix, and what they come to.
#include "policy/decide/blocklist.h"

#include <algorithm>
#include <cstring>

namespace sallyport::policy {

bool touches(const Block& block, TrustClass trust) noexcept {
  if (trust == TrustClass::Known) return block.origin == BlockOrigin::Operator;
  if (trust == TrustClass::Trusted) return block.origin != BlockOrigin::Detector || block.is_proved;
  return true;
}

Blocklist::Blocklist(std::uint32_t capacity, const HashKey& key)
    : table_(capacity, key),
      claims_(table_.capacity()),
      first_claims_(table_.capacity(), kNone),
      wheel_(table_.capacity()) {
  for (std::size_t i = claims_.size(); i-- > 0;) {
    claims_[i].next = first_free_;
    first_free_ = static_cast<Id>(i);
  }
}
Blocklist::~Blocklist() = default;

std::size_t Blocklist::memory_for(std::uint32_t capacity) noexcept {
  constexpr std::size_t kTimerBytes = 24, kReasonBytes = 80;  // what the heap takes for one of 65 octets
  return BlockTable::memory_for(capacity) +
         capacity * (sizeof(Claim) + sizeof(Id) + kTimerBytes + kReasonBytes) + sizeof(Blocklist);
}

Blocklist::Id Blocklist::find(BlockTable::Id block, BlockOrigin origin) const noexcept {
  if (block == BlockTable::kNone) return kNone;
  for (Id claim = first_claims_[block]; claim != kNone; claim = claims_[claim].next)
    if (claims_[claim].origin == origin) return claim;
  return kNone;
}

// That of the origin, or a new one.
Blocklist::Id Blocklist::claim_for(const Prefix& prefix, BlockOrigin origin) {
  BlockTable::Id block = table_.id_of(prefix);
  if (const Id known = find(block, origin); known != kNone) return known;
  if (first_free_ == kNone) return kNone;
  if (block == BlockTable::kNone) {
    block = table_.insert(prefix);
    if (block == BlockTable::kNone) return kNone;
    first_claims_[block] = kNone;
  }
  const Id claim = first_free_;
  Claim& made = claims_[claim];
  first_free_ = made.next;
  made.next = std::exchange(first_claims_[block], claim);
  made.block = block;
  made.origin = origin;
  made.is_used = true;
  return claim;
}

bool Blocklist::put(const Block& block) {
  const Id claim = claim_for(block.prefix, block.origin);
  if (claim == kNone) return false;
  Claim& said = claims_[claim];
  said.since = block.since;
  said.until = block.until;
  said.is_proved = block.is_proved;
  said.reason.reset();
  if (const std::size_t size = std::min(block.reason.size(), kReasonBytesMax); size != 0) {
    said.reason = std::make_unique<char[]>(size + 1);
    std::memcpy(said.reason.get(), block.reason.data(), size);
  }
  if (block.until == Timestamp::max())
    wheel_.disarm(claim);
  else
    wheel_.arm(claim, block.until);
  show(said.block);
  return true;
}

// What it comes to for each class.
void Blocklist::show(BlockTable::Id block) {
  BlockTable::Ends ends;
  for (Id claim = first_claims_[block]; claim != kNone; claim = claims_[claim].next) {
    const Claim& said = claims_[claim];
    const Block as_said{.prefix = {}, .origin = said.origin, .is_proved = said.is_proved, .reason = {}};
    ends.untrusted = std::max(ends.untrusted, said.until);
    if (touches(as_said, TrustClass::Trusted)) ends.trusted = std::max(ends.trusted, said.until);
    if (touches(as_said, TrustClass::Known)) ends.known = std::max(ends.known, said.until);
  }
  table_.set_ends(block, ends);
}

bool Blocklist::remove(const Prefix& prefix, BlockOrigin origin) {
  const Id claim = find(table_.id_of(prefix), origin);
  if (claim == kNone) return false;
  drop(claim);
  return true;
}

void Blocklist::drop(Id claim) {
  const BlockTable::Id block = claims_[claim].block;
  Id* link = &first_claims_[block];
  while (*link != claim) link = &claims_[*link].next;
  *link = claims_[claim].next;
  release(claim);
  if (first_claims_[block] == kNone)
    table_.remove(block);
  else
    show(block);
}

void Blocklist::release(Id claim) {
  wheel_.disarm(claim);
  claims_[claim] = Claim();
  claims_[claim].next = std::exchange(first_free_, claim);
}

void Blocklist::begin_feeds(std::vector<std::string> names) {
  // Those that stay have their numbers from the new list: each is put again.
  feed_names_ = std::move(names);
  ++round_;
}

bool Blocklist::put_feed(const Prefix& prefix, std::uint16_t feed, Timestamp now) {
  const Id known = find(table_.id_of(prefix), BlockOrigin::Feed);
  const Id claim = known != kNone ? known : claim_for(prefix, BlockOrigin::Feed);
  if (claim == kNone) return false;
  Claim& said = claims_[claim];
  said.feed = feed;
  said.round = round_;
  if (known != kNone) return true;
  said.since = now;
  said.until = Timestamp::max();
  show(said.block);
  return true;
}

std::size_t Blocklist::end_feeds() {
  std::size_t gone = 0;
  for (std::size_t i = 0; i < claims_.size(); ++i) {
    const Claim& said = claims_[i];
    if (!said.is_used || said.origin != BlockOrigin::Feed || said.round == round_) continue;
    drop(static_cast<Id>(i));
    ++gone;
  }
  return gone;
}

std::optional<Block> Blocklist::take_expired(Timestamp now) {
  const auto due = wheel_.pop_due(now);
  if (!due) return std::nullopt;
  Block over = view(*due).block;
  drop(*due);
  return over;
}

BlockView Blocklist::view(Id claim) const {
  const Claim& said = claims_[claim];
  BlockView shown;
  const BlockTable::Seen seen = table_.look_at(said.block);
  shown.block.prefix = seen.prefix;
  shown.block.origin = said.origin;
  shown.block.is_proved = said.is_proved;
  shown.block.since = said.since;
  shown.block.until = said.until;
  if (said.origin == BlockOrigin::Feed && said.feed < feed_names_.size())
    shown.block.reason = feed_names_[said.feed];
  else if (said.reason != nullptr)
    shown.block.reason = said.reason.get();
  shown.hits = seen.hits;
  shown.last_hit = seen.last_hit;
  return shown;
}

std::vector<BlockView> Blocklist::of(const Prefix& prefix) const {
  std::vector<BlockView> found;
  const BlockTable::Id block = table_.id_of(prefix);
  if (block == BlockTable::kNone) return found;
  for (Id claim = first_claims_[block]; claim != kNone; claim = claims_[claim].next)
    found.push_back(view(claim));
  std::ranges::sort(found, {}, [](const BlockView& one) { return one.block.origin; });
  return found;
}

std::vector<BlockView> Blocklist::around(const Prefix& prefix) const {
  std::vector<BlockView> found;
  for (unsigned length = prefix.length; length > 0; --length)
    for (BlockView& one : of({prefix.address, static_cast<std::uint8_t>(length)}))
      found.push_back(std::move(one));
  return found;
}

Blocklist::Page Blocklist::page(std::uint64_t from, std::size_t limit) const {
  Page page;
  const std::uint64_t places = claims_.size();
  for (std::uint64_t at = from; at < 2 * places; ++at) {
    const Claim& said = claims_[at % places];
    if (!said.is_used || (said.origin == BlockOrigin::Feed) != (at >= places)) continue;
    if (page.blocks.size() == limit) {
      page.next = at;
      return page;
    }
    page.blocks.push_back(view(static_cast<Id>(at % places)));
  }
  return page;
}

}  // namespace sallyport::policy
