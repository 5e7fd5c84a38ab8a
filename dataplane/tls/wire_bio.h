// wire_bio.h — where OpenSSL reads what came off the wire and leaves what shall go onto it: two buffers of
// the session, no copy more than needed, nothing held while they are empty.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "dataplane/tls/openssl_ptr.h"

namespace sallyport::dataplane {

class WireBuffers {
 public:
  // More may not wait for the wire: a peer that takes nothing and asks for answers ends here.
  static constexpr std::size_t kOutMax = 1u << 20;

  void put_in(std::span<const std::uint8_t> octets) { in_.insert(in_.end(), octets.begin(), octets.end()); }
  [[nodiscard]] std::size_t take_in(std::span<std::uint8_t> into) noexcept;
  [[nodiscard]] std::size_t in_size() const noexcept { return in_.size() - in_taken_; }
  // False when too much waits.
  [[nodiscard]] bool put_out(std::span<const std::uint8_t> octets);
  [[nodiscard]] std::span<const std::uint8_t> out() const noexcept {
    return std::span<const std::uint8_t>(out_).subspan(out_written_);
  }
  void written(std::size_t octets) noexcept;
  // What was taken gives its memory back. After each turn of OpenSSL.
  void compact();
  [[nodiscard]] std::size_t memory() const noexcept { return in_.capacity() + out_.capacity(); }

 private:
  std::vector<std::uint8_t> in_, out_;
  std::size_t in_taken_ = 0, out_written_ = 0;
};

// For both directions. `buffers` must outlive it. Null: no memory.
[[nodiscard]] BioPtr make_wire_bio(WireBuffers& buffers) noexcept;

}  // namespace sallyport::dataplane
