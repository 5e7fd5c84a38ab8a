// engine_output.h — what comes out of a SipEngine, as values that the rim carries out: datagrams to send, in
// their order, and events.
//
// Messages are built in place: room() gives free memory, commit() makes a message of it. The rim empties the
// output before each call of the engine; what does not fit any more is lost and counted, as on a network.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "media-relay/control/media_command.h"
#include "policy/base/ip_address.h"
#include "policy/model/index.h"
#include "sipalg/engine/engine_event.h"

namespace sallyport::sip {

// The two ends of a way: our listener (source of what we send) and the other side.
struct Path {
  RealmIndex realm = RealmIndex::kNone;
  Endpoint local;
  Endpoint remote;
  friend bool operator==(const Path&, const Path&) = default;
  template <class Archive>
  void archive(Archive& a) {
    a(realm, local, remote);
  }
};

struct SendDatagram {
  Path path;
  std::string_view bytes;  // in the output's memory; good until clear()
  std::uint64_t call = 0;  // 0: belongs to no call
  bool is_again = false;   // a retransmission
};

class EngineOutput {
 public:
  static constexpr std::size_t kMessageBytesMax = 65507;  // of a UDP datagram
  static constexpr std::size_t kSendsMax = 256;           // of one call of the engine

  EngineOutput() : bytes_(std::make_unique_for_overwrite<char[]>(kBytes)) {}  // touched only as far as used

  void clear() noexcept {
    sends_.clear();
    events_.clear();
    media_.clear();
    used_ = 0;
  }
  // Memory for one message of at most kMessageBytesMax; empty when there is none.
  [[nodiscard]] std::span<char> room() noexcept {
    if (sends_.size() >= kSendsMax || kBytes - used_ < kMessageBytesMax) {
      ++overflowed_;
      return {};
    }
    return {bytes_.get() + used_, kMessageBytesMax};
  }
  // Time to hand over what is there before more is made.
  [[nodiscard]] bool is_nearly_full() const noexcept {
    return sends_.size() > kSendsMax - 32 || used_ > kBytes / 2;
  }
  // The first `size` bytes of room() are a message now.
  std::string_view commit(const Path& path, std::size_t size, std::uint64_t call) {
    sends_.push_back({path, {bytes_.get() + used_, size}, call});
    used_ += size;
    return sends_.back().bytes;
  }
  // Copies. False when there is no room.
  bool send(const Path& path, std::string_view bytes, std::uint64_t call, bool is_again = false) {
    const std::span<char> free = room();
    if (free.size() < bytes.size()) return false;
    std::memcpy(free.data(), bytes.data(), bytes.size());
    commit(path, bytes.size(), call);
    sends_.back().is_again = is_again;
    return true;
  }
  template <class What>
  void add(Timestamp at, What&& what) {
    EngineEvent& event = events_.emplace_back();
    event.at = at;
    event.what.emplace<std::decay_t<What>>(std::forward<What>(what));
  }

  [[nodiscard]] const std::vector<SendDatagram>& sends() const noexcept { return sends_; }
  [[nodiscard]] std::vector<EngineEvent>& events() noexcept { return events_; }
  // For the relay, in their order; carried out before any of sends() leaves: a port that a message promises
  // is open when the message arrives.
  [[nodiscard]] std::vector<media::MediaCommand>& media() noexcept { return media_; }
  [[nodiscard]] std::uint64_t overflowed() const noexcept { return overflowed_; }  // since it was made

 private:
  static constexpr std::size_t kBytes = 4 * kMessageBytesMax;
  std::unique_ptr<char[]> bytes_;
  std::size_t used_ = 0;
  std::uint64_t overflowed_ = 0;
  std::vector<SendDatagram> sends_;
  std::vector<EngineEvent> events_;
  std::vector<media::MediaCommand> media_;
};

}  // namespace sallyport::sip
