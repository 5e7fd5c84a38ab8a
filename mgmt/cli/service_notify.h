// service_notify.h — tells the service manager that the daemon is ready or stopping (sd_notify(3) protocol).
#pragma once

#include <string_view>

namespace sallyport::mgmt {

// Sends `state` ("READY=1") to the datagram socket that `socket_path` names (the value of NOTIFY_SOCKET;
// '@' begins an abstract name). Empty path: nothing to do. False when it could not be sent.
bool service_notify(std::string_view socket_path, std::string_view state) noexcept;

}  // namespace sallyport::mgmt
