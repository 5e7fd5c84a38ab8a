// fragment_table.cpp — finding, filling, finishing and giving up datagrams in pieces.
#include "dataplane/packet/fragment_table.h"

#include <rte_mbuf.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "dataplane/packet/checksum.h"
#include "dataplane/packet/wire.h"
#include "policy/base/address_hash.h"

namespace sallyport::dataplane {
namespace {

constexpr std::uint32_t kDatagramBytesMax = 65535;

// Cuts a fragment down to its data (the first one keeps its headers). False when the buffer's first or last
// segment is too short for that, which no device of ours makes.
bool cut_to_size(const Fragment& fragment) noexcept {
  rte_mbuf* packet = fragment.packet;
  const std::uint32_t wanted = fragment.l3_offset + fragment.ip.total_length;
  const auto headers = static_cast<std::uint16_t>(fragment.l3_offset + fragment.ip.header_length);
  if (packet->data_len < headers || packet->pkt_len < wanted) return false;
  const std::uint32_t padding = packet->pkt_len - wanted;
  if (padding > 0xffff || rte_pktmbuf_trim(packet, static_cast<std::uint16_t>(padding)) != 0) return false;
  return fragment.ip.fragment_offset == 0 || rte_pktmbuf_adj(packet, headers) != nullptr;
}

// Is the fragment possible at all, whatever else there is of its datagram?
bool is_fit(const Fragment& fragment) noexcept {
  const IpHeader& ip = fragment.ip;
  const std::uint32_t length = ip.total_length - ip.header_length;
  if (length == 0 || (ip.more_fragments && length % 8 != 0)) return false;  // RFC 8200 §4.5
  const std::uint32_t before = ip.source.is_v4() ? ip.header_length : ip.fragment_header_offset - 40u;
  if (before + ip.fragment_offset + length > kDatagramBytesMax) return false;  // RFC 8200 §4.5, RFC 791 §3.1
  if (ip.fragment_offset != 0) return true;
  const std::uint16_t start = static_cast<std::uint16_t>(fragment.l3_offset + ip.header_length);
  if (fragment.packet->data_len < start) return false;
  const std::size_t held = std::min<std::size_t>(length, fragment.packet->data_len - std::size_t{start});
  const auto* data = rte_pktmbuf_mtod_offset(fragment.packet, const std::uint8_t*, start);
  return has_whole_header_chain(ip.protocol, ip.source.is_v4(), {data, held});  // RFC 7112 §5
}

}  // namespace

FragmentTable::FragmentTable(const FragmentLimits& limits, const HashKey& key,
                             std::span<PortCounters> counters)
    : limits_(limits),
      key_(key),
      counters_(counters),
      datagrams_(limits.datagrams),
      by_key_(std::bit_ceil(std::size_t{limits.datagrams} * 2), kNone),
      by_source_(by_key_.size(), kNone) {
  for (Index i = limits.datagrams; i-- > 0;) {
    datagrams_[i].next_of_key = free_;
    free_ = i;
  }
}

FragmentTable::~FragmentTable() {
  for (const Ages& ages : ages_)
    while (ages.oldest != kNone) {
      free_pieces(datagrams_[ages.oldest], DropReason::FragmentTimeout);
      close(ages.oldest);
    }
}

FragmentTable::Index FragmentTable::find(const Key& key, std::uint32_t slot) const noexcept {
  Index at = by_key_[slot];
  while (at != kNone && !(datagrams_[at].key == key)) at = datagrams_[at].next_of_key;
  return at;
}

std::uint32_t FragmentTable::datagrams_of(const IpAddress& source, PortIndex port,
                                          std::uint32_t slot) const noexcept {
  std::uint32_t count = 0;
  for (Index at = by_source_[slot]; at != kNone; at = datagrams_[at].next_of_source)
    if (datagrams_[at].key.source == source && datagrams_[at].key.port == port) ++count;
  return count;
}

bool FragmentTable::put_out_oldest(TrustClass trust, Index spared) noexcept {
  for (std::size_t i = 0; i <= static_cast<std::size_t>(trust); ++i) {
    Index victim = ages_[i].oldest;
    if (victim != kNone && victim == spared) victim = datagrams_[victim].newer;
    if (victim == kNone) continue;
    free_pieces(datagrams_[victim], DropReason::FragmentTableFull);
    close(victim);
    return true;
  }
  return false;
}

Result<FragmentTable::Index, DropReason> FragmentTable::open(const Key& key, std::uint32_t key_slot,
                                                             TrustClass trust, Timestamp now) noexcept {
  const std::uint64_t hash = address_hash(key_, key.source, static_cast<std::uint64_t>(key.port));
  const auto source_slot = static_cast<std::uint32_t>(hash & (by_source_.size() - 1));
  const std::uint32_t share = trust >= TrustClass::Trusted ? limits_.each_trusted : limits_.each_stranger;
  if (datagrams_of(key.source, key.port, source_slot) >= share) return fail(DropReason::FragmentSourceLimit);
  if (free_ == kNone && !put_out_oldest(trust, kNone)) return fail(DropReason::FragmentTableFull);
  const Index index = free_;
  Datagram& datagram = datagrams_[index];
  free_ = datagram.next_of_key;
  ++used_;
  datagram.key = key;
  datagram.deadline = now + limits_.timeout;
  datagram.trust = trust;
  datagram.length = datagram.received = 0;
  datagram.pieces = 0;
  datagram.is_refused = false;
  datagram.key_slot = key_slot;
  datagram.source_slot = source_slot;
  datagram.next_of_key = std::exchange(by_key_[key_slot], index);
  datagram.next_of_source = std::exchange(by_source_[source_slot], index);
  Ages& ages = ages_[static_cast<std::size_t>(trust)];
  datagram.older = ages.newest;
  datagram.newer = kNone;
  (ages.newest == kNone ? ages.oldest : datagrams_[ages.newest].newer) = index;
  ages.newest = index;
  return index;
}

Result<rte_mbuf*, DropReason> FragmentTable::add(const Fragment& fragment, Timestamp now) noexcept {
  if (!is_fit(fragment)) return fail(DropReason::FragmentInvalid);
  const IpHeader& ip = fragment.ip;
  const Key key{ip.source, ip.destination, ip.identification, fragment.port,
                ip.source.is_v4() ? ip.protocol : std::uint8_t{0}};
  const std::uint64_t salt = std::uint64_t{key.identification} << 32 | std::uint64_t{key.protocol} << 16 |
                             static_cast<std::uint64_t>(key.port);
  const std::uint64_t hash = address_hash(key_, ip.destination, address_hash(key_, ip.source, salt));
  const auto slot = static_cast<std::uint32_t>(hash & (by_key_.size() - 1));
  Index index = find(key, slot);
  if (index == kNone) {
    const auto opened = open(key, slot, fragment.trust, now);
    if (!opened) return fail(opened.error());
    index = *opened;
  }
  Datagram& datagram = datagrams_[index];
  if (datagram.is_refused) return fail(DropReason::FragmentInvalid);
  while (held_ + fragment.packet->nb_segs > limits_.fragments)
    if (!put_out_oldest(fragment.trust, index)) {
      if (datagram.pieces == 0) close(index);
      return fail(DropReason::FragmentTableFull);
    }
  const auto inserted = insert(datagram, fragment);
  if (!inserted) {
    if (datagram.pieces == 0 && !datagram.is_refused) close(index);
    return fail(inserted.error());
  }
  if (datagram.length == 0 || datagram.received != datagram.length) return nullptr;
  return assemble(index);
}

Result<void, DropReason> FragmentTable::insert(Datagram& datagram, const Fragment& fragment) noexcept {
  const IpHeader& ip = fragment.ip;
  const std::uint32_t offset = ip.fragment_offset;
  const std::uint32_t length = ip.total_length - ip.header_length;
  const auto begin = datagram.piece.begin();
  const auto end = begin + datagram.pieces;
  const auto next = std::find_if(begin, end, [&](const Piece& piece) { return piece.offset >= offset; });
  const bool is_duplicate = next != end && next->offset == offset && next->length == length;
  if (is_duplicate) return fail(DropReason::FragmentInvalid);  // RFC 8200 §4.5: the first one stays
  const bool overlaps_next = next != end && next->offset < offset + length;
  const bool overlaps_previous =
      next != begin && std::uint32_t{(next - 1)->offset} + (next - 1)->length > offset;
  const bool is_last = !ip.more_fragments;
  const bool beyond_end = datagram.length != 0 && offset + length > datagram.length;
  const bool second_end = is_last && (datagram.length != 0 || next != end);
  if (overlaps_next || overlaps_previous || beyond_end || second_end || datagram.pieces == kPiecesMax) {
    refuse(datagram);  // RFC 5722 §3
    return fail(DropReason::FragmentInvalid);
  }
  if (!cut_to_size(fragment)) return fail(DropReason::FragmentInvalid);
  std::move_backward(next, end, end + 1);
  *next = {fragment.packet, static_cast<std::uint16_t>(offset), static_cast<std::uint16_t>(length)};
  ++datagram.pieces;
  held_ += fragment.packet->nb_segs;
  datagram.received += length;
  if (is_last) datagram.length = offset + length;
  if (offset == 0) {
    datagram.l3_offset = fragment.l3_offset;
    datagram.header_length = ip.header_length;
    datagram.fragment_header_offset = ip.fragment_header_offset;
    datagram.next_header_offset = ip.next_header_offset;
  }
  return {};
}

void FragmentTable::refuse(Datagram& datagram) noexcept {
  free_pieces(datagram, DropReason::FragmentInvalid);
  datagram.is_refused = true;
}

rte_mbuf* FragmentTable::assemble(Index index) noexcept {
  Datagram& datagram = datagrams_[index];
  rte_mbuf* packet = datagram.piece[0].packet;
  held_ -= packet->nb_segs;
  for (std::size_t i = 1; i < datagram.pieces; ++i) {
    held_ -= datagram.piece[i].packet->nb_segs;
    rte_pktmbuf_chain(packet, datagram.piece[i].packet);
  }
  auto* ip = rte_pktmbuf_mtod_offset(packet, std::uint8_t*, datagram.l3_offset);
  if (datagram.key.source.is_v4()) {
    store16(ip + 2, datagram.header_length + std::size_t{datagram.length});
    store16(ip + 6, 0);
    store16(ip + 10, 0);
    InternetSum sum;
    sum.add({ip, datagram.header_length});
    store16(ip + 10, sum.checksum());
  } else {
    // The fragment header goes: what stood before it moves up. RFC 8200 §4.5
    ip[datagram.next_header_offset] = ip[datagram.fragment_header_offset];
    store16(ip + 4, datagram.fragment_header_offset - kIpv6Bytes + std::size_t{datagram.length});
    auto* frame = rte_pktmbuf_mtod(packet, std::uint8_t*);
    std::memmove(frame + kFragmentHeaderBytes, frame,
                 std::size_t{datagram.l3_offset} + datagram.fragment_header_offset);
    rte_pktmbuf_adj(packet, kFragmentHeaderBytes);
  }
  datagram.pieces = 0;
  close(index);
  return packet;
}

void FragmentTable::expire(Timestamp now) noexcept {
  for (const Ages& ages : ages_)
    while (ages.oldest != kNone && datagrams_[ages.oldest].deadline <= now) {
      free_pieces(datagrams_[ages.oldest], DropReason::FragmentTimeout);
      close(ages.oldest);
    }
}

void FragmentTable::free_pieces(Datagram& datagram, DropReason reason) noexcept {
  for (std::size_t i = 0; i < datagram.pieces; ++i) {
    held_ -= datagram.piece[i].packet->nb_segs;
    rte_pktmbuf_free(datagram.piece[i].packet);
  }
  counters_[to_position(datagram.key.port)].dropped.add(reason, datagram.pieces);
  datagram.pieces = 0;
}

void FragmentTable::close(Index index) noexcept {
  Datagram& datagram = datagrams_[index];
  unlink_chain(by_key_, datagram.key_slot, index, &Datagram::next_of_key);
  unlink_chain(by_source_, datagram.source_slot, index, &Datagram::next_of_source);
  unlink_age(index);
  datagram.next_of_key = std::exchange(free_, index);
  --used_;
}

void FragmentTable::unlink_chain(std::vector<Index>& heads, std::uint32_t slot, Index index,
                                 Index Datagram::* next) noexcept {
  Index* at = &heads[slot];
  while (*at != index) at = &(datagrams_[*at].*next);
  *at = datagrams_[index].*next;
}

void FragmentTable::unlink_age(Index index) noexcept {
  const Datagram& datagram = datagrams_[index];
  Ages& ages = ages_[static_cast<std::size_t>(datagram.trust)];
  (datagram.older == kNone ? ages.oldest : datagrams_[datagram.older].newer) = datagram.newer;
  (datagram.newer == kNone ? ages.newest : datagrams_[datagram.newer].older) = datagram.older;
}

}  // namespace sallyport::dataplane
