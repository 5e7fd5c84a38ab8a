// stream_wire.cpp — reads and writes without ever waiting.
#include "dataplane/connection/stream_wire.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "dataplane/connection/stream_socket.h"

namespace sallyport::dataplane {
namespace {

constexpr std::size_t kEncryptedAtOnce = 32768;  // octets of messages; a slow peer's wait in clear

bool is_not_now(int error) noexcept { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

StreamWire::Read receive(int fd, std::span<std::uint8_t> scratch, std::size_t& octets) noexcept {
  const ssize_t got = ::recv(fd, scratch.data(), scratch.size(), 0);
  if (got == 0) return StreamWire::Read::End;
  if (got < 0) return is_not_now(errno) ? StreamWire::Read::Nothing : StreamWire::Read::Broken;
  octets = static_cast<std::size_t>(got);
  return StreamWire::Read::Octets;
}

// What the session has for us now.
StreamWire::Read decrypt(TlsSession& session, std::string& plain) {
  const TlsState state = session.advance(plain, StreamWire::kPieceBytes);
  if (!plain.empty()) return StreamWire::Read::Octets;
  if (state == TlsState::Failed) return StreamWire::Read::TlsFailed;
  if (state == TlsState::Closed) return StreamWire::Read::End;
  return StreamWire::Read::Partial;
}

}  // namespace

StreamWire::Read StreamWire::read(std::span<std::uint8_t> scratch, std::string& plain) {
  plain.clear();
  if (tls_ != nullptr)
    if (const Read held = decrypt(*tls_, plain); held != Read::Partial) return held;
  std::size_t octets = 0;
  if (const Read got = receive(fd(), scratch, octets); got != Read::Octets) return got;
  const auto arrived = scratch.first(octets);
  if (tls_ != nullptr) {
    tls_->take(arrived);
    return decrypt(*tls_, plain);
  }
  plain.assign(reinterpret_cast<const char*>(arrived.data()), arrived.size());
  return Read::Octets;
}

StreamWire::Read StreamWire::read_raw(std::span<std::uint8_t> scratch,
                                      std::vector<std::uint8_t>& octets) const {
  std::size_t count = 0;
  const Read got = receive(fd(), scratch, count);
  if (got == Read::Octets)
    octets.insert(octets.end(), scratch.begin(), scratch.begin() + static_cast<std::ptrdiff_t>(count));
  return got;
}

StreamWire::Flush StreamWire::flush(bool is_handshake) {
  if (tls_ != nullptr) return flush_tls(is_handshake);
  return is_handshake ? Flush::Done : flush_clear();
}

StreamWire::Flush StreamWire::flush_clear() {
  std::array<iovec, 16> parts;
  while (!queue_.empty()) {
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = queue_.next_parts(parts);
    const ssize_t sent = ::sendmsg(fd(), &message, MSG_NOSIGNAL);
    if (sent < 0) return is_not_now(errno) ? Flush::Blocked : Flush::Broken;
    octets_out_ += static_cast<std::uint64_t>(sent);
    queue_.written(static_cast<std::size_t>(sent), out_);
    keep_until_acknowledged(queue_.out_of_first());
  }
  return Flush::Done;
}

// One batch is encrypted when the last is out: what is encrypted can't be told from what has left.
StreamWire::Flush StreamWire::flush_tls(bool is_handshake) {
  while (true) {
    if (const Flush done = write_session(); done != Flush::Done) return done;
    if (is_handshake) return Flush::Done;
    queue_.encrypted_are_out(out_);
    keep_until_acknowledged(0);
    std::size_t octets = 0;
    for (const std::string* plain = queue_.next_plain(); plain != nullptr && octets < kEncryptedAtOnce;
         plain = queue_.next_plain()) {
      octets += plain->size();
      if (!tls_->send(*plain)) return Flush::Broken;
      queue_.encrypted();
    }
    if (octets == 0) return Flush::Done;
  }
}

StreamWire::Flush StreamWire::write_session() {
  for (auto octets = tls_->to_wire(); !octets.empty(); octets = tls_->to_wire()) {
    const ssize_t sent = ::send(fd(), octets.data(), octets.size(), MSG_NOSIGNAL);
    if (sent < 0) return is_not_now(errno) ? Flush::Blocked : Flush::Broken;
    octets_out_ += static_cast<std::uint64_t>(sent);
    tls_->written(static_cast<std::size_t>(sent));
  }
  return Flush::Done;
}

// Where each ends in the octets of the wire: in clear from the last back; of TLS, all with their batch.
void StreamWire::keep_until_acknowledged(std::size_t behind) {
  if (out_.empty()) return;
  messages_out_ += out_.size();
  static_cast<void>(is_all_acknowledged());
  std::uint64_t end = octets_out_ - behind;
  std::size_t size = 0;
  if (tls_ == nullptr)
    for (const QueuedMessage& message : out_) size += message.bytes.size();
  end -= size;
  for (QueuedMessage& message : out_) {
    if (tls_ == nullptr) end += message.bytes.size();
    unacknowledged_.keep(std::move(message), end);
  }
  out_.clear();
  if (out_.capacity() > 16) std::vector<QueuedMessage>().swap(out_);
}

bool StreamWire::is_all_acknowledged() {
  if (unacknowledged_.empty()) return true;
  // Where Linux can't say, nothing is: what is sent twice harms nobody (RFC 3261 §17.2.3).
  auto left = unacknowledged_octets(fd());
  if (!left) return false;
  if (has_said_all_ && *left > 0) --*left;
  unacknowledged_.acknowledged(octets_out_ - std::min<std::uint64_t>(*left, octets_out_));
  return unacknowledged_.empty();
}

std::vector<QueuedMessage> StreamWire::take_unacknowledged() {
  static_cast<void>(is_all_acknowledged());
  return unacknowledged_.take_all();
}

void StreamWire::end_output() noexcept {
  if (tls_ != nullptr) {
    tls_->close();
    static_cast<void>(write_session());
  }
  if (::shutdown(fd(), SHUT_WR) == 0) has_said_all_ = true;
}

}  // namespace sallyport::dataplane
