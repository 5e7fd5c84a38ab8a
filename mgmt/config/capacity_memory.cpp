// capacity_memory.cpp — see capacity_memory.h. Only what this version takes; keys that are not built add
// nothing.
#include "mgmt/config/capacity_memory.h"

#include <algorithm>
#include <bit>

namespace sallyport::mgmt {
namespace {

constexpr std::uint64_t kMegabyte = 1'000'000;

// Text, stacks, EAL and its memzones.
constexpr std::uint64_t kProgramBytes = 96 * kMegabyte;
// Packet buffers of one port: room for its receive and transmit rings and what waits between threads.
constexpr std::uint64_t kPacketBuffersOfPort = 16'384;
constexpr std::uint64_t kPacketBufferBytes = 2'176 + 128;  // data room with headroom, and its header
// Buckets of sources stand four to a cache line of 64 octets, with room for twice the sources, in a power of
// two.
constexpr std::uint64_t kSourcesOfLine = 4, kLineBytes = 64, kRoom = 2;
// Each polling thread has one such table for addresses and one for prefixes.
constexpr std::uint64_t kTablesOfLcore = 2;
// A transaction: its state, timers, key and place in the table, and the answer kept for retransmission.
constexpr std::uint64_t kTransactionBytes = 512 + 768;

std::uint64_t bucket_table_bytes(std::uint64_t sources) {
  return std::bit_ceil((sources * kRoom + kSourcesOfLine - 1) / kSourcesOfLine) * kLineBytes;
}

}  // namespace

std::uint64_t memory_bytes_needed(const SbcConfig& config) {
  const Capacity& room = config.dataplane.capacity;
  const std::uint64_t wanted =
      std::max<std::uint64_t>(config.dataplane.lcore_count, config.dataplane.lcore_cpus.size());
  const std::uint64_t lcores = std::max<std::uint64_t>(wanted, 1);  // auto: at least one
  std::uint64_t bytes = kProgramBytes;
  bytes += config.ports.size() * kPacketBuffersOfPort * kPacketBufferBytes;
  bytes += lcores * kTablesOfLcore * bucket_table_bytes(room.sources);
  bytes += room.transactions * kTransactionBytes;
  return bytes;
}

}  // namespace sallyport::mgmt
