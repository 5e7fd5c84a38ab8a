// fake_disk.h — a disk in memory for tests: it can fail, fill up, stall in virtual time, be killed before any
// of its operations, and lose what was not synced when the power goes.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>

#include "mgmt/records/disk.h"
#include "policy/base/time.h"

namespace sallyport::mgmt {

enum class DiskOperation : std::uint8_t {
  Open,
  Append,
  Overwrite,
  Sync,
  Truncate,
  Read,
  Rename,
  Remove,
  List,
  SyncFolder
};

// Thrown in place of the operation before which the process is killed.
struct Killed {};

class FakeDisk : public Disk {
 public:
  struct Inode {
    std::string bytes;
    std::string synced;
  };
  using InodePtr = std::shared_ptr<Inode>;

  // What an operation answers; success when nothing is set.
  std::function<std::error_code(DiskOperation, const std::string& path)> fault;
  // Called before each operation: virtual time may pass in it.
  std::function<void(DiskOperation, const std::string& path)> on_operation;
  std::uint64_t room = UINT64_MAX;  // bytes that still fit
  std::uint64_t kill_before = 0;    // number of the operation that is never done; 0: none
  std::uint64_t operations = 0;

  [[nodiscard]] Result<std::unique_ptr<DiskFile>, std::error_code> open(const std::string& path,
                                                                        OpenFile how) override;
  [[nodiscard]] Result<FileTail, std::error_code> read_tail(const std::string& path,
                                                            std::uint64_t bytes_max) override {
    if (const auto error = begin(DiskOperation::Read, path)) return fail(error);
    const auto found = names_.find(path);
    if (found == names_.end()) return FileTail{};
    const std::string& bytes = found->second->bytes;
    const std::uint64_t offset = bytes.size() - std::min<std::uint64_t>(bytes.size(), bytes_max);
    return FileTail{bytes.substr(offset), offset};
  }
  [[nodiscard]] std::error_code rename(const std::string& from, const std::string& to) override {
    if (const auto error = begin(DiskOperation::Rename, from)) return error;
    const auto found = names_.find(from);
    if (found == names_.end()) return std::make_error_code(std::errc::no_such_file_or_directory);
    names_[to] = found->second;
    names_.erase(from);
    return {};
  }
  [[nodiscard]] std::error_code remove(const std::string& path) override {
    if (const auto error = begin(DiskOperation::Remove, path)) return error;
    names_.erase(path);
    return {};
  }
  [[nodiscard]] Result<std::vector<std::string>, std::error_code> list(const std::string& folder) override {
    if (const auto error = begin(DiskOperation::List, folder)) return fail(error);
    std::vector<std::string> out;
    for (const auto& [path, inode] : names_)
      if (folder_of(path) == folder) out.push_back(path.substr(folder.size() + 1));
    return out;
  }
  [[nodiscard]] std::error_code sync_folder(const std::string& folder) override {
    if (const auto error = begin(DiskOperation::SyncFolder, folder)) return error;
    synced_names_ = names_;
    return {};
  }

  // The state after a power cut: what was synced, and perhaps a part of the rest, perhaps as zeros.
  void cut_power(std::mt19937_64& random) {
    std::map<std::string, InodePtr> names = random() % 2 == 0 ? synced_names_ : names_;
    for (auto& [path, inode] : names) {
      std::string bytes = inode->synced;
      if (inode->bytes.size() >= bytes.size()) {
        for (std::size_t at = 0; at < bytes.size(); at += kSector)
          if (random() % 2 == 0)
            bytes.replace(at, kSector, inode->bytes.substr(at, std::min(kSector, bytes.size() - at)));
        const std::string rest = inode->bytes.substr(bytes.size());
        const std::size_t kept = random() % (rest.size() + 1);
        if (random() % 3 == 0)
          bytes += std::string(kept, '\0') + rest.substr(kept);
        else
          bytes += rest.substr(0, kept);
      } else if (random() % 2 == 0) {
        bytes = inode->bytes;  // a cut that reached the disk unasked
      }
      inode = std::make_shared<Inode>(Inode{bytes, bytes});
    }
    names_ = synced_names_ = names;
    kill_before = 0;
  }

