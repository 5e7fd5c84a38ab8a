// cdr_file.h — one CDR file: lines at its end, repaired after a crash, a new file when it is big enough, old
// ones removed. It decides nothing: CdrSpool says when.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "mgmt/log/wall_clock.h"
#include "mgmt/records/cdr_tail.h"
#include "mgmt/records/disk.h"
#include "policy/model/management.h"

namespace sallyport::mgmt {

class CdrFile {
 public:
  // What is looked at after a crash: far more than can lie between two marks.
  static constexpr std::uint64_t kTailBytes = 64'000'000;

  // `disk` must outlive it. A path that is not absolute lies in `folder`.
  CdrFile(Disk& disk, const CdrSink& sink, const std::string& folder);

  // The first time: cuts off what a crash left torn or twice, and says what the good lines say. Again, after
  // an error: cuts off everything that was not synced, however good it looks; when the first time failed,
  // that is everything behind the mark: what the lines there say has been told anew meanwhile.
  [[nodiscard]] Result<CdrTail, std::error_code> open(std::optional<std::uint64_t> mark,
                                                      const JournalledLine& journalled = {});
  // `last_seq`: of the last of these lines.
  [[nodiscard]] std::error_code append(std::string_view lines, std::uint64_t last_seq);
  [[nodiscard]] std::error_code sync();
  // Gives the file a name with the time and begins a new one. All must be synced.
  [[nodiscard]] std::error_code rotate(WallTime now);
  // Removes rotated files that are older than `keep`; their age is in their names.
  void remove_old(WallTime now);
  void close() noexcept;

  // Records up to `seq` are none of this file's business.
  void skip_to(std::uint64_t seq) noexcept;

  [[nodiscard]] const std::string& to() const noexcept { return sink_.to; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] bool is_open() const noexcept { return file_ != nullptr; }
  // Big enough to be rotated.
  [[nodiscard]] bool is_full() const noexcept {
    return sink_.rotate.bytes != 0 && written_length_ >= sink_.rotate.bytes;
  }
  [[nodiscard]] std::uint64_t written_seq() const noexcept { return written_seq_; }
  [[nodiscard]] std::uint64_t synced_seq() const noexcept { return synced_seq_; }
  [[nodiscard]] std::uint64_t unsynced_bytes() const noexcept { return written_length_ - synced_length_; }

 private:
  [[nodiscard]] Result<CdrTail, std::error_code> repair(std::optional<std::uint64_t> mark,
                                                        const JournalledLine& journalled);
  [[nodiscard]] std::error_code open_at(std::uint64_t length);

  Disk& disk_;
  CdrSink sink_;
  std::string path_;
  std::unique_ptr<DiskFile> file_;
  bool is_repaired_ = false, is_late_ = false;
  std::uint64_t written_seq_ = 0, synced_seq_ = 0;
  std::uint64_t written_length_ = 0, synced_length_ = 0;
};

// "cdr-20261121T104755.123Z.jsonl" of "cdr.jsonl" and that moment; and back, nothing when it is no such name.
[[nodiscard]] std::string rotated_name(const std::string& name, WallTime time);
[[nodiscard]] std::optional<WallTime> time_of_rotated_name(const std::string& name, std::string_view rotated);

}  // namespace sallyport::mgmt
