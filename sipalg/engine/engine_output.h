// engine_output.h — what comes out of a SipEngine, as values that the rim carries out: messages to send, in
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
#include "policy/base/named_numbers.h"
#include "policy/model/index.h"
#include "policy/model/transport.h"
#include "sipalg/engine/engine_event.h"
#include "sipalg/engine/engine_letter.h"
#include "sipalg/location/dns_query.h"

namespace sallyport::sip {

// The two ends of a way: our listener and the other side.
//
// Over UDP, `local` is the source of what we send. Over TCP and TLS it is the listener whose names we show
// (Via, Contact); the rim sends over `connection` while that lives, else over any other open one of this
// realm and transport that leads to `remote` (of TLS: to this peer, proved), else it opens one (RFC 3261
// §18.2.2; RFC 5923). If it can't, or the connection breaks before the octets are out, the engine hears
// on_unreachable() with this path.
struct Path {
  RealmIndex realm = RealmIndex::kNone;
  Endpoint local;
  Endpoint remote;  // of a connection that was opened to us, its source; a new one is opened to this endpoint
  Transport transport = Transport::Udp;
  PeerIndex peer = PeerIndex::kNone;  // of TLS: whose name the certificate must show (RFC 5922)
  std::uint64_t connection = 0;       // 0: none yet. Does not outlive the process
  // The same way, whichever connection serves it.
  friend bool operator==(const Path& a, const Path& b) noexcept {
    return a.realm == b.realm && a.local == b.local && a.remote == b.remote && a.transport == b.transport;
  }
  template <class Archive>
  void archive(Archive& a) {
    a(realm, local, remote, transport, peer);
    // Of a peer that is gone no connection can be proved any more; those that need none live on.
    if constexpr (Archive::kReads)
      if (to_position(peer) == NamedNumbers::kGone) peer = PeerIndex::kNone;
  }
};

struct SendMessage {
  Path path;
  std::string_view bytes;  // in the output's memory; good until clear()
  std::uint64_t call = 0;  // 0: belongs to no call
  bool is_again = false;   // a retransmission
};

class EngineOutput {
 public:
  static constexpr std::size_t kMessageBytesMax = 65507;  // of a UDP datagram
  static constexpr std::size_t kSendsMax = 256;           // of one call of the engine

  // Memory is touched only as far as it is used. Orders, which hold keys, have room from the beginning: what
  // grows leaves copies behind.
  EngineOutput() : bytes_(std::make_unique_for_overwrite<char[]>(kBytes)) { media_.reserve(kMediaUsualMax); }
  ~EngineOutput() { wipe_keys(); }
  EngineOutput(EngineOutput&&) noexcept = default;
  EngineOutput& operator=(EngineOutput&&) noexcept = default;

  void clear() noexcept {
    sends_.clear();
    events_.clear();
    wipe_keys();
    media_.clear();
    dns_.clear();
    closes_.clear();
    letters_.clear();
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

  [[nodiscard]] const std::vector<SendMessage>& sends() const noexcept { return sends_; }
  [[nodiscard]] std::vector<EngineEvent>& events() noexcept { return events_; }
  // For the relay, in their order; carried out before any of sends() leaves: a port that a message promises
  // is open when the message arrives.
  [[nodiscard]] std::vector<media::MediaCommand>& media() noexcept { return media_; }
  // Questions for the name servers; each is answered once by SipEngine::on_dns.
  [[nodiscard]] std::vector<DnsQuery>& dns() noexcept { return dns_; }
  // Connections that are closed once what was sent over them is out.
  [[nodiscard]] std::vector<std::uint64_t>& closes() noexcept { return closes_; }
  // For other engines of the node; none may be lost on the way.
  [[nodiscard]] std::vector<std::unique_ptr<EngineLetter>>& letters() noexcept { return letters_; }
  [[nodiscard]] std::uint64_t overflowed() const noexcept { return overflowed_; }  // since it was made

 private:
  static constexpr std::size_t kBytes = 4 * kMessageBytesMax;
  static constexpr std::size_t kMediaUsualMax = 64;
  void wipe_keys() noexcept {
    for (media::MediaCommand& command : media_)
      for (media::MediaKeys& keys : command.keys)
        if (keys.is_secured) keys.wipe();
  }

  std::unique_ptr<char[]> bytes_;
  std::size_t used_ = 0;
  std::uint64_t overflowed_ = 0;
  std::vector<SendMessage> sends_;
  std::vector<EngineEvent> events_;
  std::vector<media::MediaCommand> media_;
  std::vector<DnsQuery> dns_;
  std::vector<std::uint64_t> closes_;
  std::vector<std::unique_ptr<EngineLetter>> letters_;
};

}  // namespace sallyport::sip
