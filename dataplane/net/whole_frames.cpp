// whole_frames.cpp — an XDP program that passes all, by bpf(2), and features of a driver, by ethtool.
#include "dataplane/net/whole_frames.h"

#include <linux/bpf.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>

namespace sallyport::dataplane {
namespace {

constexpr std::uint32_t kFeaturesMax = 1024;  // Linux has some seventy
constexpr const char* kMayLose =
    " may get several TCP segments in one piece and lose them; if TCP over it stalls, ";

bool ethtool(int socket, const std::string& interface, void* command) noexcept {
  ifreq request{};
  std::strncpy(request.ifr_name, interface.c_str(), sizeof request.ifr_name - 1);
  request.ifr_data = static_cast<char*>(command);
  return ::ioctl(socket, SIOCETHTOOL, &request) == 0;
}

std::string driver_of(int socket, const std::string& interface) noexcept {
  ethtool_drvinfo found{};
  found.cmd = ETHTOOL_GDRVINFO;
  if (!ethtool(socket, interface, &found)) return {};
  return {found.driver, ::strnlen(found.driver, sizeof found.driver)};
}

// What ethtool's structures with a tail are read and written in.
class Buffer {
 public:
  explicit Buffer(std::size_t octets) : words_((octets + sizeof words_[0] - 1) / sizeof words_[0]) {}
  template <class Struct>
  [[nodiscard]] Struct& as() noexcept {
    return *reinterpret_cast<Struct*>(words_.data());
  }

