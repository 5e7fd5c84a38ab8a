// eal_arguments.cpp — each device kind's words for EAL.
#include "dataplane/dpdk/eal_arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace sallyport::dataplane {
namespace {

constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

bool is_made_of(std::string_view text, std::string_view further) {
  return std::all_of(text.begin(), text.end(),
                     [&](char c) { return kLetters.contains(c) || further.contains(c); });
}

// What can't be part of another argument: EAL splits its words at ',' and '=', and reads lists in brackets.
bool is_interface_name(std::string_view text) {
  return !text.empty() && text.size() <= 15 && is_made_of(text, "_.-:@");
}
bool is_path(std::string_view text) {
  return !text.empty() && text.size() < 4096 && is_made_of(text, "/_.-:@+~ ");
}

// DDDD:BB:DD.F in hexadecimal.
bool is_pci_address(std::string_view text) {
  constexpr std::string_view kForm = "xxxx:xx:xx.x";
  if (text.size() != kForm.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_digit = std::string_view("0123456789abcdefABCDEF").contains(text[i]);
    if (kForm[i] == 'x' ? !is_digit : text[i] != kForm[i]) return false;
  }
  return true;
}

std::string af_packet_device(const DevicePlan& device) {
  const std::uint32_t frame = af_packet_frame_size(device.mtu);
  return fmt::format("iface={},qpairs=1,blocksz={},framesz={},framecnt={},qdisc_bypass=1", device.spec.name,
                     std::max(frame, std::uint32_t{4096}), frame, kAfPacketFrames);
}

std::string memif_device(const DeviceSpec& spec) {
  // bsize: of a buffer in the shared memory; a longer frame is chained by the driver.
  return fmt::format("role={},id={},socket={},socket-abstract=no,bsize=2048,rsize=10",
                     spec.memif_server ? "server" : "client", spec.memif_id, spec.name);
}

std::string pcap_device(const DeviceSpec& spec) {
  std::string text;
  if (!spec.pcap_in.empty()) text += "rx_pcap=" + spec.pcap_in;
  if (!spec.pcap_out.empty()) text += (text.empty() ? "tx_pcap=" : ",tx_pcap=") + spec.pcap_out;
  return text;
}

StartError unfit(const SbcConfig& config, const DevicePlan& device, std::string_view why) {
  return {fmt::format("port {}: {} in \"device: {}\"", config.ports[to_position(device.ports.front())].name,
                      why, device.spec.text)};
}

// Empty: fit for EAL.
std::string_view fault_of(const DeviceSpec& spec) {
  switch (spec.kind) {
    case DeviceKind::Pci:
      return is_pci_address(spec.name) ? "" : "a PCI address is written 0000:3b:00.0, not as";
    case DeviceKind::AfXdp:
    case DeviceKind::AfPacket:
      return is_interface_name(spec.name)
                 ? ""
                 : "an interface name has at most 15 letters, digits and _.-:@, unlike that";
    case DeviceKind::Memif:
      return is_path(spec.name) && spec.name.size() < 100 ? ""
                                                          : "a memif socket's path has under 100 characters "
                                                            "and no comma, equals sign or quote, unlike that";
    case DeviceKind::Pcap:
      if (spec.pcap_in.empty() && spec.pcap_out.empty()) return "neither in=FILE nor out=FILE";
      return (spec.pcap_in.empty() || is_path(spec.pcap_in)) &&
                     (spec.pcap_out.empty() || is_path(spec.pcap_out))
                 ? ""
                 : "a pcap file's path has no comma, equals sign or quote, unlike that";
    case DeviceKind::Ring:
      return !spec.name.empty() && spec.name.size() <= 20 && is_made_of(spec.name, "_-")
                 ? ""
                 : "a ring's name has at most 20 letters, digits, _ and -, unlike that";
    case DeviceKind::Discard:
      return "";
  }
  return "";
}

std::string driver_arguments(const DevicePlan& device) {
  switch (device.spec.kind) {
    case DeviceKind::AfXdp:
      // Without its budget each empty look at the queue is a system call (busy polling, which an lcore that
      // sleeps until a packet comes has no use for).
      return fmt::format("iface={},start_queue=0,queue_count=1,busy_budget=0", device.spec.name);
    case DeviceKind::AfPacket:
      return af_packet_device(device);
    case DeviceKind::Memif:
      return memif_device(device.spec);
    case DeviceKind::Pcap:
      return pcap_device(device.spec);
    case DeviceKind::Discard:
      return "no-rx=1";
    case DeviceKind::Pci:
    case DeviceKind::Ring:  // made from rings of our own: no argument can name them
      return "";
  }
  return "";
}

}  // namespace

Result<EalArguments, StartError> eal_arguments(const SbcConfig& config, std::span<const DevicePlan> devices,
                                               const MemoryPlan& memory,
                                               const EalSurroundings& surroundings) {
  EalArguments arguments;
  std::vector<std::string>& words = arguments.words;
  // EAL's only lcore may float over all CPUs: our threads are our own and only register with it.
  words = {"sallyport", fmt::format("--lcores=0@({})", fmt::join(surroundings.cpus, ",")),
           "--file-prefix=" + surroundings.prefix, "--no-telemetry", "--log-level=*:error"};
  const std::uint64_t wanted = std::uint64_t{memory.megabytes} << 20;
  arguments.hugepages =
      config.dataplane.hugepages == HugepageMode::Auto && surroundings.hugepage_bytes_free >= wanted;
  // Neither form leaves files behind, whatever ends the process.
  if (arguments.hugepages)
    words.push_back("--in-memory");
  else
    words.insert(words.end(), {"--no-huge", "--no-shconf", "-m", std::to_string(memory.megabytes)});
  const bool has_pci = std::any_of(devices.begin(), devices.end(), [](const DevicePlan& device) {
    return device.spec.kind == DeviceKind::Pci;
  });
  if (!has_pci) words.push_back("--no-pci");
  for (const DevicePlan& device : devices) {
    if (const std::string_view fault = fault_of(device.spec); !fault.empty())
      return fail(unfit(config, device, fault));
    if (device.spec.kind == DeviceKind::Pci) words.insert(words.end(), {"-a", device.spec.name});
    arguments.devices.push_back(driver_arguments(device));
  }
  return arguments;
}

}  // namespace sallyport::dataplane
