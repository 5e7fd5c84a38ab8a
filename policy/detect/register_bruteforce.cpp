// register_bruteforce.cpp — see register_bruteforce.h.
#include "policy/detect/register_bruteforce.h"

#include <algorithm>
#include <array>

namespace sallyport::policy {
namespace {

using Doer = Suspicion::Doer;
constexpr Duration kLongest = std::chrono::hours(24);

}  // namespace

std::optional<Suspicion> RegisterBruteforceDetector::on_failure(Timestamp now, const Actor& actor,
                                                                const ActorKeys& keys,
                                                                std::string_view user) noexcept {
  const std::uint32_t most = settings_.login_failures();
  const Duration window = settings_.login_window(), patient = std::min(window * kPatience, kLongest);
  const std::uint64_t name = text_key(key_, user);
  struct Count {
    std::uint64_t key;
    std::uint32_t count, too_many;
    Duration within;
    Doer doer;
    DetectorAction strongest;
    std::uint8_t confidence;
    std::string_view what;
  };
  const auto counted = [&](std::uint64_t key, Duration within, std::uint32_t weight = 1) {
    return counts_.count(key, now, within, weight);
  };
  const std::uint64_t of_user_here = keys.flow(Purpose::LoginOfUser, name), flow = keys.flow(Purpose::Logins),
                      of_user_there = keys.address(Purpose::LoginOfUser, name),
                      address = keys.address(Purpose::Logins),
                      prefix = PrefixKeys(key_, actor).prefix(Purpose::Logins),
                      of_user = with_purpose(name, Purpose::LoginOfUser);
  const std::uint32_t times_here = counted(of_user_here, window);
  using enum DetectorAction;
  const std::array<Count, 6> counts{{
      {of_user_here, times_here, most, window, Doer::Flow, Block, 80, "wrong passwords of one user"},
      {flow, counted(flow, window, times_here == 1 ? 2 : 1), most * kTimesOfFlow, window, Doer::Flow, Block,
       75, "wrong passwords (new users count double)"},
      {of_user_there, counted(of_user_there, window), most * kTimesOfUserAtAddress, window, Doer::Address,
       Block, 80, "wrong passwords of one user at one address"},
      {address, counted(address, window), most * kTimesOfAddress, window, Doer::Address, Block, 70,
       "wrong passwords at one address"},
      {prefix, counted(prefix, patient), most * kTimesOfPrefix, patient, Doer::Group, Reject, 60,
       "wrong passwords in one network"},
      {of_user, counted(of_user, patient), most * kTimesOfUser, patient, Doer::Group, Log, 70,
       "wrong passwords of one user from anywhere"},
  }};
  for (const Count& count : counts)
    if (count.count >= count.too_many)
      return Suspicion{.detector = Detector::RegisterBruteforce,
                       .doer = count.doer,
                       .most = count.strongest,
                       .confidence = count.confidence,
                       .subject = count.key,
                       .count = count.count,
                       .allowed = count.too_many - 1,
                       .what = count.what,
                       .within = count.within};
  return std::nullopt;
}

bool RegisterBruteforceDetector::is_over(Timestamp now, const Actor& actor, const ActorKeys& keys,
                                         std::string_view user) const noexcept {
  if (settings_.reaction(Detector::RegisterBruteforce).action < DetectorAction::Reject) return false;
  const std::uint32_t most = settings_.login_failures();
  const Duration window = settings_.login_window(), patient = std::min(window * kPatience, kLongest);
  const std::uint64_t name = text_key(key_, user);
  const auto has = [&](std::uint64_t key, std::uint32_t times, Duration within) {
    return counts_.count_of(key, now, within) >= most * times;
  };
  return has(keys.flow(Purpose::LoginOfUser, name), 1, window) ||
         has(keys.flow(Purpose::Logins), kTimesOfFlow, window) ||
         has(keys.address(Purpose::LoginOfUser, name), kTimesOfUserAtAddress, window) ||
         has(keys.address(Purpose::Logins), kTimesOfAddress, window) ||
         has(PrefixKeys(key_, actor).prefix(Purpose::Logins), kTimesOfPrefix, patient);
}

void RegisterBruteforceDetector::on_login(Timestamp now, const ActorKeys& keys,
                                          std::string_view user) noexcept {
  const std::uint64_t name = text_key(key_, user);
  const std::uint64_t here = keys.flow(Purpose::LoginOfUser, name);
  const std::uint32_t times = counts_.count_of(here, now, settings_.login_window());
  if (times == 0) return;
  counts_.take_back(here, times);
  counts_.take_back(keys.flow(Purpose::Logins), times + 1);  // the first counted double
  counts_.take_back(keys.address(Purpose::LoginOfUser, name), times);
  counts_.take_back(keys.address(Purpose::Logins), times);
}

}  // namespace sallyport::policy
