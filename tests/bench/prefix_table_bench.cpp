// prefix_table_bench.cpp — a prefix table of a million lines: time to load the file, memory, one look-up.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include "mgmt/config/load_config.h"
#include "policy/route/prefix_table.h"

namespace sallyport {
namespace {

constexpr std::size_t kLines = 1'000'000;

// Distinct prefixes as rate decks have them: most behind a few country codes, 4 to 9 digits deep.
std::string number_of(std::size_t line) {
  constexpr const char* kCountries[] = {"+49", "+44", "+1", "+33", "+86", "+7"};
  std::string digits = std::to_string(1'000'000 + (line * 7919) % kLines * 9);
  return kCountries[line % 6] + digits.substr(0, line % 5 == 0 ? 5 : digits.size());
}

class TableFolder {
 public:
  TableFolder()
      : path_(std::filesystem::temp_directory_path() / ("sallyport-bench-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(path_);
    std::ofstream csv(path_ / "lcr.csv");
    for (std::size_t i = 0; i < kLines; ++i)
      csv << number_of(i) << (i % 3 == 0 ? ",carrier,10\n" : ",pbx,90\n");
    std::ofstream(path_ / "c.yaml") << R"(version: 1
node: { name: edge-1 }
ports: [{ name: outside, device: "af_packet:s-out", addresses: [198.18.1.1/24] }]
realms: [{ name: outside, port: outside, listen: [{ transport: udp, port: 5060 }] }]
peers:
  - { name: carrier, realm: outside, targets: [{ address: "198.18.1.2:5060" }] }
  - { name: pbx, realm: outside, targets: [{ address: "198.18.1.3:5060" }] }
tables: [{ name: lcr, file: lcr.csv }]
routes: [{ name: all, to: [{ table: lcr }] }]
)";
  }
  ~TableFolder() { std::filesystem::remove_all(path_); }
  [[nodiscard]] std::filesystem::path config() const { return path_ / "c.yaml"; }

 private:
  std::filesystem::path path_;
};

const TableFolder& folder() {
  static const TableFolder made;
  return made;
}

void BM_LoadAMillionLines(benchmark::State& state) {
  const std::filesystem::path file = folder().config();
  std::size_t prefixes = 0, bytes = 0;
  for (auto _ : state) {
    const mgmt::LoadedConfig loaded = mgmt::load_config(file);
    prefixes = loaded.config.tables[0].content->prefixes();
    bytes = loaded.config.tables[0].content->bytes();
  }
  state.counters["prefixes"] = static_cast<double>(prefixes);
  state.counters["table_bytes"] = static_cast<double>(bytes);
}
BENCHMARK(BM_LoadAMillionLines)->Unit(benchmark::kMillisecond)->Iterations(2);

void BM_LookUp(benchmark::State& state) {
  const mgmt::LoadedConfig loaded = mgmt::load_config(folder().config());
  const policy::PrefixTable& table = *loaded.config.tables[0].content;
  std::mt19937_64 random(7);
  std::vector<std::string> numbers;
  for (int i = 0; i < 100'000; ++i) numbers.push_back(number_of(random() % kLines) + "12345");
  std::size_t i = 0, found = 0;
  for (auto _ : state) {
    found += table.find(numbers[i]).size();
    i = i + 1 == numbers.size() ? 0 : i + 1;
  }
  benchmark::DoNotOptimize(found);
}
BENCHMARK(BM_LookUp)->MinTime(1.0);

}  // namespace
}  // namespace sallyport

BENCHMARK_MAIN();
