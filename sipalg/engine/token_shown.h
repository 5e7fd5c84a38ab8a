// token_shown.h — does a datagram belong to something that is there? Asked where there is no time to parse
// it.
#pragma once

#include <string_view>

#include "policy/base/keyed_hash.h"

namespace sallyport::sip {

// True for a response to a request of this node, and for a request within one of its dialogs: each shows a
// token of `key` that only who was told it can know (token/token.h). It may be over by now. Reads no further
// than it must.
[[nodiscard]] bool shows_token(const HashKey& key, std::string_view datagram) noexcept;

}  // namespace sallyport::sip
