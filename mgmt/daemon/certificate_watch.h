// certificate_watch.h — looks every few seconds whether certificate files have changed and whether a
// certificate is about to expire: the alarm certificate_expires. On a thread of its own, for files are on a
// disk.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "dataplane/data_plane.h"
#include "mgmt/alarms/alarm_registry.h"
#include "mgmt/daemon/certificate_alarms.h"
#include "mgmt/log/event_log.h"
#include "mgmt/log/wall_clock.h"

namespace sallyport::mgmt {

// All must outlive the watch.
struct CertificateWatchPlaces {
  dataplane::TlsContexts& contexts;
  AlarmRegistry& alarms;
  EventLog& log;
  WallClock wall;
  std::function<Timestamp()> core;  // dataplane::core_time
};

class CertificateWatch {
 public:
  static constexpr std::chrono::seconds kLook{10};

  explicit CertificateWatch(CertificateWatchPlaces places) : places_(std::move(places)) {}
  ~CertificateWatch();  // ends the thread
  CertificateWatch(const CertificateWatch&) = delete;
  CertificateWatch& operator=(const CertificateWatch&) = delete;

  // Once: a look at once, then one every kLook.
  void start();
  // One look. Not while the thread runs.
  void look(Timestamp now);

 private:
  void loop();

  CertificateWatchPlaces places_;
  CertificateAlarms certificate_alarms_{places_.alarms};
  std::mutex mutex_;  // guards is_stopping_
  std::condition_variable wake_;
  bool is_stopping_ = false;
  std::thread thread_;
};

}  // namespace sallyport::mgmt
