// detector_board.h — floods, brute force, scanners, broken messages, attacks on a callee and toll fraud: what
// all engines of a node have seen together, in memory taken once.
//
// Each on_* says what was seen just now; what comes back is to be done with that very message, nothing: it
// goes on. Counts are bounded, shared without a lock, hashed under a key, and err on the side of letting
// pass. A configured peer is never blocked nor limited by invite_flood, scanner, malformed or
// register_bruteforce: it has limits of its own; these only log it. No detector limits an emergency call, nor
// one that calls back who has called for help.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "policy/base/keyed_hash.h"
#include "policy/decide/earned_trust.h"
#include "policy/detect/detector.h"
#include "policy/route/week_minute.h"

namespace sallyport::policy {

class EmergencyCallbacks;

class DetectorBoard {
 public:
  // `capacity`: sources, callees and accounts that are counted at a time. `earned` outlives it: an address
  // behind which somebody has earned trust is not blocked; the flow (address and port) is punished.
  DetectorBoard(const DetectorsConfig& config, std::uint32_t capacity, const HashKey& key,
                const EarnedTrust& earned);
  ~DetectorBoard();
  DetectorBoard(const DetectorBoard&) = delete;
  DetectorBoard& operator=(const DetectorBoard&) = delete;

  // One thread at a time, while others ask. What was counted stays.
  void adopt(const DetectorsConfig& config);

  // All below: any thread. Whether all that this flow sends is dropped for now, unread.
  [[nodiscard]] bool is_punished(Timestamp now, const Actor& actor) const noexcept;

  // A message that can't be read, or a request that the grammar refuses.
  [[nodiscard]] std::optional<Finding> on_malformed(Timestamp now, const Actor& actor);
  // A request of a stranger that nobody here listens to, or one that was refused since its target is not
  // there (404, 604, 484, 416, 403 for no route). `target`: its Request-URI's user, or nothing.
  [[nodiscard]] std::optional<Finding> on_unheard(Timestamp now, const Actor& actor, std::string_view target);
  // A digest answer with a good nonce and a wrong password or user.
  [[nodiscard]] std::optional<Finding> on_login_failure(Timestamp now, const Actor& actor,
                                                        std::string_view user);
  // Right ones come too: a phone whose user mistyped is no brute force.
  void on_login(Timestamp now, const Actor& actor, std::string_view user) noexcept;

  // So many were wrong from there that no digest answer from there is looked at just now, right or wrong.
  [[nodiscard]] bool are_logins_over(Timestamp now, const Actor& actor, std::string_view user) const noexcept;

  // A call is asked for. `called`: its number after the rules for numbers, as it will be dialled.
  struct Attempt {
    std::string_view called;
    std::string_view caller{};  // the number that it shows; empty: none, or it was looked at already
    bool is_emergency = false;
    bool is_same_call = false;  // it goes on to another number: its source was counted already
    WeekMinute time{};          // in UTC
  };
  [[nodiscard]] std::optional<Finding> before_call(Timestamp now, const Actor& actor, const Attempt& attempt);
  // Who has called for help: calls to those numbers pass all detectors.
  [[nodiscard]] EmergencyCallbacks& callbacks() noexcept;
  // Of `called`, by somebody who is no stranger: it may be help that calls back.
  [[nodiscard]] bool is_callback(Timestamp now, const Actor& actor, std::string_view called) const noexcept;
  // One that before_call() let pass was answered: who is answered, and who answers, may have more.
  void on_answered(Timestamp now, const Actor& actor, std::string_view called) noexcept;

  // Calls to costly prefixes (toll_fraud) that are up: begin at once when before_call() has let one pass, not
  // only when it is answered, and end once for each begin, however the call ends. `account` as of the Actor;
  // for 0 nothing is counted. An end without its begin does nothing, and where there is no room nothing is
  // counted: counts err on the side of letting pass. After a restart all are nothing until calls that come
  // back begin again.
  [[nodiscard]] bool is_costly(std::string_view called) const noexcept;
  void begin_costly(std::uint64_t account) noexcept;
  void end_costly(std::uint64_t account) noexcept;

  [[nodiscard]] static std::size_t memory_for(std::uint32_t capacity) noexcept;

 private:
  struct Tables;
  std::unique_ptr<Tables> tables_;
};

}  // namespace sallyport::policy
