// fragment_table_fuzz.cpp — sequences of fragments with hostile offsets, times and sources: the table answers
// as fragment_model.h does, stays within its limits, and gives every buffer back.
//
// The input is a small program: four octets of limits, then steps. A step is time that passes, a fragment of
// one of a few datagrams, or a fragment whose IP header is octets of the input.
#include <rte_mbuf.h>

#include <cstdint>
#include <cstdlib>
#include <vector>

#include "dataplane/packet/parse_packet.h"
#include "tests/fuzz/fragment_model.h"
#include "tests/fuzz/heap_buffers.h"
#include "tests/fuzz/program.h"

using namespace sallyport;
using namespace sallyport::dataplane;
using namespace sallyport::test;

namespace {

constexpr int kStepsMax = 200;  // more would only make a run slower
constexpr std::uint8_t kUdp = 17, kFragmentHeader = 44, kDestinationOptions = 60;

void finish_ipv4_header(Octets& packet) {
  if (packet.size() < kIpv4Bytes || packet[0] >> 4 != 4) return;
  const std::size_t length = std::min<std::size_t>((packet[0] & 0x0fu) * 4, packet.size());
  store16(packet.data() + 10, 0);
  InternetSum sum;
  sum.add({packet.data(), length});
  store16(packet.data() + 10, sum.checksum());
}

struct Choice {
  std::uint8_t who, how;
  std::size_t offset, length;
};

Octets ipv4_fragment(const Choice& choice) {
  const std::size_t options = (choice.how & 0x10) != 0 ? 4 : 0;
  Octets packet(kIpv4Bytes + options, 1);  // an option of type 1 does nothing
  packet[0] = static_cast<std::uint8_t>(0x45 + options / 4);
  store16(packet.data() + 2, packet.size() + choice.length);
  store16(packet.data() + 4, choice.who & 3u);
  store16(packet.data() + 6, choice.offset / 8 | ((choice.how & 1) != 0 ? 0x2000u : 0u));
  packet[8] = 64;
  packet[9] = (choice.how & 0x40) != 0 ? std::uint8_t{50} : kUdp;
  store32(packet.data() + 12, 0xc6120100u + (choice.who >> 2 & 3u));
  store32(packet.data() + 16, 0xc6120001u + (choice.who >> 5 & 1u));
  finish_ipv4_header(packet);
  return packet;
}

Octets ipv6_fragment(const Choice& choice) {
  const bool has_options = (choice.how & 0x10) != 0;
  Octets packet(kIpv6Bytes + (has_options ? 8 : 0) + kFragmentHeaderBytes);
  packet[0] = 0x60;
  store16(packet.data() + 4, packet.size() - kIpv6Bytes + choice.length);
  packet[6] = has_options ? kDestinationOptions : kFragmentHeader;
  packet[8] = packet[24] = 0xfd;
  packet[23] = choice.who >> 2 & 3u;
  packet[39] = choice.who >> 5 & 1u;
  if (has_options) packet[40] = kFragmentHeader;
  std::uint8_t* const fragment = packet.data() + packet.size() - kFragmentHeaderBytes;
  fragment[0] = (choice.how & 0x40) != 0 ? kDestinationOptions : kUdp;
  store16(fragment + 2, choice.offset | (choice.how & 1u));
  store32(fragment + 4, choice.who & 3u);
  return packet;
}

class Run {
 public:
  explicit Run(Program& program)
      : program_(program),
        limits_{.datagrams = 1u + program.octet() % 12,
                .fragments = 1u + program.octet() % 80,
                .each_stranger = 1u + program.octet() % 6,
                .each_trusted = 1u + program.octet() % 12},
        model_(limits_),
        table_(limits_, HashKey{1, 2}, counters_) {}

  void step() {
    const std::uint8_t kind = program_.octet();
    if ((kind & 7) == 0) {
      now_ += program_.octet() * 50ms;
      table_.expire(now_);
      model_.expire(now_);
    } else {
      offer((kind & 7) == 1 ? raw_packet() : made_packet(), kind);
    }
    compare();
  }

 private:
  [[nodiscard]] Octets raw_packet() {
    Octets packet(program_.octet() % 128);
    for (std::uint8_t& octet : packet) octet = program_.octet();
    finish_ipv4_header(packet);
    return packet;
  }

