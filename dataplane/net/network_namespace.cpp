// network_namespace.cpp — namespaces are bind mounts of /proc/thread-self/ns/net below /run/netns.
//
// /run/netns is used just as iproute2 uses it: a shared mount of its own (so that namespaces are seen in, and
// can be removed from, every mount namespace made later), locked with flock while names come and go.
#include "dataplane/net/network_namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <cerrno>
#include <thread>

namespace sallyport::dataplane {
namespace {

constexpr const char* kDirectory = "/run/netns";

std::string path_of(const std::string& name) { return std::string(kDirectory) + "/" + name; }

// /run/netns as a shared mount, locked until the result goes.
Result<UniqueFd, NetError> lock_directory() {
  if (::mkdir(kDirectory, 0755) != 0 && errno != EEXIST)
    return fail(net_error("cannot make /run/netns", errno));
  UniqueFd directory(::open(kDirectory, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory || ::flock(directory.get(), LOCK_EX) != 0)
    return fail(net_error("cannot lock /run/netns", errno));
  if (::mount("", kDirectory, "none", MS_SHARED | MS_REC, nullptr) == 0) return directory;
  // Not a mount point yet: it becomes one, of itself.
  if (errno != EINVAL || ::mount(kDirectory, kDirectory, "none", MS_BIND | MS_REC, nullptr) != 0 ||
      ::mount("", kDirectory, "none", MS_SHARED | MS_REC, nullptr) != 0)
    return fail(net_error("cannot mount /run/netns (root or CAP_SYS_ADMIN is needed)", errno));
  return directory;
}

bool lock_now(const UniqueFd& file) { return ::flock(file.get(), LOCK_EX | LOCK_NB) == 0; }

void unmount_and_unlink(const std::string& path) noexcept {
  while (::umount2(path.c_str(), MNT_DETACH) == 0) {
  }
  ::unlink(path.c_str());
}

// Under the directory's lock.
Result<void, NetError> remove_leftover(const std::string& name) {
  const std::string path = path_of(name);
  const UniqueFd old(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!old && errno == ENOENT) return {};
  if (old && !lock_now(old))
    return fail(NetError{"network namespace " + name +
                         " belongs to a running Sallyport of the same node name; stop that one, or give this "
                         "one another node.name"});
  unmount_and_unlink(path);
  return {};
}

struct Mounted {
  UniqueFd mount_point, network_namespace;
};

// On a thread of its own, which takes the new namespace along when it ends, but for the mount.
Result<Mounted, NetError> mount_new(const std::string& path) {
  Mounted made;
  made.mount_point.reset(::open(path.c_str(), O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444));
  if (!made.mount_point || !lock_now(made.mount_point))
    return fail(net_error("cannot create " + path, errno));
  int error = 0;
  std::thread([&] {
    if (::unshare(CLONE_NEWNET) != 0 ||
        ::mount("/proc/thread-self/ns/net", path.c_str(), "none", MS_BIND, nullptr) != 0)
      error = errno;
  }).join();
  if (error == 0) {
    made.network_namespace.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (made.network_namespace && lock_now(made.network_namespace)) return made;
    error = errno;
  }
  unmount_and_unlink(path);
  return fail(
      net_error("cannot make network namespace " + path + " (root or CAP_SYS_ADMIN is needed)", error));
}

}  // namespace

std::string namespace_name(std::string_view node, std::string_view port) {
  return "sp-" + std::string(node) + "-" + std::string(port);
}

Result<NetworkNamespace, NetError> NetworkNamespace::create(const std::string& name) {
  if (name.empty() || name.size() > 255 || name.find('/') != std::string::npos || name[0] == '.')
    return fail(NetError{"\"" + name + "\" cannot name a network namespace: shorten or change node.name"});
  auto directory = lock_directory();
  if (!directory) return fail(std::move(directory.error()));
  if (auto cleared = remove_leftover(name); !cleared) return fail(std::move(cleared.error()));
  auto made = mount_new(path_of(name));
  if (!made) return fail(std::move(made.error()));
  NetworkNamespace result;
  result.name_ = name;
  result.fd_ = std::move(made->network_namespace);
  result.mount_point_ = std::move(made->mount_point);
  return result;
}

Result<NetworkNamespace, NetError> NetworkNamespace::open(const std::string& name) {
  NetworkNamespace result;
  result.name_ = name;
  result.fd_.reset(::open(path_of(name).c_str(), O_RDONLY | O_CLOEXEC));
  if (!result.fd_) return fail(net_error("cannot open network namespace " + name, errno));
  return result;
}

NetworkNamespace& NetworkNamespace::operator=(NetworkNamespace&& other) noexcept {
  if (this == &other) return *this;
  remove();
  name_ = std::move(other.name_);
  fd_ = std::move(other.fd_);
  mount_point_ = std::move(other.mount_point_);
  return *this;
}

void NetworkNamespace::remove() noexcept {
  if (mount_point_) {  // ours
    const auto directory = lock_directory();
    unmount_and_unlink(path_of(name_));
  }
  mount_point_.reset();
  fd_.reset();
}

Result<void, NetError> NetworkNamespace::run_erased(void (*call)(void*), void* task) const {
  int error = 0;
  std::thread([&] {
    if (::setns(fd_.get(), CLONE_NEWNET) != 0)
      error = errno;
    else
      call(task);
  }).join();
  if (error != 0) return fail(net_error("cannot enter network namespace " + name_, error));
  return {};
}

}  // namespace sallyport::dataplane
