// validate_media.cpp — whether each realm has media ports at all, and enough of them for its calls. RFC 3550
// §11.
#include <fmt/format.h>

#include <algorithm>

#include "mgmt/config/validate_config.h"

namespace sallyport::mgmt {
namespace {

constexpr std::uint32_t kPairsMax = (65'536 - 1024) / 2;  // what any range can hold

// Even ports with an odd one above them, on one address.
std::uint32_t pairs_of(const PortRange& range) {
  const std::uint32_t first = (range.first + 1U) / 2, end = (range.last + 1U) / 2;
  return end > first ? end - first : 0;
}

void check_pairs(const Checked& checked, const Section& section, const RealmConfig& realm) {
  const Section media = section.child("media");
  const std::uint32_t pairs = pairs_of(realm.media.ports);
  if (pairs == 0) {
    checked.problems.error(media.place("ports"), media.shown("ports"),
                           {"holds no even port with the odd one above it",
                            "write a range of at least two ports that begins with an even one"});
    return;
  }
  // Without a number of calls in the file nobody has asked for more than the ports carry.
  const Section limits = section.child("limits");
  const Section capacity = checked.root.child("dataplane").child("capacity");
  if (limits.written("calls") == nullptr && capacity.written("calls") == nullptr) return;
  const std::uint32_t calls = std::min(realm.limits.calls, checked.config.dataplane.capacity.calls);
  if (pairs >= calls) return;
  const bool has_ports = media.written("ports") != nullptr;
  const bool has_limit = limits.written("calls") != nullptr;
  const YamlPlace place = has_ports   ? media.place("ports")
                          : has_limit ? limits.place("calls")
                                      : section.place("name");
  checked.problems.warning(
      place, media.shown("ports"),
      {fmt::format("has {} pairs of ports on each address, and the realm may have {} calls", pairs, calls),
       calls <= kPairsMax ? fmt::format("write a range of {} ports, or at most {} in {}", 2 * calls, pairs,
                                        limits.shown("calls"))
                          : fmt::format("write at most {} in {}", pairs, limits.shown("calls"))});
}

}  // namespace

void validate_media(const Checked& checked) {
  const std::vector<Section> sections = checked.root.items("realms");
  for (std::size_t i = 0; i < sections.size(); ++i)
    check_pairs(checked, sections[i], checked.config.realms[i]);
}

}  // namespace sallyport::mgmt
