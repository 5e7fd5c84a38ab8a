// heap_buffers.h — packet buffers without EAL, each of its own size on the heap: a read behind the frame, a
// use after the end and a second free are errors of the address sanitizer, and what is missing is a number.
#pragma once

#include <rte_mbuf.h>
#include <rte_mempool.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <span>
#include <string_view>

namespace sallyport::test {

class HeapBuffers {
 public:
  static constexpr std::uint16_t kHeadroom = 16;  // less than a device leaves: none is needed

  HeapBuffers() {
    static const rte_mempool_ops ops = make_ops();
    const int index = rte_mempool_register_ops(&ops);
    if (index < 0) std::abort();
    pool_.ops_index = index;
    pool_.cache_size = 0;
  }
  HeapBuffers(const HeapBuffers&) = delete;
  HeapBuffers& operator=(const HeapBuffers&) = delete;

  // Buffers, not packets.
  [[nodiscard]] static std::size_t alive() noexcept { return alive_; }

  // A chain of segments of `segment` octets, the last one shorter.
  [[nodiscard]] rte_mbuf* make(std::span<const std::uint8_t> frame, std::size_t segment) {
    rte_mbuf* const head = make_one(frame.first(std::min(segment, frame.size())));
    rte_mbuf* last = head;
    for (std::size_t at = segment; at < frame.size(); at += segment) {
      last->next = make_one(frame.subspan(at, std::min(segment, frame.size() - at)));
      last = last->next;
      ++head->nb_segs;
    }
    head->pkt_len = static_cast<std::uint32_t>(frame.size());
    return head;
  }

 private:
  [[nodiscard]] rte_mbuf* make_one(std::span<const std::uint8_t> bytes) {
    auto* const buffer = static_cast<rte_mbuf*>(std::calloc(1, sizeof(rte_mbuf)));
    auto* const room = static_cast<char*>(std::malloc(kHeadroom + bytes.size()));
    if (buffer == nullptr || room == nullptr) std::abort();
    std::copy(bytes.begin(), bytes.end(), room + kHeadroom);
    buffer->buf_addr = room;
    buffer->buf_len = static_cast<std::uint16_t>(kHeadroom + bytes.size());
    buffer->data_off = kHeadroom;
    buffer->data_len = static_cast<std::uint16_t>(bytes.size());
    buffer->pkt_len = buffer->data_len;
    buffer->nb_segs = 1;
    buffer->pool = &pool_;
    rte_mbuf_refcnt_set(buffer, 1);
    ++alive_;
    return buffer;
  }

  static int take_back(rte_mempool*, void* const* buffers, unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
      std::free(static_cast<rte_mbuf*>(buffers[i])->buf_addr);
      std::free(buffers[i]);
    }
    alive_ -= count;
    return 0;
  }
  static rte_mempool_ops make_ops() {
    static constexpr std::string_view kName = "heap_buffers";
    rte_mempool_ops ops{};
    kName.copy(ops.name, sizeof ops.name - 1);
    ops.alloc = [](rte_mempool*) { return 0; };
    ops.enqueue = take_back;
    ops.dequeue = [](rte_mempool*, void**, unsigned) { return -1; };
    ops.get_count = [](const rte_mempool*) { return 0U; };
    return ops;
  }

  inline static std::size_t alive_ = 0;
  rte_mempool pool_{};
};

}  // namespace sallyport::test
