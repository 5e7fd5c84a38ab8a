// certificate_watch.cpp — refresh, tell, judge.
#include "mgmt/daemon/certificate_watch.h"

#include <fmt/format.h>

#include <algorithm>

namespace sallyport::mgmt {

CertificateWatch::~CertificateWatch() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void CertificateWatch::start() {
  thread_ = std::thread([this] { loop(); });
}

void CertificateWatch::loop() {
  std::unique_lock lock(mutex_);
  while (!is_stopping_) {
    lock.unlock();
    look(places_.core());
    lock.lock();
    wake_.wait_for(lock, kLook, [this] { return is_stopping_; });
  }
}

void CertificateWatch::look(Timestamp now) {
  for (const std::string& told : places_.contexts.refresh())
    places_.log.write(LogLevel::Warning, "tls", "certificate_files_changed", told);
  places_.contexts.rotate_tickets(now);
  const auto certificates = places_.contexts.expiries();
  for (const dataplane::CertificateExpiry& certificate : certificates) judge(certificate, places_.wall());
  // Those that the configuration no longer names.
  std::erase_if(expiring_, [&](const std::string& name) {
    const bool is_there = std::any_of(certificates.begin(), certificates.end(),
                                      [&name](const auto& certificate) { return certificate.name == name; });
    if (!is_there) places_.alarms.clear("certificate_expires", name);
    return !is_there;
  });
}

void CertificateWatch::judge(const dataplane::CertificateExpiry& certificate, WallTime now) {
  const WallTime end{std::chrono::seconds(certificate.not_after)};
  const auto left = end - now;
  if (left > certificate.warn_before) {
    if (expiring_.erase(certificate.name) != 0) places_.alarms.clear("certificate_expires", certificate.name);
    return;
  }
  if (!expiring_.insert(certificate.name).second) return;  // it is up: no line for each look
  using Days = std::chrono::duration<long, std::ratio<86400>>;
  const long days = std::chrono::duration_cast<Days>(left).count();
  places_.alarms.raise(
      "certificate_expires", certificate.name,
      left.count() <= 0 ? std::string("has expired") : fmt::format("expires in {} days", days));
}

}  // namespace sallyport::mgmt
