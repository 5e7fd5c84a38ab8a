// device_spec.cpp — the word after `device:` taken apart.
#include <algorithm>
#include <charconv>
#include <map>
#include <string>

#include "mgmt/config/option_value.h"
#include "mgmt/config/quoted.h"

namespace sallyport::mgmt {
namespace {

constexpr std::string_view kForms =
    "write pci:0000:3b:00.0, af_xdp:IF, af_packet:IF, memif:/path,role=server, pcap:in=F,out=F, ring:NAME or "
    "discard";

std::unexpected<ValueError> wrong(std::string_view text, std::string what, std::string instead) {
  return fail(ValueError{in_quotes(text) + " " + std::move(what), std::move(instead)});
}

// Linux: 1 to 15 bytes, no '/', no white space, not "." or "..".
bool is_interface_name(std::string_view name) {
  const auto is_bad = [](char c) {
    return c == '/' || c == ':' || c == ',' || static_cast<unsigned char>(c) <= ' ';
  };
  return !name.empty() && name.size() <= 15 && name != "." && name != ".." &&
         std::none_of(name.begin(), name.end(), is_bad);
}

// DDDD:BB:DD.F in hexadecimal, or without the domain.
bool is_pci_address(std::string_view text) {
  const std::string_view form = text.size() == 12 ? "hhhh:hh:hh.o" : "hh:hh.o";
  if (text.size() != form.size()) return false;
  for (std::size_t i = 0; i < form.size(); ++i) {
    const char c = text[i];
    const bool is_octal = c >= '0' && c <= '7';
    const bool is_hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (form[i] == 'h' ? !is_hex : form[i] == 'o' ? !is_octal : c != form[i]) return false;
  }
  return true;
}

// "a=1,b=2" as pairs; nothing when a part is not a pair or a key comes twice.
std::optional<std::map<std::string, std::string, std::less<>>> parse_pairs(std::string_view text) {
  std::map<std::string, std::string, std::less<>> pairs;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    const std::string_view part = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
    const std::size_t equals = part.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    if (!pairs.emplace(part.substr(0, equals), part.substr(equals + 1)).second) return std::nullopt;
  }
  return pairs;
}

Value<DeviceSpec> parse_memif(std::string_view text, std::string_view rest) {
  const std::string instead =
      "write memif:/path,role=server or memif:/path,role=client, with ,id=N where one path has several";
  const std::size_t comma = rest.find(',');
  const auto pairs =
      parse_pairs(comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1));
  DeviceSpec device{.kind = DeviceKind::Memif,
                    .name = std::string(rest.substr(0, comma)),
                    .pcap_in = {},
                    .pcap_out = {},
                    .text = std::string(text)};
  if (!pairs || !device.name.starts_with('/')) return wrong(text, "is not a memif device", instead);
  if (device.name.size() > 107)
    return wrong(text, "has a socket path longer than 107 bytes", "choose a shorter path");
  for (const auto& [key, value] : *pairs) {
    if (key == "role" && (value == "server" || value == "client")) {
      device.memif_server = value == "server";
    } else if (key == "id") {
      const char* const end = value.data() + value.size();
      const auto [stop, error] = std::from_chars(value.data(), end, device.memif_id);
      if (error != std::errc{} || stop != end) return wrong(text, "has an id that is not a number", instead);
    } else {
      return wrong(text, "has " + in_quotes(key + "=" + value) + ", which memif does not know", instead);
    }
  }
  return device;
}

Value<DeviceSpec> parse_pcap(std::string_view text, std::string_view rest) {
  const std::string instead = "write pcap:in=FILE,out=FILE; either may be left out";
  const auto pairs = parse_pairs(rest);
  DeviceSpec device{
      .kind = DeviceKind::Pcap, .name = {}, .pcap_in = {}, .pcap_out = {}, .text = std::string(text)};
  if (!pairs || pairs->empty()) return wrong(text, "is not a pcap device", instead);
  for (const auto& [key, value] : *pairs) {
    if (key != "in" && key != "out")
      return wrong(text, "has " + in_quotes(key) + ", which pcap does not know", instead);
    (key == "in" ? device.pcap_in : device.pcap_out) = value;
  }
  if (device.pcap_in.empty() && device.pcap_out.empty()) return wrong(text, "names no file", instead);
  return device;
}

}  // namespace

Value<DeviceSpec> parse_device(std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::string_view word = text.substr(0, colon);
  const std::string_view rest = colon == std::string_view::npos ? std::string_view{} : text.substr(colon + 1);
  DeviceSpec device{.kind = DeviceKind::Discard,
                    .name = std::string(rest),
                    .pcap_in = {},
                    .pcap_out = {},
                    .text = std::string(text)};
  if (text == "discard") return device;
  if (word == "memif") return parse_memif(text, rest);
  if (word == "pcap") return parse_pcap(text, rest);
  if (word == "pci") {
    device.kind = DeviceKind::Pci;
    if (rest.size() == 7) device.name = "0000:" + device.name;
    if (!is_pci_address(rest)) return wrong(text, "is not a PCI address", "write one like pci:0000:3b:00.0");
    return device;
  }
  if (word == "af_xdp" || word == "af_packet") {
    device.kind = word == "af_xdp" ? DeviceKind::AfXdp : DeviceKind::AfPacket;
    if (!is_interface_name(rest))
      return wrong(
          text, "names no Linux interface",
          "write " + std::string(word) + ":NAME with 1 to 15 letters, as in " + std::string(word) + ":eth1");
    return device;
  }
  if (word == "ring") {
    device.kind = DeviceKind::Ring;
    if (!is_interface_name(rest)) return wrong(text, "names no ring", "write ring:NAME with 1 to 15 letters");
    return device;
  }
  return wrong(text, "is not a device", std::string(kForms));
}

}  // namespace sallyport::mgmt
