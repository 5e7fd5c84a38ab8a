// cause_map.cpp — the table of RFC 3398 §8.2.6.1.
#include "policy/route/cause_map.h"

namespace sallyport::policy {
namespace {

constexpr std::uint8_t kUnallocated = 1, kBusy = 17, kNoUserResponding = 18, kRejected = 21, kChanged = 22,
                       kRoutingError = 25, kInvalidFormat = 28, kOutOfOrder = 38, kTemporaryFailure = 41,
                       kUnavailable = 63, kNotImplemented = 79, kTimerExpiry = 102, kInterworking = 127;

constexpr bool is_failure(std::uint16_t code) noexcept { return code >= 300 && code <= 699; }

}  // namespace

std::uint16_t code_by_cause(std::span<const CauseMap> map, std::uint16_t cause, std::uint16_t code) noexcept {
  if (cause == 0 || !is_failure(code)) return code;
  for (const CauseMap& entry : map)
    if (entry.cause == cause) return is_failure(entry.code) ? entry.code : code;
  return code;
}

std::uint8_t cause_of_code(std::uint16_t code, std::span<const CauseMap> map) noexcept {
  for (const CauseMap& entry : map)
    if (entry.code == code && is_failure(code)) return entry.cause;
  switch (code) {
    case 404:
    case 485:
    case 604:
      return kUnallocated;
    case 486:
    case 600:
      return kBusy;
    case 480:
      return kNoUserResponding;
    case 401:
    case 402:
    case 403:
    case 407:
    case 603:
      return kRejected;
    case 410:
      return kChanged;
    case 482:
    case 483:
      return kRoutingError;
    case 484:
      return kInvalidFormat;
    case 502:
      return kOutOfOrder;
    case 400:
    case 481:
    case 500:
    case 503:
      return kTemporaryFailure;
    case 405:
      return kUnavailable;
    case 406:
    case 415:
    case 501:
      return kNotImplemented;
    case 408:
    case 504:
      return kTimerExpiry;
    case 487:  // the caller has given up: the table has none
      return 0;
    default:  // 488 and 606 go by their Warning, which is not looked at. RFC 3398 §8.2.6.1
      return code >= 400 && code <= 699 ? kInterworking : std::uint8_t{0};
  }
}

}  // namespace sallyport::policy
