// certificate_watch.cpp — refresh, tell, judge.
#include "mgmt/daemon/certificate_watch.h"

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
  certificate_alarms_.judge(places_.contexts.expiries(), places_.wall());
}

}  // namespace sallyport::mgmt
