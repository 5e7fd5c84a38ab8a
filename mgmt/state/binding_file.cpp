// binding_file.cpp — SQLite in the mode in which a commit is one write and no sync: a crash of the machine
// may take the last ones, never the file. Nobody waits for a registration to be on the disk.
#include "mgmt/state/binding_file.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace sallyport::mgmt {
namespace {

constexpr int kVersionOfFile = 1;

struct StatementDeleter {
  void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
};
using Statement = std::unique_ptr<sqlite3_stmt, StatementDeleter>;

// EXCLUSIVE: no file of shared memory; node.state is locked, so nobody else opens it.
constexpr const char* kSettings =
    "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
    "PRAGMA journal_size_limit=16000000; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-8000;";
constexpr const char* kTable =
    "CREATE TABLE IF NOT EXISTS bindings"
    "(number INTEGER PRIMARY KEY, shard INTEGER NOT NULL, bytes BLOB NOT NULL);";

}  // namespace

struct BindingFile::Database {
  sqlite3* handle = nullptr;
  Statement put, drop;

  ~Database() {
    put.reset();
    drop.reset();
    sqlite3_close(handle);
  }

  [[nodiscard]] FileOutcome outcome(int code) const {
    const int kind = code & 0xff;
    if (kind == SQLITE_OK || kind == SQLITE_DONE || kind == SQLITE_ROW) return {};
    // SQLITE_ERROR: it has other tables than ours.
    const bool is_broken = kind == SQLITE_CORRUPT || kind == SQLITE_NOTADB || kind == SQLITE_ERROR;
    return {is_broken ? FileState::Broken : FileState::Failed,
            handle == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(handle)};
  }
  [[nodiscard]] int run(const char* text) const {
    return sqlite3_exec(handle, text, nullptr, nullptr, nullptr);
  }
  [[nodiscard]] int prepare(const char* text, Statement& statement) const {
    sqlite3_stmt* made = nullptr;
    const int code = sqlite3_prepare_v3(handle, text, -1, SQLITE_PREPARE_PERSISTENT, &made, nullptr);
    statement.reset(made);
    return code;
  }
  // The version that is written in it; 0: a new file.
  [[nodiscard]] int version(int& found) const {
    Statement statement;
    if (const int code = prepare("PRAGMA user_version", statement); code != SQLITE_OK) return code;
    const int code = sqlite3_step(statement.get());
    found = code == SQLITE_ROW ? sqlite3_column_int(statement.get(), 0) : 0;
    return code == SQLITE_ROW ? SQLITE_OK : code;
  }
  [[nodiscard]] int apply(const BindingRow& change) const {
    sqlite3_stmt* const statement = change.bytes.empty() ? drop.get() : put.get();
    sqlite3_bind_int64(statement, 1, static_cast<sqlite3_int64>(change.number));
    if (!change.bytes.empty()) {
      sqlite3_bind_int(statement, 2, change.shard);
      sqlite3_bind_blob64(statement, 3, change.bytes.data(), change.bytes.size(), SQLITE_STATIC);
    }
    const int code = sqlite3_step(statement);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return code == SQLITE_DONE ? SQLITE_OK : code;
  }
};

BindingFile::BindingFile(std::string path) : path_(std::move(path)) {}
BindingFile::~BindingFile() = default;

FileOutcome BindingFile::open() {
  close();
  // SQLite gives its other files the rights of this one.
  const int made = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (made < 0) return {FileState::Failed, std::strerror(errno)};
  ::close(made);
  auto database = std::make_unique<Database>();
  int code = sqlite3_open_v2(path_.c_str(), &database->handle,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  int version = 0;
  if (code == SQLITE_OK) code = database->run(kSettings);
  if (code == SQLITE_OK) code = database->version(version);
  if (code == SQLITE_OK && version != 0 && version != kVersionOfFile)
    return {FileState::Broken, "it is of another version"};
  if (code == SQLITE_OK) code = database->run(kTable);
  if (code == SQLITE_OK && version == 0) code = database->run("PRAGMA user_version=1");
  if (code == SQLITE_OK)
    code =
        database->prepare("INSERT OR REPLACE INTO bindings(number,shard,bytes) VALUES(?,?,?)", database->put);
  if (code == SQLITE_OK) code = database->prepare("DELETE FROM bindings WHERE number=?", database->drop);
  if (code != SQLITE_OK) return database->outcome(code);
  database_ = std::move(database);
  return {};
}

FileOutcome BindingFile::read(std::vector<BindingRow>& rows) {
  Statement statement;
  int code = database_->prepare("SELECT number, shard, bytes FROM bindings", statement);
  if (code != SQLITE_OK) return database_->outcome(code);
  while ((code = sqlite3_step(statement.get())) == SQLITE_ROW) {
    const auto number = static_cast<std::uint64_t>(sqlite3_column_int64(statement.get(), 0));
    const int shard = sqlite3_column_int(statement.get(), 1);
    const void* const bytes = sqlite3_column_blob(statement.get(), 2);
    const int size = sqlite3_column_bytes(statement.get(), 2);
    BindingRow& row = rows.emplace_back();
    row.number = number;
    row.shard = static_cast<std::uint8_t>(shard);
    if (bytes != nullptr) row.bytes.assign(static_cast<const char*>(bytes), static_cast<std::size_t>(size));
  }
  return database_->outcome(code);
}

FileOutcome BindingFile::write(const std::vector<BindingRow>& changes) {
  int code = database_->run("BEGIN IMMEDIATE");
  for (const BindingRow& change : changes)
    if (code == SQLITE_OK) code = database_->apply(change);
  if (code == SQLITE_OK) code = database_->run("COMMIT");
  if (code == SQLITE_OK) return {};
  const FileOutcome failed = database_->outcome(code);
  static_cast<void>(database_->run("ROLLBACK"));  // it may have ended by itself
  return failed;
}

void BindingFile::put_aside() {
  close();
  static_cast<void>(std::rename(path_.c_str(), (path_ + ".broken").c_str()));
  for (const char* const of : {"-wal", "-shm", "-journal"}) static_cast<void>(::unlink((path_ + of).c_str()));
}

void BindingFile::close() { database_.reset(); }

}  // namespace sallyport::mgmt
