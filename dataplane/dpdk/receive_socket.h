// receive_socket.h — the socket on which a driver receives, so that an lcore may sleep until a packet comes.
//
// The af_packet and af_xdp drivers wait on nothing and tell nobody of their sockets (no receive interrupts in
// rte_ethdev). So it is found by looking: it is the one of its family that is open after the driver has made
// it and was not before.
#pragma once

#include <vector>

namespace sallyport::dataplane {

class ReceiveSocket {
 public:
  // Before the driver makes it. While this lives, no other thread of the program makes one of that family.
  explicit ReceiveSocket(int family);
  // Afterwards; -1: there is none, or more than one, and then nobody knows which.
  [[nodiscard]] int find() const;

 private:
  int family_;
  std::vector<int> before_;
};

}  // namespace sallyport::dataplane
