// hep_packet.cpp — chunks: vendor, type, length with its own six octets, all in network byte order.
#include "mgmt/hep/hep_packet.h"

#include <nlohmann/json.hpp>

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
  MosTimes100 = 32,
};

constexpr std::uint8_t kFamilyV4 = 2, kFamilyV6 = 10;
constexpr std::uint8_t kTcp = 6, kUdp = 17;
constexpr std::uint8_t kSip = 1, kMediaReport = 34;
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

// What every packet says of itself.
struct Head {
  const Endpoint& from;
  const Endpoint& to;
  std::uint8_t protocol = kUdp, payload_type = kSip;
  std::uint64_t call = 0;  // 0: of no call
  Duration utc{};
};

std::string chunks_of(const HepSource& source, const Head& head) {
  const auto microseconds =
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(head.utc).count());
  std::string chunks;
  put_addresses(chunks, head.from.address, head.to.address);
  put_number(chunks, Chunk::IpProtocol, head.protocol);
  put_number(chunks, Chunk::SourcePort, head.from.port);
  put_number(chunks, Chunk::DestinationPort, head.to.port);
  put_number(chunks, Chunk::Seconds, static_cast<std::uint32_t>(microseconds / 1'000'000));
  put_number(chunks, Chunk::Microseconds, static_cast<std::uint32_t>(microseconds % 1'000'000));
  put_number(chunks, Chunk::ProtocolType, head.payload_type);
  put_number(chunks, Chunk::CaptureId, source.capture_id);
  put_chunk(chunks, Chunk::NodeName, source.node);
  if (head.call != 0) put_chunk(chunks, Chunk::CorrelationId, call_id_text(head.call));
  return chunks;
}

std::string packet_of(std::string chunks, std::string_view payload) {
  const std::size_t room = kPacketBytesMax - kChunkHead - kChunkHead - chunks.size();
  put_chunk(chunks, Chunk::Payload, payload.substr(0, room));
  return "HEP3" + big_endian(static_cast<std::uint16_t>(kChunkHead + chunks.size())) + chunks;
}

}  // namespace

std::string hep_packet(const HepSource& source, const CapturedMessage& message, Duration utc) {
  const bool is_in = message.direction == sip::Direction::In;
  const Endpoint &remote = message.path.remote, &local = message.path.local;
  return packet_of(chunks_of(source, {.from = is_in ? remote : local,
                                      .to = is_in ? local : remote,
                                      .protocol = is_stream(message.path.transport) ? kTcp : kUdp,
                                      .call = message.call,
                                      .utc = utc}),
                   message.bytes);
}

std::string hep_quality_packet(const HepSource& source, const CallRecord& end, const MediaRecord& media,
                               Duration utc) {
  std::string chunks = chunks_of(
      source,
      {.from = media.remote, .to = media.local, .payload_type = kMediaReport, .call = end.call, .utc = utc});
  const double jitter_ms = media.jitter_us / 1000.0, mos = media.mos_times_100 / 100.0;
  const std::size_t leg = media.from_caller ? 0 : end.legs.size() - 1;
  const std::size_t slash = media.codec.find('/');
  nlohmann::ordered_json report{{"CORRELATION_ID", call_id_text(end.call)},
                                {"RTP_SIP_CALL_ID", end.legs.empty() ? std::string() : end.legs[leg].call_id},
                                {"REPORT_TS", std::chrono::duration<double>(utc).count()},
                                {"TL_BYTE", media.bytes},
                                {"TOTAL_PK", media.packets},
                                {"EXPECTED_PK", media.packets + media.lost},
                                {"PACKET_LOSS", media.lost},
                                {"JITTER", jitter_ms},
                                {"MEAN_JITTER", jitter_ms},
                                {"SRC_IP", to_string(media.remote.address)},
                                {"SRC_PORT", media.remote.port},
                                {"DST_IP", to_string(media.local.address)},
                                {"DST_PORT", media.local.port},
                                {"CODEC_NAME", media.codec.substr(0, slash)},
                                {"DIR", media.from_caller ? 0 : 1},
                                {"REPORT_NAME", to_string(media.remote)},
                                {"PARTY", media.from_caller ? 0 : 1},
                                {"TYPE", "HANGUP"}};
  if (media.mos_times_100 != 0) {  // not known of a codec without a model
    report["MOS"] = report["MEAN_MOS"] = mos;
    put_number(chunks, Chunk::MosTimes100, media.mos_times_100);
  }
  return packet_of(std::move(chunks), report.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

}  // namespace sallyport::mgmt
