// load_frames.h — Ethernet frames that the load generator sends, built in memory; no DPDK here.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sallyport::bench {

using Mac = std::array<std::uint8_t, 6>;

struct FrameAddresses {
  Mac source_mac{}, destination_mac{};
  std::uint32_t source = 0, destination = 0;  // host byte order
  std::uint16_t source_port = 5060, destination_port = 5060;
};

// Ethernet, IPv4 and UDP with right checksums around `payload`.
[[nodiscard]] std::vector<std::uint8_t> udp_frame(const FrameAddresses& addresses, std::string_view payload);
// Who has `target`? As a broadcast.
[[nodiscard]] std::vector<std::uint8_t> arp_request(const Mac& mac, std::uint32_t own, std::uint32_t target);
// The answer to `request` when it asks for `own`; empty otherwise.
[[nodiscard]] std::vector<std::uint8_t> arp_answer(std::span<const std::uint8_t> request, const Mac& mac,
                                                   std::uint32_t own);
// The MAC of the sender when `frame` is an ARP reply from `target`.
[[nodiscard]] bool arp_reply_from(std::span<const std::uint8_t> frame, std::uint32_t target, Mac& mac);

// An OPTIONS request whose branch and Call-ID end in eight digits; their offsets for patching in place.
struct OptionsTemplate {
  std::string text;
  std::size_t branch_digits = 0, call_id_digits = 0;
};
[[nodiscard]] OptionsTemplate options_template(std::string_view from_address, std::string_view to_address);
// Writes `number` as eight decimal digits.
void write_digits(std::uint8_t* at, std::uint32_t number) noexcept;

}  // namespace sallyport::bench
