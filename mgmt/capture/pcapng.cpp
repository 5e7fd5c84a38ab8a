// pcapng.cpp — in the byte order of this machine, which the section header tells. Options end on 4 octets.
#include "mgmt/capture/pcapng.h"

namespace sallyport::mgmt {
namespace {

constexpr std::uint32_t kSectionHeader = 0x0a0d0d0a, kInterface = 1, kEnhancedPacket = 6;
constexpr std::uint32_t kByteOrderMagic = 0x1a2b3c4d;
constexpr std::uint16_t kLinkTypeRaw = 101;  // IPv4 or IPv6, as the first nibble says
constexpr std::uint16_t kComment = 1, kUserApplication = 4, kInterfaceName = 2, kTimeResolution = 9,
                        kPacketFlags = 2;
constexpr std::size_t kOptionBytesMax = 0xfff0;

template <class Number>
void put(std::string& out, Number value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void pad(std::string& out) { out.append((4 - out.size() % 4) % 4, '\0'); }

void put_option(std::string& out, std::uint16_t code, std::string_view value) {
  value = value.substr(0, kOptionBytesMax);
  put(out, code);
  put(out, static_cast<std::uint16_t>(value.size()));
  out += value;
  pad(out);
}

void put_block(std::string& out, std::uint32_t type, const std::string& body) {
  const auto length = static_cast<std::uint32_t>(12 + body.size());
  put(out, type);
  put(out, length);
  out += body;
  put(out, length);
}

void end_options(std::string& out) { put(out, std::uint32_t{0}); }

}  // namespace

std::string pcapng_begin(std::string_view application, const std::vector<std::string>& interfaces) {
  std::string out, section;
  put(section, kByteOrderMagic);
  put(section, std::uint16_t{1});
  put(section, std::uint16_t{0});
  put(section, ~std::uint64_t{0});  // how long the section is: not known
  put_option(section, kUserApplication, application);
  end_options(section);
  put_block(out, kSectionHeader, section);
  for (const std::string& name : interfaces) {
    std::string description;
    put(description, kLinkTypeRaw);
    put(description, std::uint16_t{0});
    put(description, std::uint32_t{0});  // packets are whole
    put_option(description, kInterfaceName, name);
    put_option(description, kTimeResolution, "\x09");
    end_options(description);
    put_block(out, kInterface, description);
  }
  return out;
}

void append_packet(std::string& out, const PcapngPacket& packet) {
  std::string body;
  body.reserve(packet.bytes.size() + packet.comment.size() + 64);
  put(body, packet.interface);
  put(body, static_cast<std::uint32_t>(packet.utc_nanoseconds >> 32));
  put(body, static_cast<std::uint32_t>(packet.utc_nanoseconds));
  put(body, static_cast<std::uint32_t>(packet.bytes.size()));
  put(body, static_cast<std::uint32_t>(packet.length == 0 ? packet.bytes.size() : packet.length));
  body += packet.bytes;
  pad(body);
  put_option(body, kComment, packet.comment);
  const std::uint32_t flags = packet.is_inbound ? 1 : 2;
  put_option(body, kPacketFlags, {reinterpret_cast<const char*>(&flags), sizeof flags});
  end_options(body);
  put_block(out, kEnhancedPacket, body);
}

}  // namespace sallyport::mgmt
