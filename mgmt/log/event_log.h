// event_log.h — the log of the daemon: records go in from any thread, lines come out on stderr or in a file.
//
// Until start_writer() each line is written at once; afterwards a thread of its own writes, so that no other
// thread ever waits for a disk or a full pipe. The queue is bounded: lines that find it full are counted, and
// their number is written when there is room again.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "mgmt/log/log_line.h"
#include "mgmt/log/log_rate_limit.h"
#include "policy/base/result.h"

namespace sallyport::mgmt {

class EventLog {
 public:
  static constexpr std::size_t kQueuedLinesMax = 4096;

  // `file` empty: stderr. The error names the file and why it can't be opened.
  [[nodiscard]] static Result<std::unique_ptr<EventLog>, std::string> open(const LogConfig& config,
                                                                           const std::string& file,
                                                                           WallClock clock);
  // Takes `descriptor` over when `owns_descriptor`.
  EventLog(const LogConfig& config, int descriptor, bool owns_descriptor, WallClock clock);
  ~EventLog();  // writes what is queued
  EventLog(const EventLog&) = delete;
  EventLog& operator=(const EventLog&) = delete;

  void start_writer();
  void write(LogLevel level, std::string_view subsystem, std::string_view event, std::string_view message,
             std::initializer_list<LogField> fields = {});
  [[nodiscard]] bool wants(LogLevel wanted) const noexcept { return wanted <= level(); }
  // From now on; any thread.
  void set_level(LogLevel level) noexcept { level_.store(level, std::memory_order_relaxed); }
  [[nodiscard]] LogLevel level() const noexcept { return level_.load(std::memory_order_relaxed); }

 private:
  void enqueue(std::string line);  // under mutex_
  void report_suppressed(std::optional<WallTime> now);
  void writer_loop();
  void write_out(std::string_view lines) const;
  [[nodiscard]] std::string own_line(WallTime now, std::string_view event, std::string_view message,
                                     LogField field) const;

  const LogConfig config_;
  std::atomic<LogLevel> level_;
  int descriptor_;
  bool owns_descriptor_;
  WallClock clock_;
  std::mutex mutex_;  // guards all below
  std::condition_variable wake_;
  LogRateLimit rate_limit_;
  std::deque<std::string> queue_;
  std::uint64_t dropped_ = 0;
  bool stopping_ = false, threaded_ = false;
  std::thread writer_;
};

}  // namespace sallyport::mgmt
