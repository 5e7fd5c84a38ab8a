// capacity_memory.cpp — see capacity_memory.h. Only what this version takes; keys that are not built add
// nothing.
#include "mgmt/config/capacity_memory.h"

#include <bit>

#include "dataplane/data_plane_memory.h"
#include "policy/decide/blocklist.h"
#include "policy/decide/earned_trust.h"
#include "policy/decide/repeat_filter.h"
#include "policy/detect/detector_board.h"
#include "policy/route/prefix_table.h"

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
// And one for new connections, with room for an eighth (dataplane/stages/guard_stage.cpp).
constexpr std::uint64_t kSourcesOfHandshake = 8;
// sipalg/transaction: a slot takes at most 400 octets beside its message, and keeps a buffer of up to 2 KB
// for the request (client) or the response (server) that it may have to send again.
constexpr std::uint64_t kTransactionBytes = 400 + 2048;
// capacity.transactions counts those of clients and those of servers each.
constexpr std::uint64_t kTransactionTables = 2;
// An established call: both dialogs with their names and routes, targets, texts of its record, its timer.
// `call_bench` measures 5,865 bytes, on 64 bits.
constexpr std::uint64_t kCallBytes = 6000;
// A registration: its binding, its place on the board and in its engine, its timers.
constexpr std::uint64_t kRegistrationBytes = 2000;
// A user of a registrar: the two names and the digits of both hashes, each of which is taken from the heap.
constexpr std::uint64_t kUserBytes = sizeof(RegistrarUser) + 48 + 80;
// sipalg/trace/message_ring: one chain head of 8 octets for each 4 KB of the ring, in a power of two.
constexpr std::uint64_t kRingBytesOfChain = 4096, kChainBytes = 8;

std::uint64_t bucket_table_bytes(std::uint64_t sources) {
  return std::bit_ceil((sources * kRoom + kSourcesOfLine - 1) / kSourcesOfLine) * kLineBytes;
}

std::uint64_t message_ring_bytes(std::uint64_t keep) {
  return keep + std::bit_ceil(keep / kRingBytesOfChain + 1) * kChainBytes;
}

}  // namespace

std::uint64_t memory_bytes_needed(const SbcConfig& config, std::uint32_t cpu_count) {
  const Capacity& room = config.dataplane.capacity;
  const dataplane::DataPlaneMemory plan = dataplane::data_plane_memory(config, cpu_count);
  std::uint64_t bytes = kProgramBytes;
  bytes += plan.packet_bytes + plan.flow_bytes + plan.media_bytes;
  bytes += plan.lcores * kTablesOfLcore * bucket_table_bytes(room.sources);
  bytes += plan.lcores * bucket_table_bytes(room.sources / plan.lcores / kSourcesOfHandshake);
  bytes += policy::RepeatFilter::memory_for(plan.lcores);
  bytes += kTransactionTables * room.transactions * kTransactionBytes;
  bytes += room.calls * kCallBytes;
  bytes += policy::Blocklist::memory_for(room.blocked);
  bytes += policy::EarnedTrust::memory_for(config.registrars.empty() ? 0 : room.registrations);
  bytes += policy::DetectorBoard::memory_for(room.sources);
  bytes += message_ring_bytes(config.management.messages_keep.bytes);
  // Twice: a reload reads the new ones while the old ones are in use.
  for (const TableConfig& table : config.tables)
    if (table.content) bytes += 2 * table.content->bytes();
  if (!config.registrars.empty()) bytes += room.registrations * kRegistrationBytes;
  for (const RegistrarConfig& registrar : config.registrars)
    if (registrar.users) bytes += 2 * registrar.users->size() * kUserBytes;
  return bytes;
}

}  // namespace sallyport::mgmt