  [[nodiscard]] Octets made_packet() {
    Choice choice{program_.octet(), program_.octet(), 0, 0};
    choice.offset = (choice.how & 2) != 0 ? program_.word() & 0xfff8u : (program_.octet() & 0x3fu) * 8u;
    const std::uint8_t length = program_.octet();
    choice.length =
        (length & 0x80) != 0 ? program_.word() % 9000u : (length & 0x1fu) * 8u + (length >> 5 & 3u);
    Octets packet = (choice.who & 0x10) != 0 ? ipv6_fragment(choice) : ipv4_fragment(choice);
    const std::size_t end = packet.size() + choice.length;
    // Each fragment's octets are its own: what is put together shows where it came from.
    while (packet.size() < end) packet.push_back(static_cast<std::uint8_t>(serial_ * 37 + packet.size()));
    ++serial_;
    packet.insert(packet.end(), (choice.how >> 2 & 3u) * 9u, 0xee);  // padding
    return packet;
  }

  void offer(const Octets& packet, std::uint8_t kind) {
    OfferedFragment offered;
    offered.l3_offset = (kind & 8) != 0 ? 18 : 14;
    offered.port = PortIndex{static_cast<std::uint16_t>(kind >> 4 & 1)};
    offered.trust = static_cast<TrustClass>(1 + (kind >> 5) % 3);
    const auto head = std::span(packet).first(std::min(packet.size(), kHeadBytes - offered.l3_offset));
    const bool is_v4 = !packet.empty() && packet[0] >> 4 == 4;
    const auto ip = is_v4 ? parse_ipv4(head, packet.size()) : parse_ipv6(head, packet.size());
    if (!ip || !ip->is_fragment) return;
    offered.ip = *ip;
    offered.frame.assign(offered.l3_offset, static_cast<std::uint8_t>(serial_));
    offered.frame.insert(offered.frame.end(), packet.begin(), packet.end());
    const std::size_t wanted = program_.octet() * 4u;
    offered.segment = wanted == 0 ? offered.frame.size() : std::max(wanted, offered.frame.size() / 32 + 1);
    const ExpectedAnswer expected = model_.add(offered, now_);
    answer(offered, expected);
  }

  void answer(const OfferedFragment& offered, const ExpectedAnswer& expected) {
    rte_mbuf* const packet = buffers().make(offered.frame, offered.segment);
    const auto result =
        table_.add({packet, offered.ip, offered.l3_offset, offered.port, offered.trust}, now_);
    if (!result) {
      rte_pktmbuf_free(packet);
      require(expected.refused == result.error());
      return;
    }
    require(!expected.refused && (*result == nullptr) == expected.whole.empty());
    if (*result == nullptr) return;
    require(content(*result) == expected.whole);
    rte_pktmbuf_free(*result);
  }

  [[nodiscard]] static Octets content(const rte_mbuf* packet) {
    Octets octets;
    std::size_t segments = 0;
    for (const rte_mbuf* at = packet; at != nullptr; at = at->next, ++segments) {
      const auto* const data = rte_pktmbuf_mtod(at, const std::uint8_t*);
      octets.insert(octets.end(), data, data + at->data_len);
    }
    require(segments == packet->nb_segs && octets.size() == packet->pkt_len);
    return octets;
  }

  void compare() const {
    require(table_.datagrams() <= limits_.datagrams && table_.fragments() <= limits_.fragments);
    require(table_.datagrams() == model_.datagrams() && table_.fragments() == model_.fragments());
    require(HeapBuffers::alive() == table_.fragments());
    for (const DropReason reason :
         {DropReason::FragmentInvalid, DropReason::FragmentTableFull, DropReason::FragmentTimeout})
      for (std::size_t port = 0; port < counters_.size(); ++port)
        require(counters_[port].dropped.value(reason) ==
                model_.dropped(PortIndex{static_cast<std::uint16_t>(port)}, reason));
  }

  [[nodiscard]] static HeapBuffers& buffers() {
    static HeapBuffers made;
    return made;
  }

  Program& program_;
  FragmentLimits limits_;
  std::array<PortCounters, 2> counters_;
  FragmentModel model_;
  FragmentTable table_;
  Timestamp now_{1h};
  unsigned serial_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  Program program(bytes, size);
  {
    Run run(program);
    for (int step = 0; step < kStepsMax && !program.is_over(); ++step) run.step();
  }
  require(HeapBuffers::alive() == 0);
  return 0;
}