  [[nodiscard]] std::map<std::string, std::string> files() const {
    std::map<std::string, std::string> out;
    for (const auto& [path, inode] : names_) out[path] = inode->bytes;
    return out;
  }
  [[nodiscard]] std::string text(const std::string& path) const {
    const auto found = names_.find(path);
    return found == names_.end() ? std::string() : found->second->bytes;
  }
  static constexpr std::size_t kSector =
      512;  // what is written over is the old or the new by as much at once
  void put(const std::string& path, std::string bytes) {
    names_[path] = synced_names_[path] = std::make_shared<Inode>(Inode{bytes, bytes});
  }

  [[nodiscard]] std::error_code begin(DiskOperation operation, const std::string& path) {
    if (++operations == kill_before) throw Killed{};
    if (kill_before != 0 && operations > kill_before) throw Killed{};
    if (on_operation) on_operation(operation, path);
    return fault ? fault(operation, path) : std::error_code();
  }

 private:
  std::map<std::string, InodePtr> names_, synced_names_;
};

class FakeFile : public DiskFile {
 public:
  FakeFile(FakeDisk& disk, std::string path, FakeDisk::InodePtr inode, bool is_empty_at_open)
      : disk_(disk), path_(std::move(path)), inode_(std::move(inode)), is_empty_at_open_(is_empty_at_open) {}

  [[nodiscard]] std::error_code append(std::string_view bytes) override {
    // A kill comes in the middle of a write, and so does an error.
    if (disk_.operations + 1 == disk_.kill_before) inode_->bytes += bytes.substr(0, bytes.size() / 2);
    const auto error = disk_.begin(DiskOperation::Append, path_);
    const std::size_t fits = error ? bytes.size() / 3 : std::min<std::uint64_t>(bytes.size(), disk_.room);
    inode_->bytes += bytes.substr(0, fits);
    if (disk_.room != UINT64_MAX) disk_.room -= std::min<std::uint64_t>(fits, disk_.room);
    if (error) return error;
    return fits < bytes.size() ? std::make_error_code(std::errc::no_space_on_device) : std::error_code();
  }
  [[nodiscard]] std::error_code append_zeros(std::uint64_t count) override {
    return append(std::string(count, '\0'));
  }
  [[nodiscard]] std::error_code write_at(std::uint64_t offset, std::string_view bytes) override {
    const auto write = [&](std::size_t count) {
      inode_->bytes.replace(offset, count, bytes.substr(0, count));
    };
    if (!is_empty_at_open_ || offset + bytes.size() > inode_->bytes.size())
      return std::make_error_code(std::errc::invalid_argument);
    if (disk_.operations + 1 == disk_.kill_before) write(bytes.size() / 2);
    const auto error = disk_.begin(DiskOperation::Overwrite, path_);
    write(error ? bytes.size() / 3 : bytes.size());
    return error;
  }
  [[nodiscard]] std::error_code sync() override {
    if (const auto error = disk_.begin(DiskOperation::Sync, path_)) return error;
    inode_->synced = inode_->bytes;
    return {};
  }
  [[nodiscard]] std::error_code truncate(std::uint64_t length) override {
    if (const auto error = disk_.begin(DiskOperation::Truncate, path_)) return error;
    if (disk_.room != UINT64_MAX && length < inode_->bytes.size())
      disk_.room += inode_->bytes.size() - length;
    inode_->bytes.resize(length);
    return {};
  }
  [[nodiscard]] std::uint64_t size() const override { return inode_->bytes.size(); }

 private:
  FakeDisk& disk_;
  std::string path_;
  FakeDisk::InodePtr inode_;
  bool is_empty_at_open_;
};

inline Result<std::unique_ptr<DiskFile>, std::error_code> FakeDisk::open(const std::string& path,
                                                                         OpenFile how) {
  if (const auto error = begin(DiskOperation::Open, path)) return fail(error);
  InodePtr& inode = names_[path];
  if (!inode) inode = std::make_shared<Inode>();
  if (how == OpenFile::Empty) inode->bytes.clear();
  return std::make_unique<FakeFile>(*this, path, inode, how == OpenFile::Empty);
}

}  // namespace sallyport::mgmt
