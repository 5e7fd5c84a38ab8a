// Who is where in the simulated world, and the border's configuration between them.
#pragma once

#include <array>
#include <cstddef>

#include "policy/model/sbc_config.h"

namespace sallyport::sim {

struct AgentPlace {
  const char* name;
  std::size_t side;
  const char* own;
  const char* border;
  PeerIndex peer;
  bool behind_proxy = false;
  const char* user = "";    // of those that register: user of its AOR
  const char* domain = "";  // and domain
  const char* behind = "";  // own address where there is a router, which shows another one
  [[nodiscard]] bool registers() const noexcept { return *user != '\0'; }
};
// Eight that are peers or stand behind one; the registrar inside; phones that register there through the
// border, and desks that register at the border itself.
inline constexpr std::size_t kPeerAgents = 8, kHome = 8, kFirstPhone = 9;
inline constexpr PeerIndex kHomePeer{5}, kPhonesPlace{6}, kDesksPlace{7};
inline constexpr const char* kPhonesDomain = "phones.example";
inline constexpr const char* kDesksDomain = "desks.example";
inline constexpr std::array<AgentPlace, 13> kPlaces{{
    {"carrier-x0o9q", 0, "198.18.1.2:5060", "198.18.1.1:5060", PeerIndex{0}},
    {"trunk-x0o9q", 0, "[fd18:1::2]:5060", "[fd18:1::1]:5060", PeerIndex{1}},
    {"pbx-x0i9k", 1, "198.18.2.2:5060", "198.18.2.1:5060", PeerIndex{2}},
    {"spare-x0i9k", 1, "198.18.2.3:5070", "198.18.2.1:5060", PeerIndex{2}},
    {"office-x0i9k", 1, "[fd18:2::2]:5060", "[fd18:2::1]:5060", PeerIndex{3}},
    {"leaf1-x0i9k", 1, "198.18.2.11:5060", "198.18.2.1:5060", PeerIndex{4}, true},
    {"leaf2-x0i9k", 1, "198.18.2.12:5060", "198.18.2.1:5060", PeerIndex{4}, true},
    {"leaf3-x0i9k", 1, "198.18.2.13:5062", "198.18.2.1:5060", PeerIndex{4}, true},
    {"home-x0i9k", 1, "198.18.2.20:5060", "198.18.2.1:5060", kHomePeer},
    {"phone1-x0o9q", 0, "198.18.1.21:5060", "198.18.1.1:5060", PeerIndex::kNone, false, "+15556000001",
     kPhonesDomain, "10.77.1.21:5060"},
    {"phone2-x0o9q", 0, "[fd18:1::22]:5062", "[fd18:1::1]:5060", PeerIndex::kNone, false, "+15556000002",
     kPhonesDomain},
    {"desk1-x0o9q", 0, "198.18.1.31:40000", "198.18.1.1:5060", PeerIndex::kNone, false, "+15557000001",
     kDesksDomain, "10.77.1.31:5060"},
    {"desk2-x0o9q", 0, "198.18.1.32:5060", "198.18.1.1:5060", PeerIndex::kNone, false, "+15557000002",
     kDesksDomain, "10.77.2.21:5060"},
}};
// Two are behind one, the third behind another.
inline constexpr const char *kRouterOfTwo = "198.18.1.40", *kRouterOfOne = "198.18.1.41";
inline constexpr const char* kProxy = "198.18.2.10:5060";
inline constexpr std::array<const char*, 4> kListeners{"198.18.1.1:5060", "[fd18:1::1]:5060",
                                                       "198.18.2.1:5060", "[fd18:2::1]:5060"};

[[nodiscard]] Endpoint place_at(const char* text);
[[nodiscard]] std::size_t side_of(const IpAddress& address);
[[nodiscard]] PeerIndex peer_of(const IpAddress& address);
[[nodiscard]] std::string password_of(const AgentPlace& place);
[[nodiscard]] SbcConfig world_config(bool passes_refer = false);

}  // namespace sallyport::sim
