// registrations_bench.cpp — what a restart waits for: 100,000 registrations read from the disk; and a file of
// a million users.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "mgmt/config/load_config.h"
#include "mgmt/state/binding_store.h"

namespace sallyport::mgmt {
namespace {

constexpr std::uint64_t kRegistrations = 100'000;
constexpr std::size_t kBytes = 700;  // of one, about
constexpr std::size_t kUsers = 1'000'000;

class BenchFolder {
 public:
  BenchFolder()
      : path_(std::filesystem::temp_directory_path() / ("sallyport-bench-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(path_);
  }
  ~BenchFolder() { std::filesystem::remove_all(path_); }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

const std::filesystem::path& folder() {
  static const BenchFolder made;
  return made.path();
}

struct Stored {
  EventLog log{LogConfig{.level = LogLevel::Error}, 2, false, system_wall_time};
  AlarmRegistry alarms{log, system_wall_time};
  BindingStore store{{.folder = folder().string(), .waiting_bytes_max = std::size_t{1} << 30U}, alarms, log};
};

void write_all(BindingStore& store) {
  for (std::uint64_t i = 1; i <= kRegistrations; ++i)
    store.add({i << 8U, static_cast<std::uint8_t>(i), std::string(kBytes, static_cast<char>('a' + i % 26))});
  static_cast<void>(store.step(Timestamp{}, true));
}

void BM_WriteRegistrations(benchmark::State& state) {
  Stored stored;
  static_cast<void>(stored.store.load());
  for ([[maybe_unused]] auto _ : state) write_all(stored.store);
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kRegistrations));
}
BENCHMARK(BM_WriteRegistrations)->Unit(benchmark::kMillisecond)->Iterations(3);

void BM_LoadRegistrations(benchmark::State& state) {
  {
    Stored stored;
    static_cast<void>(stored.store.load());
    write_all(stored.store);
  }
  std::size_t rows = 0;
  for ([[maybe_unused]] auto _ : state) {
    Stored stored;
    rows = stored.store.load().size();
  }
  state.counters["rows"] = static_cast<double>(rows);
}
BENCHMARK(BM_LoadRegistrations)->Unit(benchmark::kMillisecond)->Iterations(3);

void load_users(benchmark::State& state, const std::string& secret) {
  {
    std::ofstream users(folder() / "users.yaml");
    users << "users:\n";
    for (std::size_t i = 0; i < kUsers; ++i)
      users << "  - { user: \"" << 1'000'000 + i << "\", " << secret << " }\n";
  }
  std::ofstream(folder() / "c.yaml") << R"(version: 1
node: { name: edge-1 }
ports: [{ name: outside, device: "af_packet:s-out", addresses: [198.18.1.1/24] }]
realms: [{ name: outside, port: outside, listen: [{ transport: udp, port: 5060 }] }]
peers: [{ name: carrier, realm: outside, targets: [{ address: "198.18.1.2:5060" }] }]
registrars: [{ name: phones, realm: outside, mode: local, users_file: users.yaml, domains: [example.com] }]
routes: [{ name: all, to: [carrier] }]
)";
  std::size_t users = 0;
  for ([[maybe_unused]] auto _ : state) {
    const LoadedConfig loaded = load_config(folder() / "c.yaml");
    users = loaded.config.registrars[0].users->size();
  }
  state.counters["users"] = static_cast<double>(users);
}

void BM_LoadUsersWithHashes(benchmark::State& state) {
  load_users(state, "ha1_md5: " + std::string(32, 'a') + ", ha1_sha256: " + std::string(64, 'b'));
}
BENCHMARK(BM_LoadUsersWithHashes)->Unit(benchmark::kMillisecond)->Iterations(1);

void BM_LoadUsersWithPasswords(benchmark::State& state) { load_users(state, "password: \"change me\""); }
BENCHMARK(BM_LoadUsersWithPasswords)->Unit(benchmark::kMillisecond)->Iterations(1);

}  // namespace
}  // namespace sallyport::mgmt

BENCHMARK_MAIN();
