// reliable_answers.h — the reliable provisional responses of one early dialog, on both its legs: RFC 3262.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "policy/base/boxed.h"
#include "policy/base/time.h"
#include "sipalg/media/media_session.h"
#include "sipalg/message/sip_message.h"

namespace sallyport::sip {

// Of one early dialog: the one on its way to the caller and those that wait behind it. RFC 3262 §3
inline constexpr std::size_t kReliableWaitingMax = 4;
inline constexpr std::uint32_t kRSeqMax = 0x7fffffff;  // of a first one, RFC 3262 §3

// A provisional response of ours that the caller has not acknowledged.
struct ReliableAnswer {
  std::uint32_t rseq = 0;
  std::uint32_t heard = 0;  // RSeq of the callee's that it stands for; 0: that one was not reliable
  std::uint16_t code = 180;
  bool holds_sdp = false;
  bool owes_answer = false;  // its SDP is an offer: PRACK holds the answer. RFC 3262 §5
  std::string response;
  template <class Archive>
  void archive(Archive& a) {
    a(rseq, heard, code, holds_sdp, owes_answer, response);
  }
};

// What a dialog had agreed on, while another one of the INVITE has its turn with the streams.
struct EarlyAgreement {
  AgreedStreams media;
  std::array<std::string, 2> heard_sdp, sent_sdp;  // as in the attempt
  template <class Archive>
  void archive(Archive& a) {
    a(media, heard_sdp, sent_sdp);
  }
};

struct ReliableAnswers {
  std::uint32_t heard = 0;       // RSeq of the callee's last one in order; 0: none yet
  std::uint32_t heard_cseq = 0;  // of our INVITE that it answers
  std::uint32_t sent = 0;        // RSeq of our last one to the caller; 0: none yet
  bool is_required = false;      // the caller takes no other
  bool is_agreed = false;        // offer and answer of the INVITE are done with the callee
  bool is_told = false;          // the caller has had its answer, or the callee's offer, in one of these
  std::vector<ReliableAnswer> waiting;  // the first one has been sent
  Duration interval{};
  Timestamp resend_at{}, give_up_at{};  // of the first one
  std::string answer;                   // the callee's 2xx, which must wait for the PRACK. RFC 3262 §3
  Boxed<EarlyAgreement> set_aside;      // of a dialog that has agreed and had its turn

  [[nodiscard]] bool is_full() const noexcept { return waiting.size() >= kReliableWaitingMax; }
  // RFC 3262 §4: one that came before.
  [[nodiscard]] bool is_repeated(std::uint32_t rseq) const noexcept { return heard != 0 && rseq <= heard; }
  // RFC 3262 §4: the first one says where the numbers begin, each further one is the next.
  [[nodiscard]] bool is_in_order(std::uint32_t rseq) const noexcept {
    return heard == 0 ? rseq != 0 && rseq <= kRSeqMax : rseq - 1 == heard;
  }
  [[nodiscard]] bool waits_with_sdp() const noexcept;

  template <class Archive>
  void archive(Archive& a) {
    a(heard, heard_cseq, sent, is_required, is_agreed, is_told, waiting, interval, resend_at, give_up_at,
      answer, set_aside);
    if constexpr (Archive::kReads)
      if (waiting.size() > kReliableWaitingMax) {
        waiting.clear();
        a.fail();
      }
  }
};

// The number in RSeq; nothing: there is none, more than one, or it can't be read. RFC 3262 §7.1
[[nodiscard]] std::optional<std::uint32_t> rseq_of(const SipMessage& response) noexcept;

// What a PRACK acknowledges: a response to an INVITE. RFC 3262 §7.2
struct RAck {
  std::uint32_t rseq = 0, cseq = 0;
  friend bool operator==(const RAck&, const RAck&) = default;
};
[[nodiscard]] std::optional<RAck> rack_of(const SipMessage& prack) noexcept;
// As a whole header line.
[[nodiscard]] std::string rack_line(const RAck& rack);

}  // namespace sallyport::sip
