// eal.cpp — starts and ends DPDK's environment layer.
#include "dataplane/dpdk/eal.h"

#include <fmt/format.h>
#include <pthread.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <sched.h>
#include <unistd.h>

#include <cctype>
#include <fstream>

#include "dataplane/dpdk/quiet_xdp.h"

namespace sallyport::dataplane {
namespace {

std::uint64_t hugepage_bytes_free() {
  constexpr std::uint64_t kPageBytes = 2 << 20;
  std::ifstream file("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages");
  std::uint64_t pages = 0;
  return file >> pages ? pages * kPageBytes : 0;
}

}  // namespace

EalSurroundings look_around(std::string_view node) {
  EalSurroundings surroundings;
  surroundings.prefix = "sallyport-";
  for (const char c : node) surroundings.prefix += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '-';
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  if (sched_getaffinity(0, sizeof cpus, &cpus) == 0) {
    for (std::uint32_t cpu = 0; cpu < CPU_SETSIZE; ++cpu)
      if (CPU_ISSET(cpu, &cpus)) surroundings.cpus.push_back(cpu);
  }
  if (surroundings.cpus.empty()) surroundings.cpus.push_back(0);
  surroundings.hugepage_bytes_free = hugepage_bytes_free();
  return surroundings;
}

Eal::Eal(const EalArguments& arguments) : words_(arguments.words), hugepages_(arguments.hugepages) {
  for (std::string& word : words_) argv_.push_back(word.data());
}

Result<std::unique_ptr<Eal>, StartError> Eal::start(const EalArguments& arguments) {
  std::unique_ptr<Eal> eal(new Eal(arguments));
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  const bool knows_cpus = pthread_getaffinity_np(pthread_self(), sizeof cpus, &cpus) == 0;
  const int started = rte_eal_init(static_cast<int>(eal->argv_.size()), eal->argv_.data());
  if (knows_cpus) pthread_setaffinity_np(pthread_self(), sizeof cpus, &cpus);
  if (started < 0) {
    return fail(StartError{
        fmt::format("DPDK could not start ({}): {}", rte_strerror(rte_errno), eal->log_.last_lines())});
  }
  quiet_xdp_libraries();
  eal->runs_ = true;
  eal->runtime_folder_ = rte_eal_get_runtime_dir();
  return eal;
}

Eal::~Eal() {
  if (!runs_) return;
  rte_eal_cleanup();
  rmdir(runtime_folder_.c_str());  // empty: nothing in it is shared
}

ThreadRegistration::ThreadRegistration() noexcept : registered_(rte_thread_register() == 0) {}

ThreadRegistration::~ThreadRegistration() {
  if (registered_) rte_thread_unregister();
}

}  // namespace sallyport::dataplane
