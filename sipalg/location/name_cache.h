// name_cache.h — what name servers said, for as long as it holds, asked again before it ends: RFC 1035 §7,
// RFC 2308, RFC 8767 (answers served stale).
//
// Whoever needs a record holds it; what nobody holds is forgotten. An answer is asked for anew after four
// fifths of its time, so what is held does not run out while servers answer. While they don't, it goes on to
// serve for `serve_stale` beyond its time; who asks in vain asks again after 2 s, 4 s, ... 60 s. Calls never
// wait here: they use what was found before.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "policy/base/keyed_hash.h"
#include "policy/base/timer_wheel.h"
#include "sipalg/location/dns_message.h"
#include "sipalg/location/dns_query.h"

namespace sallyport::sip {

// One question of the cache. Good while somebody holds it.
using NameSlot = std::uint32_t;
inline constexpr NameSlot kNoNameSlot = 0xffffffffu;

struct NameCacheSettings {
  HashKey key;                     // random at each start
  std::uint32_t names_max = 4096;  // questions held at once
  Duration serve_stale = std::chrono::hours(1);
  Duration timeout = std::chrono::seconds(2);  // of the rim, for one query
};

class NameCache {
 public:
  static constexpr std::uint32_t kAskedMax = 256;  // on their way at once; others wait for their turn
  static constexpr Duration kAgainMin = std::chrono::seconds(5), kAgainMax = std::chrono::hours(1);
  static constexpr Duration kRetryMin = std::chrono::seconds(2), kRetryMax = std::chrono::seconds(60);

  enum class Knowledge : std::uint8_t {
    Unknown,  // asked for the first time, no answer yet
    Records,  // there are some
    None,     // there are none, said the server
    Nothing,  // no server could say, and nothing that was said before still serves
  };
  struct Entry {
    Knowledge knowledge = Knowledge::Unknown;
    DnsAnswer answer;         // of Records and None
    Timestamp expires{};      // of the answer
    bool is_failing = false;  // the last query was in vain
  };

  explicit NameCache(const NameCacheSettings& settings);
  // As NameCacheSettings::names_max. What is held stays, even where it is more by now.
  void set_names_max(std::uint32_t most);

  // Holds a question, and asks it when nobody did; kNoNameSlot: no room, or no name that can be asked.
  [[nodiscard]] NameSlot hold(Timestamp now, DnsType type, std::string_view name);
  void release(NameSlot slot) noexcept;
  [[nodiscard]] const Entry& entry(NameSlot slot) const noexcept { return rows_[slot].entry; }

  // The answer to a query. A question whose knowledge changed is one of take_changed().
  void on_reply(Timestamp now, const DnsReply& reply);
  // Asks again what is due, forgets what has served long enough; a bounded number of them.
  void on_deadline(Timestamp now);
  [[nodiscard]] std::optional<Timestamp> next_deadline() const noexcept;

  // Queries to send, for one time; at most kAskedMax are without an answer.
  [[nodiscard]] bool next_query(Timestamp now, DnsQuery& query);
  // Questions whose answer is another than before; each once.
  [[nodiscard]] NameSlot take_changed() noexcept;

  struct Figures {
    std::uint32_t held = 0, asked = 0;                                              // now
    std::uint64_t queries = 0, answers = 0, failures = 0, malformed = 0, full = 0;  // since the start
  };
  [[nodiscard]] const Figures& figures() const noexcept { return figures_; }

 private:
  struct Question {
    DnsType type = DnsType::A;
    std::string name;
    friend bool operator==(const Question&, const Question&) = default;
  };
  struct QuestionHash {
    HashKey key;
    std::size_t operator()(const Question& question) const noexcept {
      return keyed_hash({key.k0 + static_cast<std::uint64_t>(question.type), key.k1}, question.name);
    }
  };
  enum class Phase : std::uint8_t { Waiting, Asked, Resting };  // for a turn; for an answer; until its timer
  struct Row {
    Question question;
    Entry entry;
    std::uint32_t holders = 0;
    std::uint32_t failures = 0;  // in a row
    std::uint64_t query = 0;     // while Asked
    Phase phase = Phase::Resting;
    bool is_in_line = false, is_changed = false;  // listed in line_, in changed_
  };

  void ask_soon(NameSlot slot);
  void rest(Timestamp now, NameSlot slot, Duration time);
  void on_failure(Timestamp now, NameSlot slot);
  void on_answer(Timestamp now, NameSlot slot, DnsAnswer&& answer);
  void note_change(NameSlot slot);
  // Up to an eighth sooner, so that names of one answer are not all asked at once for ever.
  [[nodiscard]] Duration jittered(Duration time) noexcept;

  NameCacheSettings settings_;
  std::vector<Row> rows_;
  std::vector<NameSlot> free_;
  std::unordered_map<Question, NameSlot, QuestionHash> slots_;
  std::deque<NameSlot> line_, changed_;
  TimerWheel timers_;  // one for each row: of its query, or of its rest
  std::uint32_t next_number_ = 1;
  std::uint64_t dice_ = 0;
  Figures figures_;
};

}  // namespace sallyport::sip
