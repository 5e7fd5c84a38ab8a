// node_state.cpp — lock, secret and sealed files of node.state.
#include "mgmt/state/node_state.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

#include "mgmt/records/journal.h"
#include "mgmt/state/descriptor.h"
#include "policy/base/check.h"

namespace sallyport::mgmt {
namespace {

// "SPNODE", two bytes of version, the secret, CRC-32 of all that: a damaged secret must not be taken for one.
constexpr std::string_view kMagic = "SPNODE01";
constexpr std::size_t kSecretAt = kMagic.size();
constexpr std::size_t kChecksumAt = kSecretAt + sizeof(NodeSecret);
constexpr std::size_t kFileBytes = kChecksumAt + sizeof(std::uint32_t);
constexpr mode_t kSecretMode = 0600;

[[nodiscard]] std::string because(const std::string& what) {
  return fmt::format("{}: {}", what, std::strerror(errno));
}

[[nodiscard]] std::string as_file(const NodeSecret& secret) {
  std::string out(kMagic);
  out.append(reinterpret_cast<const char*>(secret.data()), secret.size());
  const std::uint32_t checksum = crc32(out);
  out.append(reinterpret_cast<const char*>(&checksum), sizeof checksum);
  return out;
}

// Empty when nobody but this user can read the file.
[[nodiscard]] std::string check_owner(int file, const std::string& path) {
  struct stat status{};
  if (::fstat(file, &status) != 0) return because(path);
  if (!S_ISREG(status.st_mode)) return fmt::format("{} is not a file", path);
  if (status.st_uid != ::geteuid())
    return fmt::format("{} belongs to another user (uid {}); make it this user's", path, status.st_uid);
  if ((status.st_mode & 077) != 0)
    return fmt::format("{} is open to others (mode {:04o}); if nobody has read it: chmod 600 {}", path,
                       status.st_mode & 07777, path);
  return {};
}

[[nodiscard]] Result<NodeSecret, std::string> read_secret(int file, const std::string& path) {
  if (std::string why = check_owner(file, path); !why.empty()) return fail(std::move(why));
  std::array<char, kFileBytes + 1> bytes{};
  const ssize_t length = ::pread(file, bytes.data(), bytes.size(), 0);
  if (length < 0) return fail(because(path));
  NodeSecret secret{};
  std::memcpy(secret.data(), bytes.data() + kSecretAt, secret.size());
  if (static_cast<std::size_t>(length) != kFileBytes ||
      std::string_view(bytes.data(), kFileBytes) != as_file(secret))
    return fail(
        fmt::format("{} is damaged: put it back from a backup; without it the calls and tokens of the "
                    "last run are lost, and removing it says that they may be",
                    path));
  return secret;
}

// Under a name of its own first: a crash leaves no half secret behind, and no start without one.
[[nodiscard]] std::string make_secret(const std::string& folder, const std::string& path) {
  const std::string fresh = path + ".new";
  if (::unlink(fresh.c_str()) != 0 && errno != ENOENT) return because(fresh);
  const Descriptor file(
      ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, kSecretMode));
  if (file.number() < 0) return because(fresh);
  NodeSecret secret{};
  if (::getrandom(secret.data(), secret.size(), 0) != static_cast<ssize_t>(secret.size()))
    return "the kernel gives no random numbers";
  const std::string bytes = as_file(secret);
  OPENSSL_cleanse(secret.data(), secret.size());
  errno = ENOSPC;  // what a short write means
  if (::fchmod(file.number(), kSecretMode) != 0 ||
      ::write(file.number(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()) ||
      ::fsync(file.number()) != 0 || ::rename(fresh.c_str(), path.c_str()) != 0)
    return because(fresh);
  const Descriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.number() < 0 || ::fsync(directory.number()) != 0) return because(folder);
  return {};
}

}  // namespace

