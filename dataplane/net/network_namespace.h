// network_namespace.h — a Linux network namespace with a name under /run/netns, as `ip netns` shows it.
//
// Each port has one, `sp-NODE-PORT`. Its owner holds a lock (flock) on it for as long as it lives, so a
// namespace that a killed instance left is told from one that a running instance uses.
#pragma once

#include <string>
#include <string_view>
#include <type_traits>

#include "dataplane/net/net_error.h"
#include "dataplane/net/unique_fd.h"

namespace sallyport::dataplane {

// "sp-NODE-PORT".
[[nodiscard]] std::string namespace_name(std::string_view node, std::string_view port);

class NetworkNamespace {
 public:
  // Makes it anew, removing one that nobody owns any more. One with a living owner is an error.
  [[nodiscard]] static Result<NetworkNamespace, NetError> create(const std::string& name);
  // One that exists; it is neither locked nor removed by us.
  [[nodiscard]] static Result<NetworkNamespace, NetError> open(const std::string& name);

  NetworkNamespace() noexcept = default;  // names nothing
  NetworkNamespace(NetworkNamespace&& other) noexcept = default;
  NetworkNamespace& operator=(NetworkNamespace&& other) noexcept;
  ~NetworkNamespace() { remove(); }

  // Takes away what create() made; idempotent. What still has devices or sockets open in it keeps it alive,
  // without a name.
  void remove() noexcept;
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

  // Runs `task` on a short-lived thread inside the namespace and waits for it. Sockets and devices that it
  // opens stay in the namespace.
  template <class Task>
  [[nodiscard]] Result<void, NetError> run(Task&& task) const {
    return run_erased([](void* t) { (*static_cast<std::remove_reference_t<Task>*>(t))(); }, &task);
  }

 private:
  [[nodiscard]] Result<void, NetError> run_erased(void (*call)(void*), void* task) const;

  std::string name_;
  UniqueFd fd_;           // the namespace, locked
  UniqueFd mount_point_;  // the file under the mount, locked too for who looks from another mount namespace
};

}  // namespace sallyport::dataplane
