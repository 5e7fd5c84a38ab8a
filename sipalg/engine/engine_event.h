// engine_event.h — what a SipEngine tells the rim besides messages: records for the journal, alarms,
// detections. Each is a value of its own; the rim hands it to the thread that may wait for a disk.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "media-relay/control/media_notice.h"
#include "policy/base/ip_address.h"
#include "policy/base/time.h"
#include "policy/model/index.h"
#include "policy/record/call_record.h"

namespace sallyport::sip {

// A record that must reach the journal. The engine holds back the message that depends on it until the rim
// says that everything up to `sequence` is on disk (SipEngine::on_journalled), or for 100 ms at most.
struct RecordEvent {
  std::uint64_t sequence = 0;  // 1, 2, 3, ... for each engine since it was made
  CallRecord record;
};

// An alarm begins (active) or ends. `name` is one of a closed set: journal_slow, call_table_full, ...
struct AlarmEvent {
  std::string_view name;  // of static storage
  bool active = true;
  std::string detail;
  std::string subject{};  // whom it is about: a peer's name; empty: this engine
};

// Something that looks like an attack; counted by detector and action, kept in the call's record.
struct DetectionEvent {
  std::string_view detector;  // of static storage: forged_request, ...
  std::string_view action;  // of static storage: log, challenge, reject, block; of signatures alert, drop too
  Endpoint source;
  std::uint64_t call = 0;  // 0: none
  std::string evidence;    // as it was written by whoever sent it: hostile
  RealmIndex realm = RealmIndex::kNone;
  std::uint8_t confidence = 100;  // per cent
  bool is_proved = false;         // the source can't be forged: a connection, or its challenge came back
  Duration block_for{};  // of block: the source's address; what unproved UDP won touches strangers only
};

// The relay's last figures of one stream, some seconds after it was closed; the call may be long gone. An End
// record says how many of them follow it (CallRecord::media_reports).
struct MediaReportEvent {
  std::uint64_t call = 0;
  std::uint16_t stream = 0;
  std::array<media::SideReport, 2> sides;  // by StreamSide: what that side sent
  bool goes_on_after_bye = false;          // whoever has hung up talks on (threats D9)
};

// A binding of an endpoint that must be there again after a restart, or is no more. Not for each refresh:
// when it begins, moves, is made to last longer inside, or ends.
struct BindingEvent {
  std::uint64_t number = 0;
  std::uint8_t shard = 0;
  std::string bytes;  // for SipEngine::restore; empty: it is gone
};

struct EngineEvent {
  Timestamp at{};
  std::variant<RecordEvent, AlarmEvent, DetectionEvent, MediaReportEvent, BindingEvent> what;
};

}  // namespace sallyport::sip