Result<std::unique_ptr<NodeState>, std::string> NodeState::open(Disk& disk, const std::string& folder) {
  const std::string lock_path = folder + "/lock", path = folder + "/node.secret";
  Descriptor lock(::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kSecretMode));
  if (lock.number() < 0) return fail(because(lock_path));
  if (::flock(lock.number(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return fail(fmt::format("node.state {} is in use by another process", folder));
    return fail(because(lock_path));
  }
  const auto open_secret = [&path] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW); };
  int number = open_secret();
  if (number < 0 && errno == ENOENT) {
    if (std::string why = make_secret(folder, path); !why.empty()) return fail(std::move(why));
    number = open_secret();
  }
  const Descriptor file(number);
  if (file.number() < 0) return fail(because(path));
  auto secret = read_secret(file.number(), path);
  if (!secret) return fail(secret.error());
  std::unique_ptr<NodeState> out(new NodeState(disk, folder, lock.release(), *secret));
  OPENSSL_cleanse(secret->data(), secret->size());
  return out;
}

NodeState::NodeState(Disk& disk, std::string folder, int lock, const NodeSecret& secret)
    : disk_(disk), folder_(std::move(folder)), lock_(lock), secret_(secret) {}

NodeState::~NodeState() {
  OPENSSL_cleanse(secret_.data(), secret_.size());
  ::close(lock_);
}

HashKey NodeState::key(std::string_view purpose) const {
  std::array<std::uint8_t, sizeof(HashKey)> bytes{};
  SALLYPORT_CHECK(derive_key(secret_, {}, std::string("key ").append(purpose), bytes));
  HashKey out;
  std::memcpy(&out.k0, bytes.data(), sizeof out.k0);
  std::memcpy(&out.k1, bytes.data() + sizeof out.k0, sizeof out.k1);
  OPENSSL_cleanse(bytes.data(), bytes.size());
  return out;
}

std::string NodeState::replace_file(const std::string& path, std::string_view bytes) {
  const std::string fresh = path + ".new";
  const auto refuse = [&](const std::error_code& error) {
    return fmt::format("{} can't be written: {}", path, error.message());
  };
  auto file = disk_.open(fresh, OpenFile::Empty);
  if (!file) return refuse(file.error());
  if (const auto error = (*file)->append(bytes)) return refuse(error);
  if (const auto error = (*file)->sync()) return refuse(error);
  if (const auto error = disk_.rename(fresh, path)) return refuse(error);
  if (const auto error = disk_.sync_folder(folder_)) return refuse(error);
  return {};
}

Result<std::uint32_t, std::string> NodeState::next_epoch(WallTime now) {
  const std::string path = path_of("epoch");
  const auto file = disk_.read_tail(path, 100);
  if (!file) return fail(fmt::format("{} can't be read: {}", path, file.error().message()));
  std::uint32_t last = 0;
  if (const std::string& text = file->bytes; !text.empty()) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), last);
    if (error != std::errc{} || end + 1 != text.data() + text.size() || *end != '\n')
      return fail(fmt::format("{} is damaged; when the clock of this machine is right, remove it", path));
  }
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  const auto clock = static_cast<std::uint32_t>(std::clamp<std::int64_t>(seconds, 1, UINT32_MAX));
  if (last == UINT32_MAX) return fail(fmt::format("{} has no number left", path));
  const std::uint32_t epoch = std::max(clock, last + 1);
  if (std::string why = replace_file(path, fmt::format("{}\n", epoch)); !why.empty())
    return fail(std::move(why));
  return epoch;
}

std::string NodeState::save_sealed(const std::string& name, std::string_view bytes) {
  const std::string path = path_of(name);
  const auto sealed = seal(secret_, name, bytes);
  if (!sealed) return fmt::format("{} can't be sealed ({} bytes)", path, bytes.size());
  return replace_file(path, *sealed);
}

Result<std::optional<std::string>, std::string> NodeState::take_sealed(const std::string& name) {
  const std::string path = path_of(name);
  const auto file = disk_.read_tail(path, kSealedBytesMax + 1000);
  if (!file) return fail(fmt::format("{} can't be read: {}", path, file.error().message()));
  if (file->bytes.empty() && file->offset == 0) {
    // Not there, or it never got its bytes: nothing was saved.
    return std::optional<std::string>();
  }
  auto bytes = unseal(secret_, name, file->bytes);
  std::error_code error = bytes ? disk_.remove(path) : disk_.rename(path, path + ".bad");
  if (!error) error = disk_.sync_folder(folder_);
  if (!bytes)
    return fail(fmt::format("{} is damaged or was sealed by another node; it is kept as {}.bad", path, name));
  if (error) return fail(fmt::format("{} can't be removed, so it is not used: {}", path, error.message()));
  return bytes;
}

}  // namespace sallyport::mgmt
