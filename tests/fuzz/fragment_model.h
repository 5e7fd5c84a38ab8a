// fragment_model.h — what FragmentTable promises, written down the slow way: lists, copies and comparisons of
// every piece with every other. RFC 791 §3.2, RFC 8200 §4.5, RFC 5722.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <list>
#include <optional>
#include <vector>

#include "dataplane/packet/checksum.h"
#include "dataplane/packet/fragment_table.h"
#include "dataplane/packet/wire.h"

namespace sallyport::test {

using Octets = std::vector<std::uint8_t>;

// A fragment as it is offered: the whole frame, and where its segments end.
struct OfferedFragment {
  dataplane::IpHeader ip;
  Octets frame;
  std::size_t segment = 0;  // octets in each segment but the last
  std::uint16_t l3_offset = 14;
  PortIndex port{};
  TrustClass trust = TrustClass::Untrusted;

  [[nodiscard]] std::size_t first_segment() const { return std::min(segment, frame.size()); }
  [[nodiscard]] std::size_t segments() const { return (frame.size() + segment - 1) / segment; }
  [[nodiscard]] std::size_t last_segment() const { return frame.size() - (segments() - 1) * segment; }
  [[nodiscard]] std::size_t begin() const { return std::size_t{l3_offset} + ip.header_length; }
  [[nodiscard]] std::size_t end() const { return std::size_t{l3_offset} + ip.total_length; }
  [[nodiscard]] std::size_t length() const { return end() - begin(); }
};

// `refused` says why; else `whole` is the datagram when this was its last piece, and empty when more is
// missing.
struct ExpectedAnswer {
  std::optional<dataplane::DropReason> refused;
  Octets whole;
};

class FragmentModel {
 public:
  using DropReason = dataplane::DropReason;

  explicit FragmentModel(const dataplane::FragmentLimits& limits) : limits_(limits) {}

  [[nodiscard]] std::size_t datagrams() const { return open_.size(); }
  [[nodiscard]] std::size_t fragments() const {
    std::size_t held = 0;
    for (const Datagram& datagram : open_)
      for (const Piece& piece : datagram.pieces) held += piece.segments;
    return held;
  }
  [[nodiscard]] std::uint64_t dropped(PortIndex port, DropReason reason) const {
    return dropped_[to_position(port)][static_cast<std::size_t>(reason)];
  }

  void expire(Timestamp now) {
    for (auto at = open_.begin(); at != open_.end();)
      at = at->deadline <= now ? close(at, DropReason::FragmentTimeout) : std::next(at);
  }

  [[nodiscard]] ExpectedAnswer add(const OfferedFragment& offered, Timestamp now) {
    if (!is_possible(offered)) return {DropReason::FragmentInvalid, {}};
    auto at = std::find_if(open_.begin(), open_.end(),
                           [&](const Datagram& other) { return is_of(other, offered); });
    if (at == open_.end()) {
      if (const auto refused = make_room_for_one(offered)) return {refused, {}};
      at = open_.insert(at, Datagram(offered, now + limits_.timeout));
    }
    if (at->is_refused) return {DropReason::FragmentInvalid, {}};
    std::optional<DropReason> refused;
    while (!refused && fragments() + offered.segments() > limits_.fragments)
      if (!put_out_oldest(offered.trust, &*at)) refused = DropReason::FragmentTableFull;
    if (!refused) refused = insert(*at, offered);
    if (refused) {
      if (at->pieces.empty() && !at->is_refused) open_.erase(at);
      return {refused, {}};
    }
    if (!at->is_whole()) return {};
    Octets whole = at->joined();
    open_.erase(at);
    return {std::nullopt, std::move(whole)};
  }

 private:
  struct Piece {
    std::size_t offset, segments;
    Octets head, data;  // head: all before the data
    dataplane::IpHeader ip;
    std::uint16_t l3_offset;
  };
  struct Datagram {
    Datagram(const OfferedFragment& opened_by, Timestamp until)
        : ip(opened_by.ip), port(opened_by.port), trust(opened_by.trust), deadline(until) {}
    dataplane::IpHeader ip;  // of the one that opened it
    PortIndex port;
    TrustClass trust;
    Timestamp deadline;
    std::vector<Piece> pieces;  // in order
    std::optional<std::size_t> length;
    bool is_refused = false;

    [[nodiscard]] bool is_whole() const {
      std::size_t received = 0;
      for (const Piece& piece : pieces) received += piece.data.size();
      return length == received;
    }
    [[nodiscard]] Octets joined() const;
  };
  using Place = std::list<Datagram>::iterator;

  [[nodiscard]] static bool is_of(const Datagram& datagram, const OfferedFragment& offered) {
    const dataplane::IpHeader &a = datagram.ip, &b = offered.ip;
    return a.source == b.source && a.destination == b.destination && a.identification == b.identification &&
           datagram.port == offered.port && (!a.source.is_v4() || a.protocol == b.protocol);
  }
  [[nodiscard]] static bool is_possible(const OfferedFragment& offered);
  [[nodiscard]] std::optional<DropReason> make_room_for_one(const OfferedFragment& offered);
  [[nodiscard]] bool put_out_oldest(TrustClass trust, const Datagram* spared);
  [[nodiscard]] std::optional<DropReason> insert(Datagram& datagram, const OfferedFragment& offered);
  void count(const Datagram& datagram, DropReason reason) {
    dropped_[to_position(datagram.port)][static_cast<std::size_t>(reason)] += datagram.pieces.size();
  }
  Place close(Place at, DropReason reason) {
    count(*at, reason);
    return open_.erase(at);
  }

