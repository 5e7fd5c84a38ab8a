// hep_packet.cpp — chunks: vendor, type, length with its own six octets, all in network byte order.
#include "mgmt/hep/hep_packet.h"

#include "policy/record/call_record.h"

namespace sallyport::mgmt {
namespace {

// HEP3 §2.3, generic chunk types.
enum class Chunk : std::uint16_t {
  IpFamily = 1,
  IpProtocol = 2,
  SourceV4 = 3,
  DestinationV4 = 4,
  SourceV6 = 5,
  DestinationV6 = 6,
  SourcePort = 7,
  DestinationPort = 8,
  Seconds = 9,
  Microseconds = 10,
  ProtocolType = 11,
  CaptureId = 12,
  Payload = 15,
  CorrelationId = 17,
  NodeName = 19,
};

constexpr std::uint8_t kFamilyV4 = 2, kFamilyV6 = 10;
constexpr std::uint8_t kTcp = 6, kUdp = 17;
constexpr std::uint8_t kSip = 1;
constexpr std::size_t kPacketBytesMax = 0xffff;
constexpr std::size_t kChunkHead = 6;

template <class Number>
[[nodiscard]] std::string big_endian(Number value) {
  std::string out;
  for (int shift = static_cast<int>(sizeof value) * 8 - 8; shift >= 0; shift -= 8)
    out += static_cast<char>(value >> shift & 0xff);
  return out;
}

void put_chunk(std::string& out, Chunk type, std::string_view value) {
  out += big_endian(std::uint16_t{0});  // vendor: generic
  out += big_endian(static_cast<std::uint16_t>(type));
  out += big_endian(static_cast<std::uint16_t>(kChunkHead + value.size()));
  out += value;
}

template <class Number>
void put_number(std::string& out, Chunk type, Number value) {
  put_chunk(out, type, big_endian(value));
}

void put_addresses(std::string& out, const IpAddress& from, const IpAddress& to) {
  const bool is_v4 = from.is_v4() && to.is_v4();
  const auto bytes = [is_v4](const IpAddress& address) {
    const std::size_t first = is_v4 ? 12 : 0;
    return std::string(reinterpret_cast<const char*>(address.bytes().data()) + first, 16 - first);
  };
  put_number(out, Chunk::IpFamily, is_v4 ? kFamilyV4 : kFamilyV6);
  put_chunk(out, is_v4 ? Chunk::SourceV4 : Chunk::SourceV6, bytes(from));
  put_chunk(out, is_v4 ? Chunk::DestinationV4 : Chunk::DestinationV6, bytes(to));
}

}  // namespace

std::string hep_packet(const HepSource& source, const CapturedMessage& message, Duration utc) {
  const bool is_in = message.direction == sip::Direction::In;
  const Endpoint& from = is_in ? message.path.remote : message.path.local;
  const Endpoint& to = is_in ? message.path.local : message.path.remote;
  const auto microseconds =
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(utc).count());
  std::string chunks;
  chunks.reserve(message.bytes.size() + 192);
  put_addresses(chunks, from.address, to.address);
  put_number(chunks, Chunk::IpProtocol, is_stream(message.path.transport) ? kTcp : kUdp);
  put_number(chunks, Chunk::SourcePort, from.port);
  put_number(chunks, Chunk::DestinationPort, to.port);
  put_number(chunks, Chunk::Seconds, static_cast<std::uint32_t>(microseconds / 1'000'000));
  put_number(chunks, Chunk::Microseconds, static_cast<std::uint32_t>(microseconds % 1'000'000));
  put_number(chunks, Chunk::ProtocolType, kSip);
  put_number(chunks, Chunk::CaptureId, source.capture_id);
  put_chunk(chunks, Chunk::NodeName, source.node);
  if (message.call != 0) put_chunk(chunks, Chunk::CorrelationId, call_id_text(message.call));
  const std::size_t room = kPacketBytesMax - kChunkHead - kChunkHead - chunks.size();
  put_chunk(chunks, Chunk::Payload, std::string_view(message.bytes).substr(0, room));
  return "HEP3" + big_endian(static_cast<std::uint16_t>(kChunkHead + chunks.size())) + chunks;
}

}  // namespace sallyport::mgmt
