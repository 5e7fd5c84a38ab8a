// align_realms.cpp — places of realms over a reload.
#include "mgmt/config/align_realms.h"

#include <algorithm>
#include <utility>

namespace sallyport::mgmt {
namespace {

bool is_used(const std::vector<sip::Path>& in_use, RealmIndex realm, Transport transport,
             const Endpoint& local) {
  return std::ranges::any_of(in_use, [&](const sip::Path& path) {
    return path.realm == realm && path.transport == transport && path.local == local;
  });
}

bool listens_at(const RealmConfig& realm, Transport transport, const Endpoint& local) {
  return std::ranges::any_of(realm.listen, [&](const ListenerConfig& one) {
    return one.transport == transport && one.port == local.port &&
           std::ranges::find(one.addresses, local.address) != one.addresses.end();
  });
}

// By a listener that is taken out only now a call may come until all threads have followed, however idle it
// was when this reload began.
void keep_former_listeners(const RealmConfig& before, RealmIndex place, const std::vector<sip::Path>& in_use,
                           RealmConfig& now) {
  std::vector<ListenerConfig> former;
  for (const ListenerConfig& listener : before.listen) {
    ListenerConfig lost = listener;
    lost.is_former = true;
    std::erase_if(lost.addresses, [&](const IpAddress& address) {
      const Endpoint local{address, listener.port};
      return listens_at(now, listener.transport, local) ||
             (listener.is_former && !is_used(in_use, place, listener.transport, local));
    });
    if (!lost.addresses.empty()) former.push_back(std::move(lost));
  }
  now.listen.insert(now.listen.end(), former.begin(), former.end());
}

RealmConfig retired(const RealmConfig& before, RealmIndex place, const std::vector<sip::Path>& in_use) {
  RealmConfig realm = before;
  realm.listen.clear();
  keep_former_listeners(before, place, in_use, realm);
  realm.is_retired = true;
  return realm;
}

}  // namespace

Result<void, std::string> align_realms(const SbcConfig& running, const std::vector<sip::Path>& in_use,
                                       SbcConfig& next) {
  std::vector<RealmConfig> left = std::move(next.realms), places;
  for (std::size_t i = 0; i < running.realms.size(); ++i) {
    const RealmConfig& before = running.realms[i];
    const auto place = static_cast<RealmIndex>(i);
    const auto again = std::ranges::find(left, before.name, &RealmConfig::name);
    if (again == left.end()) {
      places.push_back(retired(before, place, in_use));
      continue;
    }
    if (again->port != before.port)
      return fail("realms[" + before.name + "].port: was " + before.port +
                  " before, which can't change while Sallyport runs; name the realm otherwise, or restart");
    keep_former_listeners(before, place, in_use, *again);
    places.push_back(std::move(*again));
    left.erase(again);
  }
  places.insert(places.end(), std::make_move_iterator(left.begin()), std::make_move_iterator(left.end()));
  if (places.size() > realm_places(running))
    return fail("realms: there is room for " + std::to_string(realm_places(running)) +
                ", those that were removed since the start among them; restart for more");
  next.realms = std::move(places);
  next.realm_places = running.realm_places;
  return {};
}

}  // namespace sallyport::mgmt
