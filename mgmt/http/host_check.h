// host_check.h — whether a request was meant for this server: RFC 9110 §7.2, §7.4.
//
// A web page may let its own name lead to 127.0.0.1 and then read what a server there answers (DNS
// rebinding). Its name stands in Host all the same, and only names can be made to lead elsewhere.
#pragma once

#include <string_view>

namespace sallyport::mgmt {

// Value of Host: an address, or "localhost", with a port or without.
[[nodiscard]] bool is_local_host_name(std::string_view host) noexcept;

}  // namespace sallyport::mgmt
