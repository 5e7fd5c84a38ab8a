// saved_calls.h — the calls that go on after a restart, as the bytes of one file. What a call's own bytes
// mean is the core's affair.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sipalg/engine/sip_engine.h"

namespace sallyport::mgmt {

inline constexpr const char* kSavedCallsFile = "calls";  // in node.state, sealed

[[nodiscard]] std::string encode_saved_calls(const std::vector<sip::SipEngine::SavedCall>& calls);
// Nothing when they are damaged or of another version.
[[nodiscard]] std::optional<std::vector<sip::SipEngine::SavedCall>> decode_saved_calls(
    std::string_view bytes);

}  // namespace sallyport::mgmt
