// record_thread.h — the one thread that may wait for a disk: it steps a RecordWriter when an engine has
// something or when time has come.
#pragma once

#include <atomic>
#include <functional>
#include <thread>

#include "mgmt/records/record_writer.h"

namespace sallyport::mgmt {

// How the thread sleeps: what dataplane::EventStream offers.
struct RecordBell {
  // Returns when a source has something, when `wake` was called, or when the time is up.
  std::function<void(Duration longest)> wait;
  // Returns when that time is up or when `wake` was called; events that come meanwhile wake nobody.
  std::function<void(Duration time)> rest;
  // Ends the present or the next wait or rest. From any thread.
  std::function<void()> wake;
};

class RecordThread {
 public:
  // `writer` must outlive it, and until stop() it is the thread's alone but for what it says is for others.
  RecordThread(RecordWriter& writer, RecordBell bell);
  ~RecordThread();  // as stop()
  RecordThread(const RecordThread&) = delete;
  RecordThread& operator=(const RecordThread&) = delete;

  // Takes all that is in the sources, writes it and ends the thread. Idempotent.
  void stop();

 private:
  void loop();

  RecordWriter& writer_;
  RecordBell bell_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace sallyport::mgmt
