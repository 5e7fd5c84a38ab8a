// registrar_bench.cpp — 100,000 registered phones: their memory, refreshes that are answered here,
// keep-alives, and how long they take to come back after a restart. RFC 3261 §10.3, RFC 5626 §4.4.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/registrar_world.h"

namespace {

using namespace sallyport;
using namespace sallyport::sip;
using tests::PhoneRegister;
using tests::RegistrarWorld;

constexpr std::uint32_t kPhones = 100'000;

std::size_t allocated_bytes() {
  const auto use = mallinfo2();
  return use.uordblks + use.hblkhd;
}

Endpoint source_of(std::uint32_t i) { return {IpAddress::v4(0x0a000000u + i), 5060}; }

PhoneRegister phone_of(std::uint32_t i) {
  PhoneRegister phone;
  phone.user = "+1555" + std::to_string(1'000'000 + i);
  phone.contact = "<sip:" + phone.user +
                  "@192.168.178.100:5060;ob>;reg-id=1;"
                  "+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000a95a0e128>\"";
  phone.call_id = "f81d4fae-7dec-11d0-a765-" + std::to_string(i) + "@192.168.178.100";
  phone.lines = {"User-Agent: Desk Phone 7 (build 10.2.3)"};
  return phone;
}

// One that was saved, then each with its own names.
std::vector<std::string> saved_bindings() {
  RegistrarWorld world;
  PhoneRegister phone = phone_of(0);
  (void)world.register_phone(world.phone, phone);
  const std::string saved = world.save().at(0);
  ArchiveReader archive(saved, world.now);
  std::uint64_t print = 0;
  auto kind = SavedKind::Call;
  Binding binding;
  Duration written{};
  archive(print, kind, binding, written);
  std::vector<std::string> all;
  all.reserve(kPhones);
  for (std::uint32_t i = 0; i < kPhones; ++i) {
    const PhoneRegister one = phone_of(i);
    binding.number = i + 1;
    binding.aor = one.user + "@example.com";
    binding.call_id = one.call_id;
    binding.path.remote = source_of(i);
    const std::size_t end = one.contact.find('>');
    binding.contact = one.contact.substr(1, end - 1);
    binding.contact_params = one.contact.substr(end + 1);
    std::string& bytes = all.emplace_back();
    ArchiveWriter writer(bytes, world.now);
    writer(print, SavedKind::Binding, binding, written);
  }
  return all;
}

const std::vector<std::string>& all_saved() {
  static const std::vector<std::string> all = saved_bindings();
  return all;
}

std::unique_ptr<RegistrarWorld> full_world() {
  auto world = std::make_unique<RegistrarWorld>();
  world->settings.transactions_max = 200'000;
  (void)world->engine();
  for (const std::string& bytes : all_saved())
    if (!world->restore(bytes)) std::abort();
  return world;
}

void BM_Restore(benchmark::State& state) {
  (void)all_saved();
  std::size_t each = 0;
  for (auto _ : state) {
    state.PauseTiming();
    auto world = std::make_unique<RegistrarWorld>();
    (void)world->engine();
    const std::size_t before = allocated_bytes();
    state.ResumeTiming();
    for (const std::string& bytes : all_saved()) benchmark::DoNotOptimize(world->restore(bytes));
    state.PauseTiming();
    if (world->engine().size() != kPhones) state.SkipWithError("not all came back");
    each = (allocated_bytes() - before) / kPhones;
    world.reset();
    state.ResumeTiming();
  }
  state.counters["octets_each"] = static_cast<double>(each);
  state.counters["megabytes"] = static_cast<double>(each) * kPhones / 1e6;
}
BENCHMARK(BM_Restore)->Unit(benchmark::kMillisecond)->Iterations(3);

// A REGISTER in, a 200 out, with all that the engine does for it; parsing and transactions are counted in.
void BM_AbsorbedRefreshes(benchmark::State& state) {
  const auto world = full_world();
  constexpr std::uint32_t kEach = 20'000;
  std::vector<std::string> requests;
  std::uint64_t done = 0;
  for (auto _ : state) {
    state.PauseTiming();
    requests.clear();
    for (std::uint32_t i = 0; i < kEach; ++i) {
      PhoneRegister phone = phone_of(i * 5);
      phone.cseq = static_cast<std::uint32_t>(100 + done / kEach);
      requests.push_back(phone.build());
    }
    (void)world->wait(33s);  // the transactions of the last round are over
    state.ResumeTiming();
    for (std::uint32_t i = 0; i < kEach; ++i) {
      world->put(source_of(i * 5), requests[i]);
      if (world->out.sends().size() != 1 || !world->out.sends()[0].bytes.starts_with("SIP/2.0 200"))
        state.SkipWithError("not absorbed");
      world->out.clear();
    }
    done += kEach;
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(done));
}
BENCHMARK(BM_AbsorbedRefreshes)->Unit(benchmark::kMillisecond)->Iterations(1);

// All that 100,000 flows need in 25 s; the share of one core is the time over 25 s.
void BM_KeepAlivesOf25Seconds(benchmark::State& state) {
  const auto world = full_world();
  std::uint64_t pings = 0;
  for (auto _ : state) {
    const Timestamp end = world->now + 25s;
    while (const auto next = world->engine().next_deadline()) {
      if (*next > end) break;
      world->now = std::max(world->now, *next);
      world->engine().on_deadline(world->now, world->out);
      pings += world->out.sends().size();
      world->out.clear();
    }
    world->now = end;
  }
  state.counters["pings"] = static_cast<double>(pings);
}
BENCHMARK(BM_KeepAlivesOf25Seconds)->Unit(benchmark::kMillisecond)->Iterations(1);

// A challenge to a stranger, who leaves nothing behind. Threats R1
void BM_Challenges(benchmark::State& state) {
  RegistrarWorld world;
  world.use_local();
  PhoneRegister phone = phone_of(0);
  const std::string bytes = phone.build();
  for (auto _ : state) {
    world.put(world.phone, bytes);
    world.out.clear();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}
BENCHMARK(BM_Challenges);

}  // namespace

BENCHMARK_MAIN();
