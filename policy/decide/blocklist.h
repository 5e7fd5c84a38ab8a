// blocklist.h — who blocks which prefix, since when, until when and why; the lcores see the sum of it
// (block_table.h).
//
// One prefix may be blocked by the operator, by a feed (a file of prefixes) and by a detector at a time: each
// comes and goes by itself. Whom a block touches hangs on who says so:
//
//   operator             everybody, configured peers too
//   feed                 everybody but configured peers
//   detector, proved     everybody but configured peers
//   detector, unproved   sources that nothing speaks for: an address in a datagram may be false, and who
//                        forges it must not shut out those who are trusted (threats I10)
//
// A source is blocked before anything that it says is read: a call to an emergency number is then not seen.
// So a detector blocks only sources whose calls may be lost; what it merely limits is judged after parsing,
// where emergency numbers are exempt.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "policy/base/timer_wheel.h"
#include "policy/decide/block_table.h"

namespace sallyport::policy {

enum class BlockOrigin : std::uint8_t { Operator, Feed, Detector, kCount };
inline constexpr std::array<std::string_view, static_cast<std::size_t>(BlockOrigin::kCount)>
    kBlockOriginNames{"operator", "feed", "detector"};
[[nodiscard]] constexpr std::string_view to_string(BlockOrigin origin) noexcept {
  return kBlockOriginNames[static_cast<std::size_t>(origin)];
}

struct Block {
  Prefix prefix;
  BlockOrigin origin = BlockOrigin::Operator;
  bool is_proved = true;  // of a detector: the source can't have been forged
  Timestamp since{};
  Timestamp until = Timestamp::max();  // max: for ever
  std::string reason;                  // cut off at Blocklist::kReasonBytesMax
};

// Whether it touches sources of that class.
[[nodiscard]] bool touches(const Block& block, TrustClass trust) noexcept;

struct BlockView {
  Block block;             // its reason, for a feed: which
  std::uint64_t hits = 0;  // packets dropped for this prefix, whoever blocks it
  Timestamp last_hit{};    // Timestamp{}: none
};

// Used by one thread at a time, but for table().
class Blocklist {
 public:
  static constexpr std::size_t kReasonBytesMax = 64;

  // Room for so many blocks; all memory but that of reasons is taken here.
  Blocklist(std::uint32_t capacity, const HashKey& key);
  ~Blocklist();
  Blocklist(const Blocklist&) = delete;
  Blocklist& operator=(const Blocklist&) = delete;

  [[nodiscard]] BlockTable& table() noexcept { return table_; }

  // In place of what the same origin said of that prefix. False: there is no room, or it is all addresses.
  [[nodiscard]] bool put(const Block& block);
  // False: that origin does not block it.
  bool remove(const Prefix& prefix, BlockOrigin origin);

  // All feeds anew: each prefix of each, then end_feeds(). What was there and is there again is never gone in
  // between. Returns false when there is no room for a prefix.
  void begin_feeds(std::vector<std::string> names);
  [[nodiscard]] bool put_feed(const Prefix& prefix, std::uint16_t feed, Timestamp now);
  // How many went.
  std::size_t end_feeds();

  // One whose time is over goes; nothing: there is none.
  [[nodiscard]] std::optional<Block> take_expired(Timestamp now);
  [[nodiscard]] std::optional<Timestamp> next_expiry() const noexcept { return wheel_.next_deadline(); }

  // Blocks of that prefix, or of all prefixes around an address.
  [[nodiscard]] std::vector<BlockView> of(const Prefix& prefix) const;
  [[nodiscard]] std::vector<BlockView> around(const Prefix& prefix) const;
  // Those of operator and detectors first, feeds behind them. `from` is 0, or what came back as `next`, which
  // is 0 when there are no more. One that comes meanwhile may be missed.
  struct Page {
    std::vector<BlockView> blocks;
    std::uint64_t next = 0;
  };
  [[nodiscard]] Page page(std::uint64_t from, std::size_t limit) const;

  [[nodiscard]] std::uint32_t prefixes() const noexcept { return table_.size(); }
  [[nodiscard]] std::uint32_t capacity() const noexcept { return table_.capacity(); }
  // With reasons, all as long as they may be.
  [[nodiscard]] static std::size_t memory_for(std::uint32_t capacity) noexcept;

 private:
  using Id = std::uint32_t;
  static constexpr Id kNone = 0xffffffff;
  // What one origin says of one prefix.
  struct Claim {
    Timestamp since{}, until{};
    std::unique_ptr<char[]> reason;  // null: none; with a 0 behind it
    BlockTable::Id block = BlockTable::kNone;
    Id next = kNone;  // of the same prefix; of one that is free: the next free one
    std::uint16_t feed = 0;
    std::uint8_t round = 0;  // of feeds
    BlockOrigin origin = BlockOrigin::Operator;
    bool is_proved = true;
    bool is_used = false;
  };

  [[nodiscard]] Id find(BlockTable::Id block, BlockOrigin origin) const noexcept;
  [[nodiscard]] Id claim_for(const Prefix& prefix, BlockOrigin origin);
  void drop(Id claim);
  void release(Id claim);
  void show(BlockTable::Id block);
  [[nodiscard]] BlockView view(Id claim) const;

  BlockTable table_;
  std::vector<Claim> claims_;
  std::vector<Id> first_claims_;  // by block
  Id first_free_ = kNone;
  TimerWheel wheel_;  // by claim
  std::vector<std::string> feed_names_;
  std::uint8_t round_ = 0;
};

}  // namespace sallyport::policy
