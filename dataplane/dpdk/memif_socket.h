// memif_socket.h — who is at the other end of a memif control socket.
#pragma once

#include <string>

namespace sallyport::dataplane {

enum class MemifServer {
  Absent,   // no socket, or one that a killed server left behind
  Busy,     // there, but it does not accept at the moment
  Present,  // accepts
};

// Does not wait. A server that is asked sees a client come and go.
[[nodiscard]] MemifServer look_for_memif_server(const std::string& path) noexcept;

}  // namespace sallyport::dataplane
