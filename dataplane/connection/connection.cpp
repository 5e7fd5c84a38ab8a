// connection.cpp — by when a connection must have got further. Threats R8.
#include "dataplane/connection/connection.h"

namespace sallyport::dataplane {

std::optional<Connection::Deadline> Connection::deadline(const TcpLimits& limits) const noexcept {
  switch (state) {
    case ConnectionState::Connecting:
      return Deadline{since + kConnectTime, Ending::ConnectFailed};
    case ConnectionState::Handshaking:
      return Deadline{since + kHandshakeTime, Ending::TlsFailed};
    case ConnectionState::HalfClosed:
      return Deadline{since + kHalfClosedTime, Ending::ByPeer};
    case ConnectionState::Lingering:
      return Deadline{since + kLingerTime, ending};
    case ConnectionState::Open:
      return open_deadline(limits);
  }
  return std::nullopt;
}

// Of several, the earliest. What we hold up ourselves is not held against the other side.
std::optional<Connection::Deadline> Connection::open_deadline(const TcpLimits& limits) const noexcept {
  std::optional<Deadline> earliest;
  const auto consider = [&](Timestamp at, Ending why) {
    if (!earliest || at < earliest->at) earliest = Deadline{at, why};
  };
  if (stalled_since) consider(*stalled_since + kStallTime, Ending::NotReading);
  if (pause == Pause::Lost) consider(lost_at + kAnswerTime, ending);
  if (pause != Pause::None) return earliest;
  if (message_since) consider(*message_since + kMessageTime, Ending::Slow);
  if (trust == TrustClass::Known) return earliest;
  if (direction == ConnectionDirection::In && !has_spoken)
    consider(since + limits.first_message, Ending::FirstMessage);
  else
    consider(last_active + limits.idle, Ending::Idle);
  return earliest;
}

}  // namespace sallyport::dataplane
