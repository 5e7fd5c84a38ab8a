// base64.h — bytes within JSON on the control socket: RFC 4648 §4.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sallyport::mgmt {

[[nodiscard]] std::string to_base64(std::string_view bytes);
// Nothing when it is none.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);

}  // namespace sallyport::mgmt
