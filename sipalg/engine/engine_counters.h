// engine_counters.h — what a SipEngine counts for each realm, and the same summed over engines.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "policy/base/counters.h"

namespace sallyport::sip {

enum class Direction : std::uint8_t { In, Out, kCount };

// Methods that have a series of their own; all else counts as Other.
enum class MethodLabel : std::uint8_t {
  Invite,
  Ack,
  Cancel,
  Bye,
  Options,
  Register,
  Prack,
  Update,
  Info,
  Refer,
  Subscribe,
  Notify,
  Publish,
  Message,
  Other,
  kCount
};
inline constexpr std::array<std::string_view, static_cast<std::size_t>(MethodLabel::kCount)> kMethodLabels{
    "INVITE", "ACK",   "CANCEL",    "BYE",    "OPTIONS", "REGISTER", "PRACK", "UPDATE",
    "INFO",   "REFER", "SUBSCRIBE", "NOTIFY", "PUBLISH", "MESSAGE",  "other"};

// Why a SIP message was dropped without an answer (label `reason` of sallyport_sip_dropped_total).
enum class SipDropReason : std::uint8_t {
  Malformed,          // not SIP, or broken where no answer can be built
  MalformedResponse,  // RFC 3261 §18.3: a broken response is discarded
  Stranger,           // a source that is neither trusted nor known
  UnmatchedResponse,  // belongs to no transaction
  StrayAck,           // ACK that belongs to nothing
  ForbiddenTarget,    // the answer would go to a broadcast or multicast address
  Keepalive,          // CRLF or empty datagram
  TooLarge,
  kCount
};
inline constexpr std::array<std::string_view, static_cast<std::size_t>(SipDropReason::kCount)>
    kSipDropReasonNames{"malformed", "malformed_response", "stranger",  "unmatched_response",
                        "stray_ack", "forbidden_target",   "keepalive", "too_large"};

// Codes that have a series of their own are those of RFC 3261; others count under their class ("4xx").
inline constexpr std::array<std::uint16_t, 50> kCountedCodes{
    100, 180, 181, 182, 183, 200, 300, 301, 302, 305, 380, 400, 401, 402, 403, 404, 405,
    406, 407, 408, 410, 413, 414, 415, 416, 420, 421, 423, 480, 481, 482, 483, 484, 485,
    486, 487, 488, 491, 493, 500, 501, 502, 503, 504, 505, 513, 600, 603, 604, 606};
inline constexpr std::size_t kCodeLabelCount = kCountedCodes.size() + 6;  // then 1xx .. 6xx

// Position in the arrays below; out of 100..699 counts as 6xx.
[[nodiscard]] constexpr std::size_t code_label(unsigned code) noexcept {
  for (std::size_t i = 0; i < kCountedCodes.size(); ++i)
    if (kCountedCodes[i] == code) return i;
  const unsigned code_class = code >= 100 && code < 700 ? code / 100 : 6;
  return kCountedCodes.size() + code_class - 1;
}

// Written by one shard thread, read by any.
struct RealmSipCounters {
  std::array<std::array<Counter, static_cast<std::size_t>(MethodLabel::kCount)>, 2> requests;  // [Direction]
  std::array<std::array<Counter, kCodeLabelCount>, 2> responses;                               // [Direction]
  EnumCounters<SipDropReason> dropped;
  Counter retransmissions_in;   // a request came again and was answered from the transaction
  Counter retransmissions_out;  // we sent a message again
};

// The same as plain values, summed over all engines.
struct RealmSipCounts {
  std::array<std::array<std::uint64_t, static_cast<std::size_t>(MethodLabel::kCount)>, 2> requests{};
  std::array<std::array<std::uint64_t, kCodeLabelCount>, 2> responses{};
  std::array<std::uint64_t, static_cast<std::size_t>(SipDropReason::kCount)> dropped{};
  std::uint64_t retransmissions_in = 0, retransmissions_out = 0;
  void add(const RealmSipCounters& counters) noexcept;
};

}  // namespace sallyport::sip