  dataplane::FragmentLimits limits_;
  std::list<Datagram> open_;  // the oldest first
  std::array<std::array<std::uint64_t, dataplane::kDropReasonCount>, 2> dropped_{};
};

inline bool FragmentModel::is_possible(const OfferedFragment& offered) {
  const dataplane::IpHeader& ip = offered.ip;
  if (offered.length() == 0 || (ip.more_fragments && offered.length() % 8 != 0)) return false;
  const bool is_v4 = ip.source.is_v4();
  const std::size_t before = is_v4 ? ip.header_length : ip.fragment_header_offset - 40u;
  if (before + ip.fragment_offset + offered.length() > 65535) return false;
  if (ip.fragment_offset != 0) return true;
  if (offered.first_segment() < offered.begin()) return false;
  const std::size_t end = std::min(offered.end(), offered.first_segment());
  return dataplane::has_whole_header_chain(
      ip.protocol, is_v4, std::span(offered.frame).subspan(offered.begin(), end - offered.begin()));
}

inline std::optional<dataplane::DropReason> FragmentModel::make_room_for_one(const OfferedFragment& offered) {
  std::size_t same_source = 0;
  for (const Datagram& other : open_)
    if (other.ip.source == offered.ip.source && other.port == offered.port) ++same_source;
  const std::size_t share =
      offered.trust >= TrustClass::Trusted ? limits_.each_trusted : limits_.each_stranger;
  if (same_source >= share) return DropReason::FragmentSourceLimit;
  if (open_.size() == limits_.datagrams && !put_out_oldest(offered.trust, nullptr))
    return DropReason::FragmentTableFull;
  return std::nullopt;
}

inline bool FragmentModel::put_out_oldest(TrustClass trust, const Datagram* spared) {
  Place victim = open_.end();
  for (Place at = open_.begin(); at != open_.end(); ++at)
    if (at->trust <= trust && &*at != spared && (victim == open_.end() || at->trust < victim->trust))
      victim = at;
  if (victim == open_.end()) return false;
  close(victim, DropReason::FragmentTableFull);
  return true;
}

inline std::optional<dataplane::DropReason> FragmentModel::insert(Datagram& datagram,
                                                                  const OfferedFragment& offered) {
  const std::size_t offset = offered.ip.fragment_offset, end = offset + offered.length();
  const bool is_last = !offered.ip.more_fragments;
  bool clashes = datagram.pieces.size() == 64 || (datagram.length && (is_last || end > *datagram.length));
  for (const Piece& piece : datagram.pieces) {
    if (piece.offset == offset && piece.data.size() == offered.length()) return DropReason::FragmentInvalid;
    const bool overlaps = piece.offset < end && offset < piece.offset + piece.data.size();
    if (overlaps || (is_last && piece.offset > offset)) clashes = true;
  }
  if (clashes) {
    count(datagram, DropReason::FragmentInvalid);
    datagram.pieces.clear();
    datagram.is_refused = true;
    return DropReason::FragmentInvalid;
  }
  const std::size_t padding = offered.frame.size() - offered.end();
  if (offered.first_segment() < offered.begin() || padding > offered.last_segment())
    return DropReason::FragmentInvalid;
  const auto at = [&](std::size_t i) { return offered.frame.begin() + static_cast<std::ptrdiff_t>(i); };
  Piece piece{offset,
              offered.segments(),
              Octets(at(0), at(offered.begin())),
              Octets(at(offered.begin()), at(offered.end())),
              offered.ip,
              offered.l3_offset};
  const auto next = std::find_if(datagram.pieces.begin(), datagram.pieces.end(),
                                 [&](const Piece& other) { return other.offset > offset; });
  datagram.pieces.insert(next, std::move(piece));
  if (is_last) datagram.length = end;
  return std::nullopt;
}

inline Octets FragmentModel::Datagram::joined() const {
  const Piece& first = pieces.front();
  const dataplane::IpHeader& found = first.ip;
  Octets whole = first.head;
  std::uint8_t* const header = whole.data() + first.l3_offset;
  if (found.source.is_v4()) {
    dataplane::store16(header + 2, found.header_length + *length);
    dataplane::store16(header + 6, 0);
    dataplane::store16(header + 10, 0);
    dataplane::InternetSum sum;
    sum.add({header, found.header_length});
    dataplane::store16(header + 10, sum.checksum());
  } else {
    header[found.next_header_offset] = header[found.fragment_header_offset];
    dataplane::store16(header + 4, found.fragment_header_offset - 40u + *length);
    whole.resize(std::size_t{first.l3_offset} + found.fragment_header_offset);
  }
  for (const Piece& piece : pieces) whole.insert(whole.end(), piece.data.begin(), piece.data.end());
  return whole;
}

}  // namespace sallyport::test
