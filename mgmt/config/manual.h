// manual.h — the reference manual of the configuration, made from the table of keys (schema.h): one key, a
// map of keys, or all of them as the manual page sallyport.yaml(5).
#pragma once

#include <string>
#include <string_view>

#include "policy/base/result.h"

namespace sallyport::mgmt {

// "peers[].health.ping" of "peers.health.ping", "peers[carrier].health.ping" or the path itself; empty: no
// such key.
[[nodiscard]] std::string path_of_key(std::string_view key);
// What a key means, takes and is when left out, and the keys below it; of "" the keys of the file itself. The
// error is one line that says which key may be meant.
[[nodiscard]] Result<std::string, std::string> explain_key(std::string_view key);
// In man(7), the macros that every formatter of manual pages knows.
[[nodiscard]] std::string manual_page(std::string_view version);

}  // namespace sallyport::mgmt
