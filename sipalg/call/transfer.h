// transfer.h — one transfer of a call that Sallyport carries out for whoever asked by REFER: RFC 3515, RFC
// 3891, RFC 5589.
//
//   stage     what happens                              next      what is done
//   (none)    REFER, judged and routed                  Trying    202, NOTIFY 100; INVITE to a target
//   Trying    18x of a target                           Trying    NOTIFY 180
//   Trying    failure of the last target                (none)    NOTIFY of it; the call goes on as it was
//   Trying    2xx of a target                           Offering  ACK; re-INVITE to whoever remains
//   (none)    REFER to a dialog of whoever asks     Reaching  202; re-INVITE to its other end
//   (none)    the same, of another engine's         Asking    202; a letter to that engine
//   Asking    its dialog comes over                 Reaching  re-INVITE to its other end
//   Asking    it says no, or nothing                (none)    NOTIFY of the failure
//   Reaching  2xx of the target                     Offering  ACK; re-INVITE to whoever remains
//   (none)    INVITE with Replaces                  Offering  100; re-INVITE to whoever remains
//   Offering  its 2xx                                   (none)    NOTIFY 200, BYE to the one who asked
//   Offering  its refusal                               (none)    BYE to the target, NOTIFY of the failure
//   Offering  the target hangs up                       Leaving   CANCEL of the re-INVITE; then as its end
//   says
// Where the target has come by itself, with Replaces, nobody is told: its INVITE has the answer, and the one
// who is replaced a BYE.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "policy/base/time.h"
#include "policy/decide/call_admission.h"
#include "policy/model/index.h"
#include "sipalg/call/costly_call.h"

namespace sallyport::sip {

// Numbers of calls that dialogs of one call came from.
inline constexpr std::size_t kFormerNumbersMax = 16;
// Of one call, one after the other.
inline constexpr std::size_t kTransfersMax = 8;
// Descriptions that are longer are not kept for transfers.
inline constexpr std::size_t kHeardSdpMax = 4096;

// For the answer of whoever is to be joined with somebody new.
inline constexpr Duration kOfferPatience = std::chrono::seconds(30);
// For that of another engine of this node.
inline constexpr Duration kLetterPatience = std::chrono::seconds(2);

// The last description of a side as an offer to somebody new: nobody holds anybody yet. Empty: nothing of it
// can be used, and the other one is to offer. RFC 3264 §5.1, §8.4
[[nodiscard]] std::string fresh_offer(std::string_view heard);

enum class TransferStage : std::uint8_t { Trying, Asking, Reaching, Offering, Leaving, kCount };

struct Transfer {
  std::uint32_t refer_cseq = 0;  // of the REFER: `id` of its subscription, RFC 3515 §2.4.6
  bool by_callee = false;        // who asked, by the dialog of the call
  bool has_id = false;           // `id` is said: there was a REFER before
  bool is_told = true;           // whoever asked wants to hear how it goes, RFC 4488
  bool has_left = false;         // it has hung up and leaves the rest to us
  bool owes_ack = false;         // the target's 2xx held an offer
  bool is_replacing = false;     // the target has come by itself: its INVITE names whom it replaces, RFC 3891
  TransferStage stage = TransferStage::Trying;
  std::uint16_t first_attempt = 0;       // number of the first one of this transfer
  std::uint16_t fork = 0;                // of the target that has answered; 0: none has
  std::uint16_t told = 0;                // last status that was told
  std::uint16_t code = 0;                // with Leaving: why
  std::uint8_t offers = 0;               // how often the re-INVITE was tried
  PeerIndex peer = PeerIndex::kNone;     // of whoever asked: its rules and routes are gone by
  std::uint32_t target_cseq = 0;         // of the INVITE that the target has answered
  std::optional<Timestamp> offer_at;     // the re-INVITE has to wait for others
  std::optional<Timestamp> offer_until;  // and its answer may not take longer
  policy::AdmissionTicket ticket_in, ticket_out;
  std::uint64_t account = 0;  // of whoever asked, as detectors name it
  std::string dialled;        // as they were asked about it
  CostlyCall costly;          // the leg to the target

  template <class Archive>
  void archive(Archive& a) {
    a(refer_cseq, by_callee, has_id, is_told, has_left, owes_ack, is_replacing, stage, first_attempt, fork,
      told, code, offers, peer, target_cseq, offer_at, offer_until, account, dialled, costly);
    for (policy::AdmissionTicket* const ticket : {&ticket_in, &ticket_out})
      a(ticket->peer, ticket->realm, ticket->direction, ticket->is_held);
    if constexpr (Archive::kReads)
      if (stage >= TransferStage::kCount) a.fail();
  }
};

}  // namespace sallyport::sip
