// binding_update.h — what a REGISTER makes of the bindings of its AOR: RFC 3261 §10.3 steps 6 to 8, RFC 5626
// §6. Pure: the bindings that are there and what is asked go in, the next ones come out, all or nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "policy/base/time.h"
#include "sipalg/registrar/binding_board.h"
#include "sipalg/registrar/register_ask.h"

namespace sallyport::sip {

// Which binding each contact of a REGISTER means.
struct UpdatePlan {
  std::uint16_t code = 0;  // 0: it may be done
  std::string_view reason{};
  std::vector<std::uint64_t> numbers;  // by contact; 0: it has none yet
};
// `current`: what is on the board; those that have expired count as gone. `most`: bindings of one AOR.
[[nodiscard]] UpdatePlan plan_update(const Bindings& current, const RegisterAsk& ask, std::uint32_t most,
                                     Timestamp now);

// For how long, and what is known of each contact's binding inside.
struct GrantedContact {
  std::uint64_t number = 0;  // of its binding, old or new
  Duration outside{}, inside{}, inside_lasts{};
  std::string gruus;
};
struct UpdateTerms {
  PeerIndex place = PeerIndex::kNone;
  const Path& path;
  Timestamp now;
};
// What became of one binding.
struct BindingChange {
  enum class What : std::uint8_t { Begun, Moved, Refreshed, Longer, Ended };
  What what = What::Begun;
  SharedValue<Binding> binding;  // the new one; of one that has ended, the old one
};
struct Update {
  Bindings next;
  std::vector<BindingChange> changes;
};
// `granted`: by contact of `ask`.
[[nodiscard]] Update make_update(const Bindings& current, const RegisterAsk& ask,
                                 const std::vector<GrantedContact>& granted, const UpdateTerms& terms);
// Without that one.
[[nodiscard]] Bindings without(const Bindings& current, std::uint64_t number);
// By q, then the one that was heard last.
void sort_bindings(Bindings& bindings);

// The binding that this request merely refreshes from the very same flow; null: it does something else, or it
// comes out of order.
[[nodiscard]] SharedValue<Binding> find_refreshed(const Bindings& current, const RegisterAsk& ask,
                                                  const Path& path, Timestamp now);

}  // namespace sallyport::sip
