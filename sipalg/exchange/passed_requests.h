// passed_requests.h — requests that are on their way through: taken from one neighbour, not yet answered by
// another. The capacity is fixed. None outlives the process: its sender sends it again.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "policy/base/shared_value.h"
#include "policy/base/timer_wheel.h"
#include "policy/route/router.h"
#include "policy/route/target_board.h"
#include "sipalg/exchange/subscription.h"
#include "sipalg/hiding/leg_message.h"
#include "sipalg/registrar/binding.h"
#include "sipalg/transaction/server_transactions.h"

namespace sallyport::sip {

// One of `target`, `binding` is set; neither: whoever is registered at that place, looked up when its turn
// comes.
struct PassTarget {
  PeerIndex peer = PeerIndex::kNone;
  bool is_emergency_target = false;
  SharedValue<policy::BoardTarget> target;
  SharedValue<Binding> binding;
};

struct PassedRequest {
  SharedValue<Rulebook> book;  // that it began with
  std::uint32_t slot = 0;
  Method method = Method::Other;
  // From whom, and how it is answered.
  PeerIndex source = PeerIndex::kNone;
  ServerTransactionId server = ServerTransactionId::kNone;
  Path answer_path;
  ResponseHead head;
  std::uint8_t shard = 0;
  bool is_sips = false;
  // In the tokens of a request that began here: of its Call-ID and tags.
  std::uint64_t number = 0;
  // Within a dialog: that of its subscription; else of the one that it makes. 0: of none.
  std::uint64_t subscription = 0;
  bool is_in_dialog = false;
  End from = End::Subscriber;          // within a dialog
  std::optional<std::uint32_t> asked;  // seconds, of a SUBSCRIBE
  // To whom, just now.
  std::uint64_t client = 0;  // 0: nobody
  PeerIndex peer = PeerIndex::kNone;
  Path path;
  SharedValue<policy::BoardTarget> at;  // null: an endpoint, or within a dialog
  bool was_heard = false;               // by a 100 at least
  bool went_by_stream = false;          // for its size
  // What is left to be tried.
  std::string bytes;  // the request as it came; empty: no target can follow
  std::vector<PassTarget> targets;
  std::uint16_t route = policy::kNoRoute;
  std::uint16_t reject_code = 0, best_code = 0;
};

class PassedRequests {
 public:
  explicit PassedRequests(std::uint32_t capacity);
  // Null: full. The pointer is good until it is erased.
  [[nodiscard]] PassedRequest* make(Timestamp now);
  // The one that waits for client transaction `number`; null: none does.
  [[nodiscard]] PassedRequest* find(std::uint32_t slot, std::uint64_t number) noexcept;
  void erase(std::uint32_t slot) noexcept;
  // Another target is tried then.
  void arm(std::uint32_t slot, std::optional<Timestamp> deadline) noexcept;
  [[nodiscard]] PassedRequest* pop_due(Timestamp now) noexcept;
  [[nodiscard]] std::optional<Timestamp> next_deadline() const noexcept { return wheel_.next_deadline(); }
  [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
  [[nodiscard]] bool full() const noexcept { return size_ == capacity_; }

 private:
  std::vector<std::unique_ptr<PassedRequest>> entries_;  // by slot; null: free
  std::vector<std::uint32_t> free_;
  TimerWheel wheel_;
  std::uint32_t capacity_, size_ = 0;
};

}  // namespace sallyport::sip
