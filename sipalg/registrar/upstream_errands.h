// upstream_errands.h — REGISTERs on their way to an upstream: a fixed number of places, each with the time by
// which the next target is asked. RFC 3261 §10.2, §10.3; threats R1, R5.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "policy/base/time.h"
#include "policy/base/timer_wheel.h"
#include "policy/detect/detector.h"
#include "sipalg/engine/arrival.h"
#include "sipalg/hiding/leg_message.h"
#include "sipalg/registrar/binding_update.h"
#include "sipalg/transaction/server_transactions.h"

namespace sallyport::sip {

// One endpoint's REGISTER, or our own that ends a binding. Owns all that is needed until the answer comes.
struct UpstreamErrand {
  std::uint32_t place = 0;
  std::uint64_t transaction = 0;         // of the request that is under way; 0: none
  std::uint16_t registrar = 0;           // position in the engine's list
  RegisterAsk ask;                       // of our own: no contacts
  std::vector<GrantedContact> contacts;  // numbers, by contact of the ask
  std::uint64_t ending = 0;              // number of the binding that ends; 0: it is an endpoint's REGISTER
  std::string request_uri, credentials;  // of the endpoint's REGISTER
  policy::Actor actor;                   // whose it is, as detectors see it
  bool is_proof = false;                 // the credentials answer a challenge that we passed on
  std::uint32_t inside_seconds = 0;      // that are asked for
  std::vector<Endpoint> asked;           // targets so far
  bool asked_for_longer = false;         // after a 423
  // Towards the endpoint.
  ServerTransactionId server = ServerTransactionId::kNone;
  Path flow, answer_path;
  std::optional<ResponseHead> head;
  std::string to_tag;
  std::size_t answer_bytes_max = kAnyAnswerBytes;  // unless it is_proof
};

class UpstreamErrands {
 public:
  static constexpr std::uint32_t kMost = 512, kMostOfSource = 32;  // an office behind one NAT

  UpstreamErrands() : errands_(kMost), wheel_(kMost) {
    for (std::uint32_t place = kMost; place-- > 0;) free_.push_back(place);
  }
  // Null: all places are taken.
  [[nodiscard]] UpstreamErrand* begin() {
    if (free_.empty()) return nullptr;
    const std::uint32_t place = free_.back();
    free_.pop_back();
    errands_[place] = std::make_unique<UpstreamErrand>();
    errands_[place]->place = place;
    return errands_[place].get();
  }
  void end(std::uint32_t place) noexcept {
    wheel_.disarm(place);
    errands_[place].reset();
    free_.push_back(place);
  }
  // The one whose request is that transaction; null: nobody waits for it any more.
  [[nodiscard]] UpstreamErrand* find(std::uint32_t place, std::uint64_t transaction) noexcept {
    UpstreamErrand* const errand = place < kMost ? errands_[place].get() : nullptr;
    return errand != nullptr && errand->transaction == transaction ? errand : nullptr;
  }
  void wait(const UpstreamErrand& errand, Timestamp until) noexcept { wheel_.arm(errand.place, until); }
  // One whose patience is over.
  [[nodiscard]] UpstreamErrand* next_due(Timestamp now) noexcept {
    const auto due = wheel_.pop_due(now);
    return due ? errands_[*due].get() : nullptr;
  }
  [[nodiscard]] std::optional<Timestamp> next_deadline() const noexcept { return wheel_.next_deadline(); }
  [[nodiscard]] std::uint32_t size() const noexcept {
    return kMost - static_cast<std::uint32_t>(free_.size());
  }
  // Of one source; our own count for nobody.
  [[nodiscard]] std::uint32_t of_source(const IpAddress& source) const noexcept {
    std::uint32_t count = 0;
    for (const auto& errand : errands_)
      if (errand && errand->ending == 0 && errand->flow.remote.address == source) ++count;
    return count;
  }

 private:
  std::vector<std::unique_ptr<UpstreamErrand>> errands_;
  std::vector<std::uint32_t> free_;
  TimerWheel wheel_;
};

}  // namespace sallyport::sip
