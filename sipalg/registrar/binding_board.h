// binding_board.h — where every registered endpoint is reached just now: written by the engine in whose shard
// the AOR lies, read by all.
//
// Readers copy a pointer under the lock of one of many stripes; nobody waits there for anything else. What
// was read may be used after the next one was put in its place.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "policy/base/keyed_hash.h"
#include "policy/base/shared_value.h"
#include "sipalg/registrar/binding.h"

namespace sallyport::sip {

// Of one AOR; the one to be tried first stands first: by q, then the one that was heard last.
using Bindings = std::vector<SharedValue<Binding>>;

class BindingBoard {
 public:
  // `key`: random at each start. `capacity`: AORs; memory grows with what is there.
  BindingBoard(std::uint32_t capacity, const HashKey& key);
  ~BindingBoard();
  BindingBoard(const BindingBoard&) = delete;
  BindingBoard& operator=(const BindingBoard&) = delete;

  // Never null; empty when nobody is registered. The caller looks at `expires` itself.
  [[nodiscard]] SharedValue<Bindings> bindings_of(PeerIndex place, std::string_view aor) const;
  // Null: no such binding any more.
  [[nodiscard]] SharedValue<Binding> numbered(std::uint64_t number) const;
  // Who registered from there over that transport; several when a device has several lines. Never null.
  // Without any registrar in the configuration this costs one load.
  [[nodiscard]] SharedValue<Bindings> from(const Path& path) const;
  [[nodiscard]] bool is_known(RealmIndex realm, const Endpoint& remote, Transport transport) const noexcept;

  // In place of what that AOR had; empty: it has nothing any more. By the owner of the AOR. False: there is
  // no room for one more AOR.
  bool put(PeerIndex place, std::string_view aor, Bindings next);
  [[nodiscard]] std::uint32_t aors() const noexcept;
  [[nodiscard]] std::uint32_t size() const noexcept;  // bindings

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sallyport::sip
