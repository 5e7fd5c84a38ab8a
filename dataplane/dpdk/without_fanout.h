// without_fanout.h — runs a task on a thread that can't join a packet fanout group (man 7 packet).
//
// The af_packet driver puts its socket into a fanout group even when it has one queue, and with the flag that
// lets Linux reassemble IPv4: then whole datagrams of up to 64 KiB arrive in frames that are cut off at the
// ring's frame size, and a stranger's fragments compete with a peer's for Linux's reassembly memory, which
// knows no peers. The driver has no option against it. So the request is answered with "done", without being
// done, by a seccomp filter of a thread that ends when the device has been made.
#pragma once

#include <thread>

#include "policy/base/result.h"

namespace sallyport::dataplane {

// For the calling thread and for good. False: not permitted.
[[nodiscard]] bool ignore_packet_fanout() noexcept;

// False, and the task was not run, when the filter is not permitted.
template <class Task>
[[nodiscard]] bool run_without_fanout(Task&& task) {
  bool is_filtered = false;
  std::thread([&] {
    is_filtered = ignore_packet_fanout();
    if (is_filtered) task();
  }).join();
  return is_filtered;
}

}  // namespace sallyport::dataplane
