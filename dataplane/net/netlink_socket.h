// netlink_socket.h — an rtnetlink socket: requests with their answers, or events as they come.
//
// The kernel answers a route, link, address or neighbour request before send() returns, so a request costs
// two system calls and never waits for the network.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <vector>

#include "dataplane/net/net_error.h"
#include "dataplane/net/netlink_message.h"
#include "dataplane/net/unique_fd.h"

namespace sallyport::dataplane {

class NetlinkSocket {
 public:
  // In the network namespace of the calling thread. `groups` (RTNLGRP_*) makes it a non-blocking socket of
  // events; without any it is one for requests.
  [[nodiscard]] static Result<NetlinkSocket, NetError> open(std::initializer_list<unsigned> groups = {});

  // Sends a request and hands each answer that is no acknowledgement to visit(message). 0 or a positive
  // errno.
  template <class Visit>
  [[nodiscard]] int request(NetlinkRequest& request, Visit&& visit) {
    return request_erased(
        request,
        [](void* v, const NetlinkMessage& m) { (*static_cast<std::remove_reference_t<Visit>*>(v))(m); },
        &visit);
  }
  [[nodiscard]] int request(NetlinkRequest& request_bytes) {
    return request(request_bytes, [](const NetlinkMessage&) {});
  }

  enum class Received : std::uint8_t { Datagram, Nothing, Overflow };
  // One datagram of events; the view is good until the next call. Overflow: the kernel had no room for some.
  [[nodiscard]] Received receive(std::span<const std::byte>& datagram) noexcept;

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  // Tests provoke an overflow with a small one.
  void set_receive_buffer(int bytes) noexcept;

 private:
  using VisitErased = void (*)(void*, const NetlinkMessage&);
  [[nodiscard]] int request_erased(NetlinkRequest& request, VisitErased visit, void* context);

  UniqueFd fd_;
  std::uint32_t sequence_ = 0;
  std::vector<std::byte> buffer_;
};

}  // namespace sallyport::dataplane
