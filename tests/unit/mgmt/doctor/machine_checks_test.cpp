// machine_checks_test.cpp — what is thought of machines, good and bad.
#include "mgmt/doctor/machine_checks.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "mgmt/doctor/doctor_command.h"
#include "mgmt/doctor/look_at_machine.h"
#include "tests/unit/mgmt/config/config_text.h"

namespace sallyport::mgmt {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t kGigabyte = 1'000'000'000;
constexpr WallTime kNow{std::chrono::seconds(1'790'000'000)};

MachineFacts good_machine() {
  MachineFacts facts;
  facts.cores = 4;
  facts.memory_available = 8 * kGigabyte;
  facts.hugepage_bytes_free = kGigabyte;
  facts.has_sse42 = facts.has_iommu = facts.may_make_namespaces = facts.may_use_packet_sockets =
      facts.has_tun = true;
  facts.file_limit = 524'288;
  facts.is_clock_synchronised = true;
  facts.clock_source = "tsc";
  facts.now = kNow;
  facts.state_folder = "/var/lib/sallyport";
  facts.state_bytes_free = 50 * kGigabyte;
  facts.devices = {{"outside", "pci:0000:3b:00.0", DeviceKind::Pci, true, "vfio-pci"},
                   {"inside", "af_packet:eth1", DeviceKind::AfPacket, true, "virtio_net"}};
  facts.certificates = {{"edge", kNow + std::chrono::days(90), std::chrono::days(21)}};
  facts.listeners = {{"management.listen", "127.0.0.1:8080", false}};
  return facts;
}

MachineWants usual_wants() {
  return {.lcores = 1, .memory_bytes = 2 * kGigabyte, .connections = 20'000, .disk_bytes = kGigabyte};
}

// What is not good, as "fault rights".
std::vector<std::string> complaints(const MachineFacts& facts, const MachineWants& wants = usual_wants()) {
  std::vector<std::string> out;
  for (const Finding& one : examine(facts, wants)) {
    EXPECT_EQ(one.do_this.empty(), one.health == Health::Good)
        << one.about << ": whatever is wrong, what to do";
    if (one.health != Health::Good)
      out.push_back((one.health == Health::Fault ? "fault " : "advice ") + one.about);
  }
  return out;
}

struct Case {
  const char* name;
  std::function<void(MachineFacts&, MachineWants&)> spoil;
  std::vector<std::string> complaints;
};

TEST(MachineChecks, SayNothingOfAGoodMachine) {
  EXPECT_TRUE(complaints(good_machine()).empty());
  EXPECT_EQ(examine(good_machine(), usual_wants()).size(), 13u);
}

TEST(MachineChecks, NameWhatIsWrongAndNothingElse) {
  const Case cases[] = {
      {"no SSE 4.2", [](auto& facts, auto&) { facts.has_sse42 = false; }, {"fault processor"}},
      {"fewer cores than threads",
       [](auto& facts, auto& wants) { facts.cores = 3, wants.lcores = 4; },
       {"fault cores"}},
      {"no core left", [](auto& facts, auto&) { facts.cores = 1; }, {"advice cores"}},
      {"two cores are enough", [](auto& facts, auto& wants) { facts.cores = 2, wants.lcores = 0; }, {}},
      {"too little memory", [](auto& facts, auto&) { facts.memory_available = kGigabyte; }, {"fault memory"}},
      {"just enough", [](auto& facts, auto&) { facts.memory_available = 2 * kGigabyte; }, {"advice memory"}},
      {"no hugepages", [](auto& facts, auto&) { facts.hugepage_bytes_free = 0; }, {"advice hugepages"}},
      {"none wanted",
       [](auto& facts, auto& wants) { facts.hugepage_bytes_free = 0, wants.hugepages = HugepageMode::Never; },
       {}},
      {"no rights", [](auto& facts, auto&) { facts.may_make_namespaces = false; }, {"fault rights"}},
      {"no taps", [](auto& facts, auto&) { facts.has_tun = false; }, {"fault rights"}},
      {"no packet sockets",
       [](auto& facts, auto&) { facts.may_use_packet_sockets = false; },
       {"fault rights"}},
      {"few files", [](auto& facts, auto&) { facts.file_limit = 1024; }, {"advice files"}},
      {"clock runs free", [](auto& facts, auto&) { facts.is_clock_synchronised = false; }, {"advice clock"}},
      {"slow clock", [](auto& facts, auto&) { facts.clock_source = "hpet"; }, {"advice clock"}},
      {"a clock of a virtual machine", [](auto& facts, auto&) { facts.clock_source = "kvm-clock"; }, {}},
      {"no folder yet", [](auto& facts, auto&) { facts.state_bytes_free.reset(); }, {"advice disk"}},
      {"little disk", [](auto& facts, auto&) { facts.state_bytes_free = kGigabyte / 2; }, {"advice disk"}},
      {"no disk", [](auto& facts, auto&) { facts.state_bytes_free = 0; }, {"fault disk"}},
      {"card gone", [](auto& facts, auto&) { facts.devices[0].is_there = false; }, {"fault port outside"}},
      {"card of Linux",
       [](auto& facts, auto&) { facts.devices[0].driver = "ixgbe"; },
       {"fault port outside"}},
      {"card without driver",
       [](auto& facts, auto&) { facts.devices[0].driver.clear(); },
       {"fault port outside"}},
      {"shared card", [](auto& facts, auto&) { facts.devices[0].driver = "mlx5_core"; }, {}},
      {"interface gone",
       [](auto& facts, auto&) { facts.devices[1].is_there = false; },
       {"fault port inside"}},
      {"an address of its own",
       [](auto& facts, auto&) { facts.devices[1].linux_addresses = {"192.0.2.9"}; },
       {"advice port inside"}},
      {"small MTU",
       [](auto& facts, auto&) { facts.devices[1].mtu = 1400, facts.devices[1].mtu_wanted = 1500; },
       {"advice port inside"}},
      {"no cable", [](auto& facts, auto&) { facts.devices[1].has_carrier = false; }, {"advice port inside"}},
      {"no IOMMU", [](auto& facts, auto&) { facts.has_iommu = false; }, {"fault iommu"}},
      {"no IOMMU, and no card that needs it",
       [](auto& facts, auto&) { facts.has_iommu = false, facts.devices[0].driver = "mlx5_core"; },
       {}},
      {"expired",
       [](auto& facts, auto&) { facts.certificates[0].not_after = kNow; },
       {"fault certificate edge"}},
      {"expires soon",
       [](auto& facts, auto&) { facts.certificates[0].not_after = kNow + std::chrono::days(21); },
       {"advice certificate edge"}},
      {"no certificate",
       [](auto& facts, auto&) { facts.certificates[0].not_after.reset(); },
       {"fault certificate edge"}},
      {"taken", [](auto& facts, auto&) { facts.listeners[0].is_taken = true; }, {"advice management.listen"}},
  };
  for (const Case& one : cases) {
    MachineFacts facts = good_machine();
    MachineWants wants = usual_wants();
    one.spoil(facts, wants);
    EXPECT_EQ(complaints(facts, wants), one.complaints) << one.name;
  }
}

TEST(MachineChecks, TheCommandToBindACardNamesIt) {
  EXPECT_THAT(check_device({"o", "pci:0000:3b:00.0", DeviceKind::Pci, true, "ixgbe"}).do_this,
              testing::EndsWith("-b vfio-pci 0000:3b:00.0"));
}

TEST(DoctorReport, HasStatus71OnlyWhenAStartIsInDanger) {
  MachineFacts facts = good_machine();
  facts.is_clock_synchronised = false;
  EXPECT_EQ(doctor_report(examine(facts, usual_wants()), false, false).status, 0);
  facts.has_tun = false;
  const DoctorReport report = doctor_report(examine(facts, usual_wants()), false, false);
  EXPECT_EQ(report.status, 71);
  EXPECT_THAT(report.text, HasSubstr("fault  rights: /dev/net/tun is not there"));
  EXPECT_THAT(report.text, HasSubstr("1 to be considered, 1 in the way of a start"));
}

TEST(DoctorReport, IsTheSameForPrograms) {
  MachineFacts facts = good_machine();
  facts.devices[1].text = "af_packet:\x1b[2J";
  const auto root = nlohmann::json::parse(doctor_report(examine(facts, usual_wants()), true, true).text);
  EXPECT_EQ(root["findings"].size(), 13u);
  EXPECT_EQ(root["findings"][0]["health"], "good");
  EXPECT_TRUE(root["findings"][0]["do"].is_null());
}

TEST(Doctor, LooksAtThisMachineForAConfiguration) {
  const TestFolder folder;
  const LoadedConfig loaded = load_config(
      folder.write("c.yaml", with_line(2, "node: { name: e, state: " + folder.path().string() + " }")));
  const MachineFacts facts = look_at_machine(loaded.config);
  EXPECT_GT(facts.cores, 0u);
  EXPECT_GT(facts.memory_available, 0u);
  EXPECT_GT(facts.file_limit, 0u);
  EXPECT_TRUE(facts.has_sse42) << "or this would not run";
  EXPECT_TRUE(facts.state_bytes_free);
  ASSERT_EQ(facts.devices.size(), 2u);
  EXPECT_FALSE(facts.devices[0].is_there) << "there is no s-out";
  EXPECT_EQ(wants_of(loaded).memory_bytes, loaded.memory_bytes_needed);
  EXPECT_EQ(doctor_command(folder.write("bad.yaml", "x: 1\n").string(), false, false).status, 78);
}

}  // namespace
}  // namespace sallyport::mgmt
