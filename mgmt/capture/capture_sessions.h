// capture_sessions.h — captures that run: `sallyport capture` begins one and then asks for its blocks again
// and again, so that the daemon writes no file and holds a bounded piece of it only.
//
// {"command":"capture","call":ID}              ->  {"capture":1}       (or "peer", or "address"; "for_ms",
// "media")
// {"command":"capture_next","capture":"1"}     ->  {"blocks":"base64 of pcapng","ended":false,...}
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/data_plane_media_tap.h"
#include "mgmt/calls/call_desk.h"
#include "mgmt/capture/capture_hub.h"
#include "mgmt/cli/control_protocol.h"
#include "mgmt/log/wall_clock.h"
#include "policy/base/shared_value.h"
#include "policy/model/sbc_config.h"

namespace sallyport::mgmt {

// All must outlive the sessions.
struct CapturePlaces {
  CaptureHub& hub;
  CallDesk& desk;
  const SharedSlot<SbcConfig>& config;  // of the day
  std::function<Timestamp()> core;
  WallClock wall;
  // For the log: an operator began to look at this.
  std::function<void(const std::string& what, const std::string& by)> begun = {};
  dataplane::MediaTap* media = nullptr;  // null: signalling only
};

struct CapturePiece {
  std::uint64_t utc_nanoseconds = 0;
  std::string block;
};

struct CaptureBlocks {
  std::string bytes;  // of pcapng
  bool has_ended = false;
  std::uint64_t packets = 0, dropped = 0;  // since it began
};

// Used by the management thread alone.
class CaptureSessions {
 public:
  static constexpr std::size_t kSessionsMax = 8;
  static constexpr std::size_t kHeldBytesMax = 8'000'000;  // of one session, until it is asked for
  static constexpr Duration kForgottenAfter = 15s;         // nobody asks any more
  static constexpr Duration kLastWords = 1s;               // what is still said when a call is over

  explicit CaptureSessions(CapturePlaces places) : places_(std::move(places)) {}
  ~CaptureSessions();
  CaptureSessions(const CaptureSessions&) = delete;
  CaptureSessions& operator=(const CaptureSessions&) = delete;

  // Its number.
  [[nodiscard]] Result<std::uint64_t, ControlFailure> begin(const ControlArguments& given);
  // What has come since the last time; `stop`: and no more.
  [[nodiscard]] Result<CaptureBlocks, ControlFailure> next(std::uint64_t capture, bool stop);
  // Now and then: takes in what the engines saw, ends those that nobody asks for.
  void tick();

 private:
  // A port of the call's media; the next one is of its reports.
  struct MediaPlace {
    Endpoint local;
    std::uint32_t interface = 0;
  };
  struct Session {
    std::optional<std::size_t> taker;
    std::vector<CapturePiece> pieces;
    std::size_t held_bytes = 0;
    bool takes_media = false;
    std::vector<MediaPlace> media;
    std::optional<Timestamp> until, last_words;
    std::string call;  // its own id; empty: not of a call
    PeerIndex peer = PeerIndex::kNone;
    std::string peer_name;  // a reload may give its place to another
    Timestamp asked{}, call_looked_at{};
    Duration utc_at_zero{};
    std::uint64_t packets = 0, dropped = 0, heads_lost_before = 0;
  };
  [[nodiscard]] Result<MessageFilter, ControlFailure> filter_of(const ControlArguments& given,
                                                                Session& session);
  void add(Session& session, const CapturedMessage& message);
  void add(Session& session, const dataplane::MediaHead& head);
  void keep(Session& session, CapturePiece piece);
  void look_at(Session& session, const sip::CallView& call, Timestamp now);
  void want_media();
  void take_in();
  [[nodiscard]] bool is_of_another_peer(const Session& session) const;
  [[nodiscard]] bool has_ended(Session& session, Timestamp now);
  void close(Session& session) noexcept;

  CapturePlaces places_;
  std::map<std::uint64_t, std::unique_ptr<Session>> sessions_;
  std::uint64_t last_ = 0;
};

// `capture`, `capture_next`.
void add_capture_commands(ControlCommands& commands, CaptureSessions& sessions);

}  // namespace sallyport::mgmt
