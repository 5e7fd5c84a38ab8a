// stream_wire.h — the socket of a connection, its TLS if it has any, and what waits to leave: octets only,
// without knowledge of SIP.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/connection/output_queue.h"
#include "dataplane/connection/unacknowledged.h"
#include "dataplane/net/unique_fd.h"
#include "dataplane/tls/tls_session.h"

namespace sallyport::dataplane {

class StreamWire {
 public:
  static constexpr std::size_t kPieceBytes = 16384;  // of one read
  enum class Read : std::uint8_t { Octets, Partial, Nothing, End, Broken, TlsFailed };
  enum class Flush : std::uint8_t { Done, Blocked, Broken };

  explicit StreamWire(UniqueFd fd) noexcept : fd_(std::move(fd)) {}

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  [[nodiscard]] OutputQueue& queue() noexcept { return queue_; }
  [[nodiscard]] const OutputQueue& queue() const noexcept { return queue_; }
  // Null in clear, and while the session is with the handshake threads.
  [[nodiscard]] std::unique_ptr<TlsSession>& tls() noexcept { return tls_; }
  [[nodiscard]] bool has_session() const noexcept { return tls_ != nullptr; }

  // What arrived, as plain text into `plain`. Partial: octets came, but no plain text of them yet.
  [[nodiscard]] Read read(std::span<std::uint8_t> scratch, std::string& plain);
  // As it is on the wire, appended; for a handshake.
  [[nodiscard]] Read read_raw(std::span<std::uint8_t> scratch, std::vector<std::uint8_t>& octets) const;
  // Writes what the socket takes: the queue, or with `is_handshake` only what the session itself wants said.
  [[nodiscard]] Flush flush(bool is_handshake = false);
  [[nodiscard]] bool has_output() const noexcept {
    return !queue_.empty() || (tls_ != nullptr && !tls_->to_wire().empty());
  }
  // Whether the other side's TCP has all messages that were written, as far as it has told ours by now.
  [[nodiscard]] bool is_all_acknowledged();
  [[nodiscard]] std::vector<QueuedMessage> take_unacknowledged();
  // No more will be sent: close_notify, as far as there is room for it, and FIN.
  void end_output() noexcept;

  [[nodiscard]] std::uint64_t octets_out() const noexcept { return octets_out_; }
  [[nodiscard]] std::uint64_t take_messages_out() noexcept { return std::exchange(messages_out_, 0); }

 private:
  [[nodiscard]] Flush flush_clear();
  [[nodiscard]] Flush flush_tls(bool is_handshake);
  [[nodiscard]] Flush write_session();
  // The messages in `out_` have left; the last of them, `behind` octets before what was written last.
  void keep_until_acknowledged(std::size_t behind);

  UniqueFd fd_;
  std::unique_ptr<TlsSession> tls_;
  OutputQueue queue_;
  Unacknowledged unacknowledged_;
  std::vector<QueuedMessage> out_;
  bool has_said_all_ = false;
  std::uint64_t octets_out_ = 0, messages_out_ = 0;
};

}  // namespace sallyport::dataplane
