// subscription.h — one subscription through Sallyport: the dialog with whoever subscribed, and its twin with
// whoever notifies. RFC 6665 §4. Plain values that a snapshot can hold.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "policy/base/shared_value.h"
#include "policy/base/time.h"
#include "sipalg/dialog/dialog.h"
#include "sipalg/engine/rulebook.h"

namespace sallyport::sip {

enum class End : std::uint8_t { Subscriber, Notifier };
[[nodiscard]] constexpr End other(End end) noexcept {
  return end == End::Subscriber ? End::Notifier : End::Subscriber;
}
[[nodiscard]] constexpr std::size_t index_of(End end) noexcept { return static_cast<std::size_t>(end); }

// Of an endpoint at one end: the binding that it is reached by, and its AOR. RFC 5626 §5.3
struct EndpointOfEnd {
  std::uint64_t binding = 0;  // 0: it is no endpoint
  std::string aor;
  template <class Archive>
  void archive(Archive& a) {
    a(binding, aor);
  }
};

struct Subscription {
  SharedValue<Rulebook> book;  // that it began with; after a restart that of the day
  std::uint64_t number = 0;
  std::uint8_t shard = 0;
  bool is_sips = false;
  std::string package;
  std::array<Dialog, 2> dialogs;           // by End
  std::array<EndpointOfEnd, 2> endpoints;  // by End
  std::optional<Timestamp> notify_until;   // timer N: no NOTIFY by then, and it is over. RFC 6665 §4.1.2.4
  Timestamp until{};                       // what it was granted, and some time for its last NOTIFY
  std::uint8_t forgeries = 0;              // that were told of

  // The notifier has made its dialog, by NOTIFY or 2xx.
  [[nodiscard]] bool is_made() const noexcept { return !dialogs[index_of(End::Notifier)].remote_tag.empty(); }
  [[nodiscard]] Timestamp deadline() const noexcept {
    return notify_until && *notify_until < until ? *notify_until : until;
  }
  template <class Archive>
  void archive(Archive& a) {
    a(number, shard, is_sips, package, dialogs, endpoints, notify_until, until);
  }
};

}  // namespace sallyport::sip