 private:
  std::vector<std::uint64_t> words_;
};

std::uint32_t feature_count(int socket, const std::string& interface) {
  Buffer buffer(sizeof(ethtool_sset_info) + sizeof(std::uint32_t));
  auto& asked = buffer.as<ethtool_sset_info>();
  asked.cmd = ETHTOOL_GSSET_INFO;
  asked.sset_mask = 1ull << ETH_SS_FEATURES;
  if (!ethtool(socket, interface, &asked) || asked.sset_mask == 0) return 0;
  return std::min<std::uint32_t>(asked.data[0], kFeaturesMax);
}

// Names in the order of the bits; empty when the driver tells none.
std::vector<std::string> feature_names(int socket, const std::string& interface) {
  std::vector<std::string> names;
  const std::uint32_t count = feature_count(socket, interface);
  Buffer buffer(sizeof(ethtool_gstrings) + std::size_t{count} * ETH_GSTRING_LEN);
  auto& strings = buffer.as<ethtool_gstrings>();
  strings.cmd = ETHTOOL_GSTRINGS;
  strings.string_set = ETH_SS_FEATURES;
  strings.len = count;
  if (count == 0 || !ethtool(socket, interface, &strings)) return names;
  for (std::uint32_t i = 0; i < std::min(count, strings.len); ++i) {
    const char* const text = reinterpret_cast<const char*>(strings.data) + std::size_t{i} * ETH_GSTRING_LEN;
    names.emplace_back(text, ::strnlen(text, ETH_GSTRING_LEN));
  }
  return names;
}

std::uint32_t blocks_for(std::size_t features) { return static_cast<std::uint32_t>((features + 31) / 32); }
std::uint32_t bit_of(std::size_t feature) { return std::uint32_t{1} << (feature % 32); }

int bpf(bpf_cmd command, bpf_attr& attributes) noexcept {
  return static_cast<int>(::syscall(SYS_bpf, command, &attributes, sizeof attributes));
}

}  // namespace

UniqueFd load_pass_program(std::uint32_t flags) noexcept {
  const std::array<bpf_insn, 2> pass{
      {{BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, XDP_PASS}, {BPF_JMP | BPF_EXIT, 0, 0, 0, 0}}};
  bpf_attr attributes{};
  attributes.prog_type = BPF_PROG_TYPE_XDP;
  attributes.insns = reinterpret_cast<std::uint64_t>(pass.data());
  attributes.insn_cnt = pass.size();
  attributes.license = reinterpret_cast<std::uint64_t>("Apache-2.0");
  attributes.prog_flags = flags;
  constexpr std::string_view kName = "sallyport_pass";  // as bpftool shows it
  static_assert(kName.size() < sizeof attributes.prog_name);
  kName.copy(attributes.prog_name, kName.size());
  return UniqueFd(bpf(BPF_PROG_LOAD, attributes));
}

WholeFrames::WholeFrames(std::string interface, int ifindex)
    : interface_(std::move(interface)),
      ifindex_(ifindex),
      socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {}

std::optional<NetError> WholeFrames::hold() {
  const bool is_veth = driver_of(socket_.get(), interface_) == "veth";
  const int error = is_veth ? attach_program() : 0;
  const std::vector<std::string> names{"rx-lro", "rx-gro-hw"};
  cleared_ = active_features(names);
  set_features(cleared_, false);
  // InterfaceSettings has put it off and will put it back; attaching the program put it on again.
  if (attachment_) set_features({"rx-gro"}, false);
  if (error != 0)
    return net_error(
        "interface " + interface_ + kMayLose +
            "turn segmentation offload off at the far end of the cable (ethtool -K INTERFACE tso "
            "off), because no XDP program can be attached here to have Linux do it",
        error);
  if (active_features(names).empty()) return std::nullopt;
  return NetError{
      "interface " + interface_ + kMayLose +
      "turn rx-gro-hw and rx-lro off where its driver gets them from (a virtual machine: guest_tso4 "
      "and guest_tso6 of the host), because the driver does not let Linux do it"};
}

// A program that knows large frames is not taken by Linux before 5.18; one that does not, not where the far
// end's MTU is above a memory page.
int WholeFrames::attach_program() noexcept {
  UniqueFd program = load_pass_program(BPF_F_XDP_HAS_FRAGS);
  if (!program) program = load_pass_program(0);
  if (!program) return errno;
  bpf_attr attributes{};
  attributes.link_create.prog_fd = static_cast<std::uint32_t>(program.get());
  attributes.link_create.target_ifindex = static_cast<std::uint32_t>(ifindex_);
  attributes.link_create.attach_type = BPF_XDP;
  attributes.link_create.flags = XDP_FLAGS_DRV_MODE;
  attachment_.reset(bpf(BPF_LINK_CREATE, attributes));
  return attachment_ ? 0 : errno;
}

std::vector<std::string> WholeFrames::active_features(const std::vector<std::string>& names) const {
  std::vector<std::string> active;
  const auto all = feature_names(socket_.get(), interface_);
  Buffer buffer(sizeof(ethtool_gfeatures) + blocks_for(all.size()) * sizeof(ethtool_get_features_block));
  auto& found = buffer.as<ethtool_gfeatures>();
  found.cmd = ETHTOOL_GFEATURES;
  found.size = blocks_for(all.size());
  if (all.empty() || !ethtool(socket_.get(), interface_, &found)) return active;
  const std::span blocks(found.features, blocks_for(all.size()));
  for (std::size_t i = 0; i < all.size(); ++i)
    if ((blocks[i / 32].active & bit_of(i)) != 0 && std::ranges::find(names, all[i]) != names.end())
      active.push_back(all[i]);
  return active;
}

void WholeFrames::set_features(const std::vector<std::string>& names, bool on) noexcept {
  if (names.empty()) return;
  const auto all = feature_names(socket_.get(), interface_);
  Buffer buffer(sizeof(ethtool_sfeatures) + blocks_for(all.size()) * sizeof(ethtool_set_features_block));
  auto& wanted = buffer.as<ethtool_sfeatures>();
  wanted.cmd = ETHTOOL_SFEATURES;
  wanted.size = blocks_for(all.size());
  const std::span blocks(wanted.features, blocks_for(all.size()));
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (std::ranges::find(names, all[i]) == names.end()) continue;
    blocks[i / 32].valid |= bit_of(i);
    if (on) blocks[i / 32].requested |= bit_of(i);
  }
  static_cast<void>(ethtool(socket_.get(), interface_, &wanted));
}

void WholeFrames::restore() noexcept {
  attachment_.reset();
  set_features(cleared_, true);
  cleared_.clear();
}

}  // namespace sallyport::dataplane
