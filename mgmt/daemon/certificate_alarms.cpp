// certificate_alarms.cpp — see certificate_alarms.h.
#include "mgmt/daemon/certificate_alarms.h"

#include <fmt/format.h>

#include <algorithm>

namespace sallyport::mgmt {

void CertificateAlarms::judge(std::span<const dataplane::CertificateExpiry> certificates, WallTime now) {
  for (const dataplane::CertificateExpiry& certificate : certificates) judge_one(certificate, now);
  // Those that the configuration no longer names.
  std::erase_if(up_, [&](const std::string& name) {
    const bool is_there =
        std::ranges::find(certificates, name, &dataplane::CertificateExpiry::name) != certificates.end();
    if (!is_there) alarms_.clear("certificate_expires", name);
    return !is_there;
  });
}

void CertificateAlarms::judge_one(const dataplane::CertificateExpiry& certificate, WallTime now) {
  const WallTime end{std::chrono::seconds(certificate.not_after)};
  const auto left = end - now;
  if (left > certificate.warn_before) {
    if (up_.erase(certificate.name) != 0) alarms_.clear("certificate_expires", certificate.name);
    return;
  }
  if (!up_.insert(certificate.name).second) return;  // it is up: no line for each look
  using Days = std::chrono::duration<long, std::ratio<86400>>;
  const long days = std::chrono::duration_cast<Days>(left).count();
  alarms_.raise("certificate_expires", certificate.name,
                left.count() <= 0 ? std::string("has expired")
                                  : fmt::format("expires in {} day{}", days, days == 1 ? "" : "s"));
}

}  // namespace sallyport::mgmt
