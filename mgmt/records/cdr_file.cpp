// cdr_file.cpp — opening, repair, rotation and ageing of a CDR file.
#include "mgmt/records/cdr_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <utility>

namespace sallyport::mgmt {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::size_t kTimeChars = 20;  // 20261121T104755.123Z

struct NameParts {
  std::string before, after;
};

[[nodiscard]] NameParts parts_of(const std::string& name) {
  const std::filesystem::path path(name);
  return {path.stem().string() + "-", path.extension().string()};
}

[[nodiscard]] std::string name_of(const std::string& path) {
  return std::filesystem::path(path).filename().string();
}

// A number of exactly these digits.
[[nodiscard]] std::optional<unsigned> digits(std::string_view text) {
  unsigned value = 0;
  if (!std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::string rotated_name(const std::string& name, WallTime time) {
  const NameParts parts = parts_of(name);
  const auto day = std::chrono::floor<days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss<milliseconds> clock(time - day);
  return fmt::format("{}{:04}{:02}{:02}T{:02}{:02}{:02}.{:03}Z{}", parts.before, int{date.year()},
                     unsigned{date.month()}, unsigned{date.day()}, clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count(), clock.subseconds().count(),
                     parts.after);
}

std::optional<WallTime> time_of_rotated_name(const std::string& name, std::string_view rotated) {
  const NameParts parts = parts_of(name);
  if (rotated.size() != parts.before.size() + kTimeChars + parts.after.size()) return std::nullopt;
  if (!rotated.starts_with(parts.before) || !rotated.ends_with(parts.after)) return std::nullopt;
  const std::string_view text = rotated.substr(parts.before.size(), kTimeChars);
  if (text[8] != 'T' || text[15] != '.' || text[19] != 'Z') return std::nullopt;
  const auto year = digits(text.substr(0, 4)), month = digits(text.substr(4, 2)),
             day = digits(text.substr(6, 2)), hour = digits(text.substr(9, 2)),
             minute = digits(text.substr(11, 2)), second = digits(text.substr(13, 2)),
             millisecond = digits(text.substr(16, 3));
  if (!year || !month || !day || !hour || !minute || !second || !millisecond) return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(*month), std::chrono::day(*day));
  if (!date.ok()) return std::nullopt;
  return WallTime(std::chrono::sys_days(date)) + hours(*hour) + minutes(*minute) + seconds(*second) +
         milliseconds(*millisecond);
}

CdrFile::CdrFile(Disk& disk, const CdrSink& sink, const std::string& folder)
    : disk_(disk),
      sink_(sink),
      path_((std::filesystem::path(folder) / sink.to).lexically_normal().string()) {}

Result<CdrTail, std::error_code> CdrFile::open(std::optional<std::uint64_t> mark,
                                               const JournalledLine& journalled) {
  if (!is_repaired_) return repair(mark, journalled);
  if (const std::error_code error = open_at(synced_length_)) return fail(error);
  written_seq_ = synced_seq_;
  CdrTail out;
  out.last_seq = synced_seq_;
  return out;
}

Result<CdrTail, std::error_code> CdrFile::repair(std::optional<std::uint64_t> mark,
                                                 const JournalledLine& journalled) {
  const bool is_late = std::exchange(is_late_, true);
  const auto tail = disk_.read_tail(path_, kTailBytes);
  if (!tail) return fail(tail.error());
  CdrTail out = judge_cdr_tail(tail->bytes, tail->offset == 0, mark, journalled);
  if (is_late) {
    if (mark) out.good_bytes = out.marked_bytes;
    out.last_seq = synced_seq_;
  }
  if (const std::error_code error = open_at(tail->offset + out.good_bytes)) return fail(error);
  is_repaired_ = true;
  written_seq_ = synced_seq_ = out.last_seq;
  return out;
}

std::error_code CdrFile::open_at(std::uint64_t length) {
  close();
  auto opened = disk_.open(path_, OpenFile::Existing);
  if (!opened) return opened.error();
  const std::unique_ptr<DiskFile>& file = *opened;
  const std::uint64_t size = file->size();
  if (size > length)
    if (const std::error_code error = file->truncate(length)) return error;
  if (const std::error_code error = file->sync()) return error;
  // The file may be new: without its name its lines are gone.
  if (const std::error_code error = disk_.sync_folder(folder_of(path_))) return error;
  written_length_ = synced_length_ = std::min(size, length);
  file_ = std::move(*opened);
  return {};
}

std::error_code CdrFile::append(std::string_view lines, std::uint64_t last_seq) {
  if (const std::error_code error = file_->append(lines)) return error;
  written_length_ += lines.size();
  written_seq_ = last_seq;
  return {};
}

std::error_code CdrFile::sync() {
  if (const std::error_code error = file_->sync()) return error;
  synced_length_ = written_length_;
  synced_seq_ = written_seq_;
  return {};
}

std::error_code CdrFile::rotate(WallTime now) {
  const std::string folder = folder_of(path_), name = name_of(path_);
  const auto names = disk_.list(folder);
  if (!names) return names.error();
  // Two in one millisecond, or a clock that was set back, must not cost an older file.
  std::string target = rotated_name(name, now);
  while (std::ranges::find(*names, target) != names->end())
    target = rotated_name(name, now += milliseconds(1));
  if (const std::error_code error = disk_.rename(path_, folder + "/" + target)) return error;
  synced_length_ = written_length_ = 0;
  return open_at(0);
}

void CdrFile::remove_old(WallTime now) {
  const std::string folder = folder_of(path_), name = name_of(path_);
  const auto names = disk_.list(folder);
  if (!names) return;
  for (const std::string& other : *names) {
    const auto time = time_of_rotated_name(name, other);
    if (!time || now - *time <= sink_.keep) continue;
    // One that stays is tried again next time.
    [[maybe_unused]] const std::error_code error = disk_.remove(folder + "/" + other);
  }
}

void CdrFile::close() noexcept { file_.reset(); }

void CdrFile::skip_to(std::uint64_t seq) noexcept {
  written_seq_ = std::max(written_seq_, seq);
  synced_seq_ = std::max(synced_seq_, seq);
}

}  // namespace sallyport::mgmt
