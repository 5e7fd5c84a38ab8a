// eal_log.cpp — a stream (fopencookie) that DPDK logs into.
#include "dataplane/dpdk/eal_log.h"

#include <rte_log.h>

namespace sallyport::dataplane {
namespace {
constexpr std::size_t kLinesKept = 6;
}

EalLog::EalLog() {
  cookie_io_functions_t functions{};
  functions.write = &EalLog::on_write;
  stream_ = fopencookie(this, "w", functions);
  if (stream_ == nullptr) return;
  std::setvbuf(stream_, nullptr, _IOLBF, 0);
  rte_openlog_stream(stream_);
}

EalLog::~EalLog() {
  rte_openlog_stream(nullptr);
  if (stream_ != nullptr) std::fclose(stream_);
}

ssize_t EalLog::on_write(void* log, const char* text, std::size_t size) {
  static_cast<EalLog*>(log)->take({text, size});
  return static_cast<ssize_t>(size);
}

void EalLog::take(std::string_view text) {
  const std::lock_guard lock(mutex_);
  rest_ += text;
  for (std::size_t end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n')) {
    std::string line = rest_.substr(0, end);
    rest_.erase(0, end + 1);
    if (line.empty()) continue;
    if (listener_) listener_(line);
    lines_.push_back(std::move(line));
    if (lines_.size() > kLinesKept) lines_.pop_front();
  }
}

std::string EalLog::last_lines() const {
  const std::lock_guard lock(mutex_);
  std::string text;
  for (const std::string& line : lines_) text += (text.empty() ? "" : "; ") + line;
  return text;
}

bool EalLog::has(std::string_view text) const {
  const std::lock_guard lock(mutex_);
  for (const std::string& line : lines_)
    if (line.find(text) != std::string::npos) return true;
  return false;
}

void EalLog::clear() {
  const std::lock_guard lock(mutex_);
  lines_.clear();
}

void EalLog::set_listener(std::function<void(std::string_view line)> listener) {
  const std::lock_guard lock(mutex_);
  listener_ = std::move(listener);
}

void EalLog::say(std::string_view line) const {
  const std::lock_guard lock(mutex_);
  if (listener_) listener_(line);
}

}  // namespace sallyport::dataplane
