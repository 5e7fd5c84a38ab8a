// shipped_profiles.h — the profiles that come with the program: the files of profiles/, compiled in.
#pragma once

#include <span>
#include <string_view>

namespace sallyport::mgmt {

struct ShippedProfile {
  std::string_view name;
  std::string_view text;  // YAML, as profiles/NAME.yaml
};

// Without "default", which is what the table of keys says.
[[nodiscard]] std::span<const ShippedProfile> shipped_profiles() noexcept;
[[nodiscard]] bool is_shipped_profile(std::string_view name) noexcept;

}  // namespace sallyport::mgmt
