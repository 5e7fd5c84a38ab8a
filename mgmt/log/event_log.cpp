// event_log.cpp — queue, rate limit and writer thread of the log.
#include "mgmt/log/event_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace sallyport::mgmt {
namespace {

constexpr auto kSuppressedReportEvery = std::chrono::seconds(2);

}  // namespace

Result<std::unique_ptr<EventLog>, std::string> EventLog::open(const LogConfig& config,
                                                              const std::string& file, WallClock clock) {
  if (file.empty()) return std::make_unique<EventLog>(config, STDERR_FILENO, false, std::move(clock));
  const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
  if (descriptor < 0) return fail(fmt::format("log file {} can't be opened: {}", file, std::strerror(errno)));
  return std::make_unique<EventLog>(config, descriptor, true, std::move(clock));
}

EventLog::EventLog(const LogConfig& config, int descriptor, bool owns_descriptor, WallClock clock)
    : config_(config),
      level_(config.level),
      descriptor_(descriptor),
      owns_descriptor_(owns_descriptor),
      clock_(std::move(clock)) {}

EventLog::~EventLog() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    report_suppressed(std::nullopt);
  }
  wake_.notify_one();
  if (writer_.joinable()) writer_.join();
  if (owns_descriptor_) ::close(descriptor_);
}

void EventLog::start_writer() {
  const std::lock_guard lock(mutex_);
  if (threaded_) return;
  threaded_ = true;
  writer_ = std::thread([this] { writer_loop(); });
}

void EventLog::write(LogLevel level, std::string_view subsystem, std::string_view event,
                     std::string_view message, std::initializer_list<LogField> fields) {
  if (!wants(level)) return;
  const WallTime now = clock_();
  const LogRecord record{now, level, subsystem, event, message, {fields.begin(), fields.size()}};
  const std::lock_guard lock(mutex_);
  report_suppressed(now);
  // What is said at start is said once, and all of it matters.
  if (threaded_ && !rate_limit_.allow(event, now)) {
    wake_.notify_one();
    return;
  }
  enqueue(format_line(record, config_.format, config_.mask_numbers));
}

void EventLog::enqueue(std::string line) {
  if (!threaded_) {
    write_out(line);
  } else if (queue_.size() >= kQueuedLinesMax) {
    ++dropped_;
  } else {
    queue_.push_back(std::move(line));
    wake_.notify_one();
  }
}

std::string EventLog::own_line(WallTime now, std::string_view event, std::string_view message,
                               LogField field) const {
  const std::array<LogField, 1> fields{field};
  return format_line({now, LogLevel::Warning, "log", event, message, fields}, config_.format,
                     config_.mask_numbers);
}

void EventLog::report_suppressed(std::optional<WallTime> now) {
  for (const SuppressedLines& held : rate_limit_.take_suppressed(now)) {
    const std::string message =
        fmt::format("{} more lines of event {} were held back", held.lines, held.event);
    enqueue(own_line(now.value_or(clock_()), "log_lines_suppressed", message, {"lines", held.lines}));
  }
}

void EventLog::writer_loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    const auto has_work = [this] { return !queue_.empty() || stopping_; };
    if (rate_limit_.holds_back())
      wake_.wait_for(lock, kSuppressedReportEvery, has_work);
    else
      wake_.wait(lock, [&] { return has_work() || rate_limit_.holds_back(); });
    report_suppressed(clock_());
    std::string lines;
    for (const std::string& line : queue_) lines += line;
    queue_.clear();
    if (const std::uint64_t dropped = std::exchange(dropped_, 0); dropped != 0)
      lines += own_line(clock_(), "log_lines_dropped", "the log could not be written fast enough",
                        {"lines", dropped});
    const bool last = stopping_;
    lock.unlock();
    write_out(lines);
    if (last) return;
    lock.lock();
  }
}

void EventLog::write_out(std::string_view lines) const {
  while (!lines.empty()) {
    const ssize_t written = ::write(descriptor_, lines.data(), lines.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // nobody reads, or the disk is full: the program goes on without its log
    lines.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace sallyport::mgmt
