// transaction_table.cpp — server transactions by key: RFC 3261 §17.2.
#include "sipalg/transaction/transaction_table.h"

#include <algorithm>
#include <bit>

#include "policy/base/check.h"

namespace sallyport::sip {

TransactionTable::TransactionTable(std::uint32_t capacity)
    : entries_(capacity),
      buckets_(std::bit_ceil(std::max<std::size_t>(1, std::size_t{capacity} * 2)), kNone),
      responses_(capacity * kBlocksPerTransaction),
      wheel_(capacity) {
  for (std::uint32_t i = 0; i < capacity; ++i) entries_[i].next = i + 1 < capacity ? i + 1 : kNone;
  if (capacity > 0) free_head_ = 0;
}

std::optional<TransactionTable::Kept> TransactionTable::on_request(const TransactionKey& key,
                                                                   std::span<char> buffer) noexcept {
  for (std::uint32_t i = chain_of(key); i != kNone; i = entries_[i].next) {
    Entry& entry = entries_[i];
    if (entry.key != key) continue;
    TransactionActions actions;
    entry.transaction.on_request_again(actions);
    if (actions.empty()) return std::nullopt;
    return Kept{responses_.load(entry.response, buffer), entry.remote};
  }
  return std::nullopt;
}

bool TransactionTable::answer(const TransactionKey& key, unsigned status_code, const Kept& response,
                              const TimerSettings& timers, Timestamp now) noexcept {
  if (free_head_ == kNone) return false;
  std::uint32_t& chain = chain_of(key);
  unsigned length = 0;
  for (std::uint32_t i = chain; i != kNone; i = entries_[i].next)
    if (++length == kChainMax) return false;  // threats R6
  const auto stored = responses_.store(response.bytes);
  if (!stored) return false;

  const std::uint32_t index = free_head_;
  Entry& entry = entries_[index];
  free_head_ = entry.next;
  entry.key = key;
  entry.transaction = NonInviteServerTransaction(Reliability::Unreliable, timers);
  entry.response = *stored;
  entry.remote = response.remote;
  entry.next = chain;
  chain = index;
  ++size_;
  TransactionActions actions;
  entry.transaction.send(status_code, now, actions);
  if (const auto deadline = entry.transaction.next_deadline()) wheel_.arm(index, *deadline);
  return true;
}

void TransactionTable::on_deadline(Timestamp now, unsigned timers_max) noexcept {
  for (unsigned i = 0; i < timers_max; ++i) {
    const auto due = wheel_.pop_due(now);
    if (!due) return;
    TransactionActions actions;
    entries_[*due].transaction.on_deadline(now, actions);
    if (entries_[*due].transaction.is_terminated()) erase(*due);
  }
}

void TransactionTable::erase(std::uint32_t index) noexcept {
  Entry& entry = entries_[index];
  std::uint32_t* link = &chain_of(entry.key);
  while (*link != index) {
    SALLYPORT_CHECK(*link != kNone);
    link = &entries_[*link].next;
  }
  *link = entry.next;
  responses_.release(entry.response);
  entry.next = free_head_;
  free_head_ = index;
  --size_;
}

}  // namespace sallyport::sip
