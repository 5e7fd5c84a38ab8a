// waiting_ends.h — `end` records that are in the journal and wait for the relay's last figures of their
// streams, so that what came after BYE is in them (contract: CDR; threats D9).
//
// A record leaves with the last of its reports, or when its time is up: then it is written as it is. It waits
// as the bytes that the journal has: thousands wait for seconds, so each is one block that is read from end
// to end once, and not some twenty of the engine's, cold by then.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mgmt/records/call_map.h"
#include "mgmt/records/cdr_json.h"
#include "sipalg/engine/engine_event.h"

namespace sallyport::mgmt {

class WaitingEnds {
 public:
  // From the call's end. The contract has the line in its file 5 s after it.
  static constexpr Duration kLongest = 4500ms;

  struct Waiting {
    std::uint64_t call = 0;
    std::string_view encoded;   // cdr_code.h
    std::uint16_t reports = 0;  // how many are to come
    Timestamp until{};
    std::optional<Timestamp> end{};  // CallRecord::end, which no encoded record has
  };
  enum class Taken : std::uint8_t { NobodyWaits, MoreToCome, Complete };

  explicit WaitingEnds(std::size_t max) : max_(max) {}

  [[nodiscard]] bool is_full() const noexcept { return size() >= max_; }
  // Not when it is full, nor a second time.
  void add(const Waiting& waiting);
  // Complete: the record has left, and is in `end`.
  [[nodiscard]] Taken take(const sip::MediaReportEvent& report, Cdr& end);
  // One whose time is up; false: there is none.
  [[nodiscard]] bool pop(Timestamp now, Cdr& end);
  // Without waiting, those whose time would be up first.
  [[nodiscard]] bool pop_any(Cdr& end) { return pop(Timestamp::max(), end); }
  // A call whose `end` is known to be written.
  void forget(std::uint64_t call);

  [[nodiscard]] std::optional<Timestamp> next_deadline() const;
  [[nodiscard]] std::size_t size() const noexcept { return places_.size(); }
  // Each call with its encoded record, by time.
  template <class Visit>
  void each(Visit visit) const {
    for (std::uint32_t at = first_; at != kNone; at = entries_[at].next)
      visit(entries_[at].call, std::string_view(entries_[at].encoded));
  }

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;
  static constexpr std::size_t kKeptFree = 8192;  // free entries that keep their memory
  struct Entry {
    std::uint64_t call = 0;
    std::string encoded;
    std::uint16_t reports = 0;
    Timestamp until{};
    std::optional<Timestamp> end;
    std::uint32_t before = kNone, next = kNone;  // in the order of `until`
  };

  void leave(std::uint32_t at, Cdr& end);
  void drop(std::uint32_t at);
  void link(std::uint32_t at);

  std::size_t max_;
  CallMap places_;
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> free_;
  std::uint32_t first_ = kNone, last_ = kNone;
};

}  // namespace sallyport::mgmt
