// binding_file.h — registrations.db: one table of bindings in a file of SQLite. The only user of libsqlite3.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace sallyport::mgmt {

struct BindingRow {
  std::uint64_t number = 0;  // of the binding
  std::uint8_t shard = 0;
  std::string bytes;  // what SipEngine::restore takes; empty, in a change: the row is to go
};

// Failed: the disk, or no memory; a later attempt may do. Broken: it is no such file, or damaged.
enum class FileState : std::uint8_t { Good, Failed, Broken };
struct FileOutcome {
  FileState state = FileState::Good;
  std::string why;  // a few words
  [[nodiscard]] bool is_good() const noexcept { return state == FileState::Good; }
};

// Used by one thread at a time; each function may wait for the disk.
class BindingFile {
 public:
  explicit BindingFile(std::string path);
  ~BindingFile();
  BindingFile(const BindingFile&) = delete;
  BindingFile& operator=(const BindingFile&) = delete;

  // Makes the file when there is none; nobody but the owner may read it.
  [[nodiscard]] FileOutcome open();
  [[nodiscard]] bool is_open() const noexcept { return database_ != nullptr; }
  // All rows, those before a damaged place too.
  [[nodiscard]] FileOutcome read(std::vector<BindingRow>& rows);
  // In one transaction: all of them or none.
  [[nodiscard]] FileOutcome write(const std::vector<BindingRow>& changes);
  // It is closed and becomes PATH.broken, in place of the last such one.
  void put_aside();
  void close();
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  struct Database;
  std::string path_;
  std::unique_ptr<Database> database_;
};

}  // namespace sallyport::mgmt
