// transaction_table.h — all server transactions of one engine, with their kept responses and timers:
// RFC 3261 §17.2.2, §17.2.3; threats R5, R6.
//
// The capacity is fixed. No room (entries, blocks for responses, or a chain at its cap) is an answer: the
// engine then answers without state, with the same bytes (RFC 3261 §8.2.7).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "policy/base/ip_address.h"
#include "policy/base/timer_wheel.h"
#include "policy/model/index.h"
#include "sipalg/transaction/non_invite_server_transaction.h"
#include "sipalg/transaction/response_pool.h"
#include "sipalg/transaction/transaction_key.h"

namespace sallyport::sip {

class TransactionTable {
 public:
  static constexpr unsigned kChainMax = 16;
  static constexpr std::uint32_t kBlocksPerTransaction =
      3;  // 768 bytes: an answer to OPTIONS with room to spare

  explicit TransactionTable(std::uint32_t capacity);

  // Where a kept response goes, and the response itself (in `buffer`).
  struct Kept {
    std::string_view bytes;
    Endpoint remote;
  };
  // A request came: is it one that was answered already? RFC 3261 §17.2.2
  [[nodiscard]] std::optional<Kept> on_request(const TransactionKey& key, std::span<char> buffer) noexcept;

  // A new transaction that is answered at once by `response`. False when there is no room.
  bool answer(const TransactionKey& key, unsigned status_code, const Kept& response,
              const TimerSettings& timers, Timestamp now) noexcept;

  // Fires at most `timers_max` timers.
  void on_deadline(Timestamp now, unsigned timers_max) noexcept;
  [[nodiscard]] std::optional<Timestamp> next_deadline() const noexcept { return wheel_.next_deadline(); }
  [[nodiscard]] std::uint32_t size() const noexcept { return size_; }

 private:
  static constexpr std::uint32_t kNone = 0xffffffffu;
  struct Entry {
    TransactionKey key;
    NonInviteServerTransaction transaction{Reliability::Unreliable, TimerSettings{}};
    ResponsePool::StoredResponse response;
    Endpoint remote;
    std::uint32_t next = kNone;  // in its chain, or in the free list
  };

  [[nodiscard]] std::uint32_t& chain_of(const TransactionKey& key) noexcept {
    return buckets_[key.hash.low & (buckets_.size() - 1)];
  }
  void erase(std::uint32_t index) noexcept;

  std::vector<Entry> entries_;
  std::vector<std::uint32_t> buckets_;
  ResponsePool responses_;
  TimerWheel wheel_;
  std::uint32_t free_head_ = kNone;
  std::uint32_t size_ = 0;
};

}  // namespace sallyport::sip
