// record_thread.cpp — steps and sleeps in turn.
#include "mgmt/records/record_thread.h"

#include <algorithm>
#include <utility>

namespace sallyport::mgmt {

RecordThread::RecordThread(RecordWriter& writer, RecordBell bell)
    : writer_(writer), bell_(std::move(bell)), thread_([this] { loop(); }) {}

RecordThread::~RecordThread() { stop(); }

void RecordThread::stop() {
  if (!thread_.joinable()) return;
  stopping_.store(true);
  bell_.wake();
  thread_.join();
}

void RecordThread::loop() {
  while (!stopping_.load()) {
    const Duration pause = writer_.step();
    const Duration rest = std::min(writer_.rest(), pause);
    if (rest > Duration{} && !stopping_.load()) bell_.rest(rest);
    if (pause > rest && !stopping_.load()) bell_.wait(pause - rest);
  }
  writer_.finish();
}

}  // namespace sallyport::mgmt
