// call_record.h — what is known of one call for its CDRs (contract: types start, interim, end), as plain
// values that the core hands to the rim. Texts are as they came from the wire: whoever prints them escapes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/base/ip_address.h"
#include "policy/base/time.h"

namespace sallyport {

enum class CallRecordType : std::uint8_t { Start, Interim, End };
enum class CallResult : std::uint8_t { Answered, Busy, NoAnswer, Cancelled, Rejected, Failed, kCount };
enum class EndedBy : std::uint8_t { Caller, Callee, Sallyport };

[[nodiscard]] constexpr std::string_view to_string(CallResult result) noexcept {
  constexpr std::string_view kNames[] = {"answered", "busy", "no_answer", "cancelled", "rejected", "failed"};
  return kNames[static_cast<std::size_t>(result)];
}
[[nodiscard]] constexpr std::string_view to_string(EndedBy who) noexcept {
  constexpr std::string_view kNames[] = {"caller", "callee", "sallyport"};
  return kNames[static_cast<std::size_t>(who)];
}

// One target that was tried. code 0: it never answered.
struct TriedTarget {
  std::string peer;
  Endpoint target;
  std::uint16_t code = 0;
  template <class Archive>
  void archive(Archive& a) {
    a(peer, target, code);
  }
};

struct LegRecord {
  std::string realm;
  std::string transport = "udp";
  Endpoint remote;
  std::string call_id;
  template <class Archive>
  void archive(Archive& a) {
    a(realm, transport, remote, call_id);
  }
};

// One direction of one stream: what the side `from` sent. What the relay counted is filled in by its final
// report; a call whose report never came (crash) has it empty.
struct MediaRecord {
  std::uint16_t stream = 0;  // counts the streams of the call
  bool from_caller = true;
  std::string codec;            // "PCMA/8000", "t38"; empty: never agreed
  std::string crypto = "none";  // none, or the suite
  Endpoint local, remote;       // our address towards that side; where its packets came from
  bool is_measured = false;     // the relay has reported: the members below are valid
  std::uint64_t packets = 0, bytes = 0, lost = 0, after_bye_packets = 0;
  std::uint32_t jitter_us = 0, round_trip_us = 0;
  std::uint16_t mos_times_100 = 0;  // 0: not known
  template <class Archive>
  void archive(Archive& a) {
    a(stream, from_caller, codec, crypto, local, remote, is_measured, packets, bytes, lost, after_bye_packets,
      jitter_us, round_trip_us, mos_times_100);
  }
};

// One transfer that was asked for within the call.
struct TransferRecord {
  EndedBy by = EndedBy::Caller;  // who asked: Caller or Callee
  std::string to;                // user part of Refer-To as it came
  Timestamp at{};
  std::uint16_t code = 0;  // 200: done; 0: not over yet
  template <class Archive>
  void archive(Archive& a) {
    a(by, to, at, code);
  }
};

// Times are moments of the core's clock; the rim turns them into UTC. Those that did not happen are empty.
struct CallRecord {
  CallRecordType type = CallRecordType::End;
  std::uint64_t call = 0;         // the call's number, unique for ever; `id` of the CDR is call_id_text(call)
  std::string peer_in, peer_out;  // empty: no configured peer
  std::string from, to;           // URIs of From and To as the caller wrote them
  std::string called_in, called_out;
  std::string route;
  std::vector<TriedTarget> tried;
  Timestamp start{};
  std::optional<Timestamp> ring, answer, end, media_end;
  CallResult result = CallResult::Failed;
  std::uint16_t sip_code = 0;  // what the caller was told
  std::uint16_t q850 = 0;      // of a Reason header; 0: none
  EndedBy ended_by = EndedBy::Sallyport;
  std::string end_reason;           // a word of a closed set: bye, cancel, ring_timeout, ...
  std::vector<LegRecord> legs;      // caller's, then callee's
  std::vector<MediaRecord> media;   // each stream's two directions, the caller's first
  std::uint16_t media_reports = 0;  // of an End record: final reports of the relay that are still to come
  std::vector<std::string> detections;
  std::vector<TransferRecord> transfers;  // in their order
  bool emergency = false;
};

// "67408c3e-00001a2b": how people, CDRs and commands name a call.
[[nodiscard]] std::string call_id_text(std::uint64_t call);
[[nodiscard]] std::optional<std::uint64_t> parse_call_id_text(std::string_view text) noexcept;

}  // namespace sallyport
