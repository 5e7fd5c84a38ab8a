// without_fanout.cpp — the seccomp filter: setsockopt(.., SOL_PACKET, PACKET_FANOUT, ..) returns 0 undone.
#include "dataplane/dpdk/without_fanout.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstddef>

namespace sallyport::dataplane {
namespace {

constexpr sock_filter load(std::size_t offset) {
  return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset));
}
// Goes on when the loaded word is `value`, else skips so many instructions.
constexpr sock_filter unless(std::uint32_t value, std::uint8_t skip) {
  return BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skip);
}
constexpr sock_filter answer(std::uint32_t action) { return BPF_STMT(BPF_RET | BPF_K, action); }

constexpr std::size_t argument(std::size_t number) {  // its lower half: little-endian
  return offsetof(seccomp_data, args) + 8 * number;
}

}  // namespace

bool ignore_packet_fanout() noexcept {
  std::array filter{load(offsetof(seccomp_data, arch)),
                    unless(AUDIT_ARCH_X86_64, 7),
                    load(offsetof(seccomp_data, nr)),
                    unless(SYS_setsockopt, 5),
                    load(argument(1)),
                    unless(SOL_PACKET, 3),
                    load(argument(2)),
                    unless(PACKET_FANOUT, 1),
                    answer(SECCOMP_RET_ERRNO | 0),
                    answer(SECCOMP_RET_ALLOW)};
  sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}

}  // namespace sallyport::dataplane
