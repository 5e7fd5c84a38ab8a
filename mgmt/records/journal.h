// journal.h — the file `journal` in node.state: what must be known after a kill -9, entry by entry.
//
// An entry is its length, the CRC-32 of its bytes, and the bytes. Entries are collected in a group and
// written with one sync. Reading ends at the first entry that is cut off or damaged: a torn tail is nothing
// unusual. The file is never repaired in place. What is to be kept is written to a new file that takes its
// name; that bounds its size, ends every start, and is the way out of a failed write.
//
// Behind the entries lie zeros, room for the next groups: a sync of bytes that were there already changes no
// length and no block, so the file system has nothing of its own to write. Room is made a megabyte at a time;
// when the disk has none, the file grows with each group instead.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "mgmt/records/disk.h"

namespace sallyport::mgmt {

struct JournalReading {
  bool found = false;
  std::uint64_t entries = 0;
  std::uint64_t bytes_dropped = 0;  // behind the last intact entry, but for the zeros at the end
};

class Journal {
 public:
  static constexpr std::uint32_t kEntryBytesMax = 1'000'000;
  static constexpr std::uint64_t kFileBytesMax = 2'000'000'000;
  static constexpr std::uint64_t kRoomBytes = 1 << 20;

  // `disk` must outlive it. `room`: how many zeros are added when a group does not fit.
  Journal(Disk& disk, std::string folder, std::uint64_t room = kRoomBytes);

  // Hands each intact entry to `on_entry`, in order. The view is good for the call.
  [[nodiscard]] Result<JournalReading, std::error_code> read(
      const std::function<void(std::string_view)>& on_entry) const;

  // Appends one framed entry to `out`.
  static void frame(std::string& out, std::string_view entry);

  // Writes `framed` as the whole new content, synced under its name before this returns; the group that was
  // collected is forgotten, since `framed` holds what was in it. On an error the old file is still there.
  [[nodiscard]] std::error_code rewrite(std::string_view framed);

  // Into the group.
  void add(std::string_view entry) { frame(group_, entry); }
  // The same without a copy: by begin_frame() and end_frame().
  [[nodiscard]] std::string& group() noexcept { return group_; }
  [[nodiscard]] bool has_group() const noexcept { return !group_.empty(); }
  // Writes and syncs the group. After an error it is no longer usable until rewrite() succeeds: behind half
  // an entry no other would be found.
  [[nodiscard]] std::error_code commit();
  void forget_group() noexcept { group_.clear(); }
  [[nodiscard]] bool is_usable() const noexcept { return file_ != nullptr; }
  // Of its entries, without the room behind them.
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

 private:
  [[nodiscard]] std::error_code make_room();
  [[nodiscard]] std::error_code write_group();

  Disk& disk_;
  std::string folder_, path_, new_path_;
  std::unique_ptr<DiskFile> file_;
  std::string group_;
  std::uint64_t room_;
  std::uint64_t bytes_ = 0, length_ = 0;  // of the entries; of the file
  bool has_room_ = true;                  // the disk had room when it was asked last
};

// One entry at the end of `out`: what is appended between the two calls is its bytes. end_frame() gives them;
// they are good until `out` changes.
[[nodiscard]] std::size_t begin_frame(std::string& out);
std::string_view end_frame(std::string& out, std::size_t begin);

[[nodiscard]] std::uint32_t crc32(std::string_view bytes) noexcept;

}  // namespace sallyport::mgmt
