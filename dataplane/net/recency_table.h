// recency_table.h — a hash table of fixed capacity, keyed by (port, address); when full, what has not been
// used for longest makes room.
//
// Hashing is keyed (threats R6). Memory is taken in the constructor. Recency has a grain: an entry that was
// used less than kGrain ago is not moved again, so hot entries cost no writes to the order.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "policy/base/ip_address.h"
#include "policy/base/keyed_hash.h"
#include "policy/base/time.h"
#include "policy/model/index.h"

namespace sallyport::dataplane {

template <class Value>
class RecencyTable {
 public:
  static constexpr Duration kGrain = 100ms;

  RecencyTable(std::size_t capacity, const HashKey& key)
      : nodes_(capacity == 0 ? 1 : capacity),
        buckets_(std::bit_ceil(nodes_.size()), kNone),
        bucket_mask_(buckets_.size() - 1),
        key_(key) {
    for (std::uint32_t i = 0; i < nodes_.size(); ++i) nodes_[i].chain = i + 1;
    nodes_.back().chain = kNone;
    free_ = 0;
  }

  // The value, or null. Counts as a use. Good until the next insert or erase.
  [[nodiscard]] Value* find(Timestamp now, PortIndex port, const IpAddress& address) noexcept {
    const std::uint32_t i = index_of(port, address, bucket_of(port, address));
    if (i == kNone) return nullptr;
    touch(now, i);
    return &nodes_[i].value;
  }
  // The same without counting as a use.
  [[nodiscard]] Value* peek(PortIndex port, const IpAddress& address) noexcept {
    const std::uint32_t i = index_of(port, address, bucket_of(port, address));
    return i == kNone ? nullptr : &nodes_[i].value;
  }

  // For a key that is not there. A fresh Value; the one unused for longest has gone when there was no room.
  Value& insert(Timestamp now, PortIndex port, const IpAddress& address) noexcept {
    if (free_ == kNone) remove(oldest_);
    const std::uint32_t i = free_;
    Node& node = nodes_[i];
    free_ = node.chain;
    const std::size_t bucket = bucket_of(port, address);
    node = Node{};
    node.port = port;
    node.address = address;
    node.used_at = now;
    node.in_use = true;
    node.chain = buckets_[bucket];
    buckets_[bucket] = i;
    link_newest(i);
    ++size_;
    return node.value;
  }

  void erase(PortIndex port, const IpAddress& address) noexcept {
    const std::uint32_t i = index_of(port, address, bucket_of(port, address));
    if (i != kNone) remove(i);
  }

  // visit(port, address, value) for each entry; it must not insert or erase.
  template <class Visit>
  void for_each(Visit&& visit) noexcept {
    for (Node& node : nodes_)
      if (node.in_use) visit(node.port, static_cast<const IpAddress&>(node.address), node.value);
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t capacity() const noexcept { return nodes_.size(); }

 private:
  static constexpr std::uint32_t kNone = 0xffffffff;
  struct Node {
    IpAddress address;
    PortIndex port = PortIndex::kNone;
    bool in_use = false;
    std::uint32_t chain = kNone;  // in its bucket, or in the list of free nodes
    std::uint32_t newer = kNone, older = kNone;
    Timestamp used_at{};
    Value value{};
  };

  [[nodiscard]] std::size_t bucket_of(PortIndex port, const IpAddress& address) const noexcept {
    std::array<std::byte, 18> bytes;
    std::memcpy(bytes.data(), address.bytes().data(), 16);
    std::memcpy(bytes.data() + 16, &port, 2);
    return static_cast<std::size_t>(keyed_hash(key_, bytes)) & bucket_mask_;
  }

  [[nodiscard]] std::uint32_t index_of(PortIndex port, const IpAddress& address,
                                       std::size_t bucket) const noexcept {
    std::uint32_t i = buckets_[bucket];
    while (i != kNone && !(nodes_[i].port == port && nodes_[i].address == address)) i = nodes_[i].chain;
    return i;
  }

  void touch(Timestamp now, std::uint32_t i) noexcept {
    if (now - nodes_[i].used_at < kGrain) return;
    nodes_[i].used_at = now;
    if (newest_ == i) return;
    unlink(i);
    link_newest(i);
  }

  void link_newest(std::uint32_t i) noexcept {
    nodes_[i].newer = kNone;
    nodes_[i].older = newest_;
    if (newest_ != kNone) nodes_[newest_].newer = i;
    newest_ = i;
    if (oldest_ == kNone) oldest_ = i;
  }

  void unlink(std::uint32_t i) noexcept {
    const Node& node = nodes_[i];
    (node.newer == kNone ? newest_ : nodes_[node.newer].older) = node.older;
    (node.older == kNone ? oldest_ : nodes_[node.older].newer) = node.newer;
  }

  void remove(std::uint32_t i) noexcept {
    std::uint32_t* link = &buckets_[bucket_of(nodes_[i].port, nodes_[i].address)];
    while (*link != i) link = &nodes_[*link].chain;
    *link = nodes_[i].chain;
    unlink(i);
    nodes_[i].in_use = false;
    nodes_[i].chain = free_;
    free_ = i;
    --size_;
  }

  std::vector<Node> nodes_;
  std::vector<std::uint32_t> buckets_;
  const std::size_t bucket_mask_;
  const HashKey key_;
  std::size_t size_ = 0;
  std::uint32_t free_ = kNone, newest_ = kNone, oldest_ = kNone;
};

}  // namespace sallyport::dataplane
