// disk.h — the few things that records and journal ask of a disk, so that a test can let each of them fail,
// stall or be the last one before the power goes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "policy/base/result.h"

namespace sallyport::mgmt {

// A file that grows at its end; in one that was begun empty bytes may be written over too. Every operation
// may wait for the disk; an empty error_code is success.
class DiskFile {
 public:
  virtual ~DiskFile() = default;
  // All of `bytes`, or an error; after an error any part of them may be in the file.
  [[nodiscard]] virtual std::error_code append(std::string_view bytes) = 0;
  // As append(), of that many zeros.
  [[nodiscard]] virtual std::error_code append_zeros(std::uint64_t count) = 0;
  // Over bytes that are there. Only in a file opened with OpenFile::Empty.
  [[nodiscard]] virtual std::error_code write_at(std::uint64_t offset, std::string_view bytes) = 0;
  // Bytes and length are on the disk when it returns without an error. After an error nobody knows what of
  // the bytes since the last sync is there: Linux drops such pages and calls the next sync a success.
  [[nodiscard]] virtual std::error_code sync() = 0;
  [[nodiscard]] virtual std::error_code truncate(std::uint64_t length) = 0;
  [[nodiscard]] virtual std::uint64_t size() const = 0;
};

struct FileTail {
  std::string bytes;
  std::uint64_t offset = 0;  // of bytes[0] in the file
};

enum class OpenFile : std::uint8_t { Existing, Empty };  // Empty: what was there is cut off

class Disk {
 public:
  virtual ~Disk() = default;
  // The file is made, with its folder, when it is not there; readable by owner and group.
  [[nodiscard]] virtual Result<std::unique_ptr<DiskFile>, std::error_code> open(const std::string& path,
                                                                                OpenFile how) = 0;
  // The last `bytes_max` bytes. A file that is not there has none.
  [[nodiscard]] virtual Result<FileTail, std::error_code> read_tail(const std::string& path,
                                                                    std::uint64_t bytes_max) = 0;
  [[nodiscard]] virtual std::error_code rename(const std::string& from, const std::string& to) = 0;
  [[nodiscard]] virtual std::error_code remove(const std::string& path) = 0;
  // Names without the folder, in no order.
  [[nodiscard]] virtual Result<std::vector<std::string>, std::error_code> list(const std::string& folder) = 0;
  // Names in the folder that were made, changed or removed are on the disk.
  [[nodiscard]] virtual std::error_code sync_folder(const std::string& folder) = 0;
};

// The machine's own.
class PosixDisk : public Disk {
 public:
  [[nodiscard]] Result<std::unique_ptr<DiskFile>, std::error_code> open(const std::string& path,
                                                                        OpenFile how) override;
  [[nodiscard]] Result<FileTail, std::error_code> read_tail(const std::string& path,
                                                            std::uint64_t bytes_max) override;
  [[nodiscard]] std::error_code rename(const std::string& from, const std::string& to) override;
  [[nodiscard]] std::error_code remove(const std::string& path) override;
  [[nodiscard]] Result<std::vector<std::string>, std::error_code> list(const std::string& folder) override;
  [[nodiscard]] std::error_code sync_folder(const std::string& folder) override;
};

// "/var/lib/sallyport" of "/var/lib/sallyport/journal"; "." when there is no folder in it.
[[nodiscard]] std::string folder_of(const std::string& path);

}  // namespace sallyport::mgmt
