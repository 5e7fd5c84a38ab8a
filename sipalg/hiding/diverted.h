// diverted.h — by whom and why a request came this way: History-Info (RFC 7044) and Diversion (RFC 5806) for
// the far leg, each entry built anew from its pieces.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "sipalg/hiding/crossing_value.h"

namespace sallyport::sip {

// Of one message and name; those beyond stay where they are.
inline constexpr std::size_t kDivertedEntriesMax = 20;

struct DivertedTerms {
  std::string_view host;                           // ours on the far leg, in place of that of every URI
  bool keeps_privacy = true;                       // what an entry asks to be kept private does not go there
  std::size_t entries_left = kDivertedEntriesMax;  // taken down
  // In place of the first entry's number: what rules made of it; empty: that entry does not cross. Forgotten
  // when it was used.
  std::optional<std::string_view> first_number{};
};

// Display name and user stay, with index, rc, mp, np, the cause (RFC 4458) and the Reason's cause; an entry
// that asks for privacy is anonymous. Nothing when it can't be read. RFC 7044 §5, §10.1.2
[[nodiscard]] std::optional<std::string_view> history_value(const ReadableValue& value, DivertedTerms& terms,
                                                            ValueBuffer& buffer);
// Display name and user stay, with reason, counter, limit, screen and privacy; an entry that asks for privacy
// stays where it is. RFC 5806 §4
[[nodiscard]] std::optional<std::string_view> diversion_value(const ReadableValue& value,
                                                              DivertedTerms& terms, ValueBuffer& buffer);

}  // namespace sallyport::sip
