// mbuf_ptr.h — owns one packet buffer (all segments of it) until it is given away. Move only.
#pragma once

#include <rte_mbuf.h>

#include <utility>

namespace sallyport::dataplane {

class MbufPtr {
 public:
  MbufPtr() noexcept = default;
  explicit MbufPtr(rte_mbuf* packet) noexcept : packet_(packet) {}
  MbufPtr(MbufPtr&& other) noexcept : packet_(std::exchange(other.packet_, nullptr)) {}
  MbufPtr& operator=(MbufPtr&& other) noexcept {
    if (this != &other) reset(std::exchange(other.packet_, nullptr));
    return *this;
  }
  ~MbufPtr() { reset(); }

  [[nodiscard]] rte_mbuf* get() const noexcept { return packet_; }
  [[nodiscard]] rte_mbuf* operator->() const noexcept { return packet_; }
  [[nodiscard]] explicit operator bool() const noexcept { return packet_ != nullptr; }
  // Gives the packet away: whoever gets it frees it.
  [[nodiscard]] rte_mbuf* release() noexcept { return std::exchange(packet_, nullptr); }
  void reset(rte_mbuf* packet = nullptr) noexcept { rte_pktmbuf_free(std::exchange(packet_, packet)); }

 private:
  rte_mbuf* packet_ = nullptr;
};

}  // namespace sallyport::dataplane
