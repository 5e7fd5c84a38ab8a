// capacity_memory.cpp — see capacity_memory.h. Only what this version takes; keys that are not built add
// nothing.
#include "mgmt/config/capacity_memory.h"

#include <bit>

#include "dataplane/data_plane_memory.h"

namespace sallyport::mgmt {
namespace {

constexpr std::uint64_t kMegabyte = 1'000'000;

// Text, stacks and what the libraries take on the heap.
constexpr std::uint64_t kProgramBytes = 32 * kMegabyte;
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

std::uint64_t memory_bytes_needed(const SbcConfig& config, std::uint32_t cpu_count) {
  const Capacity& room = config.dataplane.capacity;
  const dataplane::DataPlaneMemory plan = dataplane::data_plane_memory(config, cpu_count);
  std::uint64_t bytes = kProgramBytes;
  bytes += plan.packet_bytes;
  bytes += plan.lcores * kTablesOfLcore * bucket_table_bytes(room.sources);
  bytes += room.transactions * kTransactionBytes;
  return bytes;
}

}  // namespace sallyport::mgmt
