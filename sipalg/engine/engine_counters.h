// engine_counters.h — what a SipEngine counts for each realm, and the same summed over engines.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "policy/base/counters.h"
#include "policy/detect/detector.h"
#include "policy/record/call_record.h"
#include "sipalg/message/start_line.h"

namespace sallyport::sip {

enum class Direction : std::uint8_t { In, Out, kCount };

// Methods that have a series of their own: those that we know by name. All else counts as Other.
using MethodLabel = Method;
inline constexpr std::size_t kMethodLabelCount = kMethodNames.size() + 1;
inline constexpr std::array<std::string_view, kMethodLabelCount> kMethodLabels = [] {
  std::array<std::string_view, kMethodLabelCount> labels;
  labels.back() = "other";
  std::copy(kMethodNames.begin(), kMethodNames.end(), labels.begin());
  return labels;
}();

// What looked like an attack (labels `detector` and `action` of sallyport_detections_total).
enum class DetectionLabel : std::uint8_t {
  ForgedResponse,
  ForgedCancel,
  SignatureAlert,  // a rule of security.signatures, by what it says
  SignatureReject,
  SignatureDrop,
  OfDetector,  // and behind it: each detector with each action
  kCount = OfDetector + policy::kDetectorCount * policy::kDetectorActionCount
};
[[nodiscard]] constexpr DetectionLabel label_of(policy::Detector detector, DetectorAction action) noexcept {
  return static_cast<DetectionLabel>(static_cast<std::size_t>(DetectionLabel::OfDetector) +
                                     static_cast<std::size_t>(detector) * policy::kDetectorActionCount +
                                     static_cast<std::size_t>(action));
}
struct DetectionName {
  std::string_view detector, action;
};
inline constexpr std::array<DetectionName, static_cast<std::size_t>(DetectionLabel::kCount)> kDetectionNames =
    [] {
      std::array<DetectionName, static_cast<std::size_t>(DetectionLabel::kCount)> names{
          {{"forged_response", "reject"},
           {"forged_cancel", "reject"},
           {"signature", "alert"},
           {"signature", "reject"},
           {"signature", "drop"}}};
      std::size_t next = static_cast<std::size_t>(DetectionLabel::OfDetector);
      for (const std::string_view detector : policy::kDetectorNames)
        for (const std::string_view action : policy::kDetectorActionNames) names[next++] = {detector, action};
      return names;
    }();

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
  ForgedRequest,      // names a dialog of ours but comes from elsewhere (threats D1, D3)
  ForgedResponse,     // names a transaction of ours but comes from elsewhere (threats D4)
  OutOfOrder,         // a reliable provisional response that is not the next one. RFC 3262 §4
  Signature,          // a rule of security.signatures says drop
  Detected,           // a detector of security.detectors says so
  LargerThanRequest,  // the answer would be, and its source has proved nothing (threats R4)
  kCount
};
inline constexpr std::array<std::string_view, static_cast<std::size_t>(SipDropReason::kCount)>
    kSipDropReasonNames{"malformed",      "malformed_response", "stranger",     "unmatched_response",
                        "stray_ack",      "forbidden_target",   "keepalive",    "too_large",
                        "forged_request", "forged_response",    "out_of_order", "signature",
                        "detected",       "larger_than_request"};

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
  std::array<std::array<Counter, kMethodLabelCount>, 2> requests;  // [Direction]
  std::array<std::array<Counter, kCodeLabelCount>, 2> responses;   // [Direction]
  EnumCounters<SipDropReason> dropped;
  Counter retransmissions_in;   // a request came again and was answered from the transaction
  Counter retransmissions_out;  // we sent a message again
};

// Calls of one peer, by direction as the peer sees Sallyport: In are calls that it sends us. The last place
// is for sources that are no configured peer.
struct PeerCallCounters {
  std::array<EnumCounters<CallResult>, 2> results;  // [Direction]; of calls that are over
  // Seconds, by upper bound of kSetupBounds and kDurationBounds; the last bucket has no bound.
  std::array<std::array<Counter, 9>, 2> setup;
  std::array<std::array<Counter, 9>, 2> duration;
  std::array<Counter, 2> setup_milliseconds, duration_milliseconds;  // sums
  // Another peer has the place now. By the thread that writes.
  void reset() noexcept;
};
inline constexpr std::array<double, 8> kSetupBounds{0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30};
inline constexpr std::array<double, 8> kDurationBounds{1, 5, 15, 60, 180, 600, 1800, 7200};

// Of one engine, written by its thread, read by any.
struct EngineCounters {
  explicit EngineCounters(std::size_t peer_count) : peers(peer_count + 1) {}
  std::vector<PeerCallCounters> peers;  // by PeerIndex, then one for all else
  Counter calls_active, dialogs_active, transactions_active, registrations_active;
  EnumCounters<DetectionLabel> detections;
  Counter messages_lost;  // found no room in the output
};

// The same as plain values, summed over all engines.
struct RealmSipCounts {
  std::array<std::array<std::uint64_t, kMethodLabelCount>, 2> requests{};
  std::array<std::array<std::uint64_t, kCodeLabelCount>, 2> responses{};
  std::array<std::uint64_t, static_cast<std::size_t>(SipDropReason::kCount)> dropped{};
  std::uint64_t retransmissions_in = 0, retransmissions_out = 0;
  void add(const RealmSipCounters& counters) noexcept;
};

}  // namespace sallyport::sip
