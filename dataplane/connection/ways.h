// ways.h — which open connection leads where, and which targets are left alone for a while because nobody
// answered there.
//
// A connection that we opened serves everything to its target. One that the other side opened serves only
// messages that name it, unless it is TLS and its certificate proved a peer: then it serves that peer at that
// address. RFC 3261 §18.1.1, §18.2.2; RFC 5923 §5
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "policy/base/address_hash.h"
#include "policy/base/keyed_hash.h"
#include "policy/base/time.h"
#include "sipalg/engine/engine_output.h"

namespace sallyport::dataplane {

struct Way {
  RealmIndex realm = RealmIndex::kNone;
  Transport transport = Transport::Tcp;
  PeerIndex peer = PeerIndex::kNone;  // of TLS only
  Endpoint local, remote;
  friend bool operator==(const Way&, const Way&) = default;

  [[nodiscard]] static Way to_target(const sip::Path& path) noexcept {
    const bool is_tls = path.transport == Transport::Tls;
    return {path.realm, path.transport, is_tls ? path.peer : PeerIndex::kNone, path.local, path.remote};
  }
  // Of a connection that a peer opened and proved to be its own.
  [[nodiscard]] static Way of_proved(RealmIndex realm, PeerIndex peer, const IpAddress& remote) noexcept {
    return {realm, Transport::Tls, peer, {}, {remote, 0}};
  }
};

class Ways {
 public:
  static constexpr Duration kFirstPause = 1s, kLongestPause = 30s;
  static constexpr std::size_t kPausedMax = 4096;      // addresses
  static constexpr std::size_t kPausedOfAddress = 16;  // the one that ends first makes room

  explicit Ways(const HashKey& key) : connections_(0, Hash{key}), pauses_(0, SourceHash{key}) {}

  void add(const Way& way, std::uint64_t connection) { connections_.insert_or_assign(way, connection); }
  // 0: none.
  [[nodiscard]] std::uint64_t find(const Way& way) const noexcept;
  // Only when it leads to this connection.
  void remove(const Way& way, std::uint64_t connection) noexcept;

  // Nothing could be opened: no attempt until 1 s has passed, then 2 s, ... 30 s.
  void failed(const Way& way, Timestamp now);
  void succeeded(const Way& way) noexcept;
  // Somebody connected, or spoke, from there: whatever failed may be tried again at once.
  void heard_from(RealmIndex realm, const IpAddress& address) noexcept {
    if (!pauses_.empty()) pauses_.erase({realm, address});
  }
  [[nodiscard]] bool is_paused(const Way& way, Timestamp now) const noexcept;

 private:
  struct Hash {
    HashKey key;
    std::size_t operator()(const Way& way) const noexcept;
  };
  struct Source {
    RealmIndex realm;
    IpAddress address;
    friend bool operator==(const Source&, const Source&) = default;
  };
  struct SourceHash {
    HashKey key;
    std::size_t operator()(const Source& source) const noexcept {
      return address_hash16(key, source.address, static_cast<std::uint16_t>(source.realm));
    }
  };
  struct Pause {
    Way way;
    Timestamp until;
    Duration length;
  };
  std::unordered_map<Way, std::uint64_t, Hash> connections_;
  std::unordered_map<Source, std::vector<Pause>, SourceHash> pauses_;
};

}  // namespace sallyport::dataplane
