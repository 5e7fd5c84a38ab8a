// disk.cpp — Disk by the calls of POSIX.
#include "mgmt/records/disk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>

#include "mgmt/state/descriptor.h"

namespace sallyport::mgmt {
namespace {

[[nodiscard]] std::error_code last_error() { return {errno, std::system_category()}; }
[[nodiscard]] std::error_code of(int status) { return status == 0 ? std::error_code() : last_error(); }

constexpr std::array<char, 65536> kZeros{};

// Calls `write`, which says how many bytes it wrote as write(2) does, until all are written.
template <class Write>
[[nodiscard]] std::error_code write_all(std::string_view bytes, Write write) {
  while (!bytes.empty()) {
    const ssize_t written = write(bytes);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return last_error();
    if (written == 0) return std::make_error_code(std::errc::no_space_on_device);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

class PosixFile : public DiskFile {
 public:
  // `is_at_end`: opened with O_APPEND. Linux writes at the end of such a file whatever place pwrite() names.
  PosixFile(int number, bool is_at_end) : descriptor_(number), is_at_end_(is_at_end) {}

  [[nodiscard]] std::error_code append(std::string_view bytes) override {
    return write_all(bytes, [this](std::string_view rest) {
      if (is_at_end_) return ::write(descriptor_.number(), rest.data(), rest.size());
      const ssize_t written =
          ::pwrite(descriptor_.number(), rest.data(), rest.size(), static_cast<off_t>(end_));
      if (written > 0) end_ += static_cast<std::uint64_t>(written);
      return written;
    });
  }
  [[nodiscard]] std::error_code append_zeros(std::uint64_t count) override {
    for (std::uint64_t left = count; left != 0;) {
      const std::uint64_t part = std::min<std::uint64_t>(left, kZeros.size());
      if (const std::error_code error = append({kZeros.data(), part})) return error;
      left -= part;
    }
    return {};
  }
  [[nodiscard]] std::error_code write_at(std::uint64_t offset, std::string_view bytes) override {
    if (is_at_end_) return std::make_error_code(std::errc::operation_not_permitted);
    return write_all(bytes, [this, offset](std::string_view rest) mutable {
      const ssize_t written =
          ::pwrite(descriptor_.number(), rest.data(), rest.size(), static_cast<off_t>(offset));
      if (written > 0) offset += static_cast<std::uint64_t>(written);
      return written;
    });
  }
  [[nodiscard]] std::error_code sync() override { return of(::fdatasync(descriptor_.number())); }
  [[nodiscard]] std::error_code truncate(std::uint64_t length) override {
    const std::error_code error = of(::ftruncate(descriptor_.number(), static_cast<off_t>(length)));
    if (!error) end_ = length;
    return error;
  }
  [[nodiscard]] std::uint64_t size() const override {
    struct stat status{};
    return ::fstat(descriptor_.number(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
  }

 private:
  Descriptor descriptor_;
  bool is_at_end_;
  std::uint64_t end_ = 0;  // of a file that was begun empty
};

constexpr mode_t kRecordMode = 0640;

}  // namespace

std::string folder_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

Result<std::unique_ptr<DiskFile>, std::error_code> PosixDisk::open(const std::string& path, OpenFile how) {
  const bool is_at_end = how == OpenFile::Existing;
  const int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | (is_at_end ? O_APPEND : O_TRUNC);
  int number = ::open(path.c_str(), flags, kRecordMode);
  if (number < 0 && errno == ENOENT) {
    std::error_code error;
    std::filesystem::create_directories(folder_of(path), error);
    if (error) return fail(error);
    number = ::open(path.c_str(), flags, kRecordMode);
  }
  if (number < 0) return fail(last_error());
  return std::make_unique<PosixFile>(number, is_at_end);
}

Result<FileTail, std::error_code> PosixDisk::read_tail(const std::string& path, std::uint64_t bytes_max) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (file.number() < 0) {
    if (errno == ENOENT) return FileTail{};
    return fail(last_error());
  }
  struct stat status{};
  if (::fstat(file.number(), &status) != 0) return fail(last_error());
  const auto size = static_cast<std::uint64_t>(status.st_size);
  FileTail out;
  out.offset = size - std::min(size, bytes_max);
  out.bytes.resize(size - out.offset);
  std::size_t filled = 0;
  while (filled < out.bytes.size()) {
    const ssize_t read = ::pread(file.number(), out.bytes.data() + filled, out.bytes.size() - filled,
                                 static_cast<off_t>(out.offset + filled));
    if (read < 0 && errno == EINTR) continue;
    if (read < 0) return fail(last_error());
    if (read == 0) break;
    filled += static_cast<std::size_t>(read);
  }
  out.bytes.resize(filled);
  return out;
}

std::error_code PosixDisk::rename(const std::string& from, const std::string& to) {
  return of(::rename(from.c_str(), to.c_str()));
}

std::error_code PosixDisk::remove(const std::string& path) { return of(::unlink(path.c_str())); }

Result<std::vector<std::string>, std::error_code> PosixDisk::list(const std::string& folder) {
  std::error_code error;
  std::vector<std::string> out;
  std::filesystem::directory_iterator entry(folder, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error))
    out.push_back(entry->path().filename().string());
  if (error) return fail(error);
  return out;
}

std::error_code PosixDisk::sync_folder(const std::string& folder) {
  const Descriptor descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (descriptor.number() < 0) return last_error();
  return of(::fsync(descriptor.number()));
}

}  // namespace sallyport::mgmt
