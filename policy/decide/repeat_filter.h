// repeat_filter.h — whether a datagram has come before. Over UDP who gets no answer to a request says the
// same octets again, half a second later and then less and less often for 32 seconds (RFC 3261 §17.1.1.2,
// §17.1.2.2). Who floods in somebody's name does not wait for that, and each of his datagrams is another.
//
// A keyed hash of the datagram with the time when it was let pass, or first seen: in memory taken once; in a
// full line the oldest goes. Threats R1, R2, R6.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "policy/base/keyed_hash.h"
#include "policy/base/time.h"
#include "policy/decide/keyed_words.h"

namespace sallyport::policy {

// Of one lcore: a source always reaches the same one.
class RepeatFilter {
 public:
  // So many datagrams are known at a time: a flood of a million a second leaves each a second.
  static constexpr std::size_t kCapacity = std::size_t{1} << 20;

  // `lcores` share that room.
  RepeatFilter(const HashKey& key, std::uint32_t lcores);

  // True: the same came long enough ago, and not too long. From then on as if it had come for the first time,
  // so what is sent again and again passes no oftener than its sender may say it.
  [[nodiscard]] bool is_again(std::string_view payload, Timestamp now) noexcept;

  // Of all lcores together.
  [[nodiscard]] static std::size_t memory_for(std::uint32_t lcores) noexcept {
    return lcores * Words::memory_for(kCapacity / lcores);
  }

 private:
  // Far less than T1, for some peers are configured to be impatient; and until a request is given up.
  static constexpr Duration kSoonest = 100ms, kLatest = 32s;
  // What names a request stands at its beginning: its top Via, mostly all that a proxy has put there.
  static constexpr std::size_t kBytesHashed = 512;
  // From the top: 36 bits of the hash, 28 bits of milliseconds, which begin anew every three days.
  using Words = KeyedWords<28>;

  HashKey key_;
  Words words_;
};

}  // namespace sallyport::policy
