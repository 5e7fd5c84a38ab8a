// eal_log.h — what DPDK's libraries print, line by line: kept for the sentence of a failed start, and given
// to whoever listens. Nothing of it reaches stderr by itself.
#pragma once

#include <cstdio>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

namespace sallyport::dataplane {

class EalLog {
 public:
  EalLog();
  ~EalLog();
  EalLog(const EalLog&) = delete;
  EalLog& operator=(const EalLog&) = delete;

  // The last lines, oldest first, joined by "; ". Any thread.
  [[nodiscard]] std::string last_lines() const;
  // True when a line that holds `text` was printed since the last clear().
  [[nodiscard]] bool has(std::string_view text) const;
  void clear();
  // From now on each line also goes there. It is called under a lock: it must not print through DPDK.
  void set_listener(std::function<void(std::string_view line)> listener);
  // A line of our own for the listener.
  void say(std::string_view line) const;

 private:
  static ssize_t on_write(void* log, const char* text, std::size_t size);
  void take(std::string_view text);

  mutable std::mutex mutex_;
  std::deque<std::string> lines_;
  std::string rest_;  // a line not yet ended
  std::function<void(std::string_view line)> listener_;
  FILE* stream_ = nullptr;
};

}  // namespace sallyport::dataplane
