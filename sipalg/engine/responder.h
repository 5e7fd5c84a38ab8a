// responder.h — answers that Sallyport gives by itself, with a transaction that keeps them: RFC 3261 §8.2,
// §17.2.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "policy/base/keyed_hash.h"
#include "sipalg/engine/arrival.h"
#include "sipalg/engine/engine_counters.h"
#include "sipalg/engine/engine_output.h"
#include "sipalg/transaction/server_transactions.h"

namespace sallyport::sip {

class Responder {
 public:
  // All outlive it.
  Responder(ServerTransactions& transactions, std::vector<RealmSipCounters>& counters,
            const HashKey& token_key)
      : transactions_(transactions), counters_(counters), token_key_(token_key) {}

  // With a transaction of its own; when the table is full the same bytes go out without one.
  // RFC 3261 §8.2.7
  void answer(const Arrival& arrival, std::uint16_t code, EngineOutput& out, std::uint32_t retry_after = 0);
  // The same for a request of a call that has taken effect: it would be judged by what it has changed if it
  // came again unknown, so its answer is kept while there is any room.
  void answer_done(const Arrival& arrival, std::uint16_t code, const TransactionUser& user,
                   EngineOutput& out);
  // 400 with a phrase that names what is wrong. RFC 3261 §21.4.1
  void answer_bad(const Arrival& arrival, std::string_view phrase, EngineOutput& out);
  void answer_without_state(const Arrival& arrival, std::uint16_t code, EngineOutput& out,
                            std::uint32_t retry_after = 0);
  // Counts a response on its way out.
  void count(RealmIndex realm, std::uint16_t code) noexcept;

 private:
  struct Answer {
    std::uint16_t code;
    std::uint32_t retry_after = 0;
    std::string_view phrase{};
    TransactionUser user{};
  };
  [[nodiscard]] std::string_view put(const Arrival& arrival, const Answer& answer, EngineOutput& out);
  void answer_with_state(const Arrival& arrival, const Answer& answer, EngineOutput& out);

  ServerTransactions& transactions_;
  std::vector<RealmSipCounters>& counters_;
  HashKey token_key_;
};

}  // namespace sallyport::sip
