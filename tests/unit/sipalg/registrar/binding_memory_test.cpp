// binding_memory_test.cpp — what a registered phone costs: 100,000 of them in at most 200 MB, all that the
// board and the engine keep of them counted by the allocator.
#include <gtest/gtest.h>
#include <malloc.h>

#include <string>

#include "sipalg/registrar/aor.h"
#include "tests/support/registrar_world.h"

namespace sallyport::sip {
namespace {

// In use by whoever asked for it, large blocks too.
std::size_t allocated_bytes() {
  const auto use = mallinfo2();
  return use.uordblks + use.hblkhd;
}

TEST(BindingMemory, OneOfAHundredThousandBindingsTakesLessThanTwoThousandOctets) {
  constexpr std::uint32_t kPhones = 20'000;
  tests::RegistrarWorld world;
  (void)world.engine();
  const std::string saved = [] {
    tests::RegistrarWorld one;
    tests::PhoneRegister phone;
    phone.user = "+15550100000";
    phone.contact =
        "<sip:+15550100000@192.168.178.100:5060;transport=udp;ob>;reg-id=1;"
        "+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000a95a0e128>\";q=0.5";
    phone.call_id = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6@192.168.178.100";
    phone.lines = {"User-Agent: Desk Phone 7 (build 10.2.3)"};
    (void)one.register_phone(one.phone, phone);
    return one.save().at(0);
  }();
  ArchiveReader archive(saved, world.now);
  std::uint64_t print = 0;
  auto kind = SavedKind::Call;
  Binding pattern;
  Duration written{};
  archive(print, kind, pattern, written);
  ASSERT_TRUE(archive.done());

  const std::size_t before = allocated_bytes();
  for (std::uint32_t i = 0; i < kPhones; ++i) {
    Binding binding = pattern;
    binding.number = i + 1;
    binding.aor = "+1555" + std::to_string(1'000'000 + i) + "@example.com";
    binding.path.remote = {IpAddress::v4(0x0a000000u + i), 5060};
    binding.path.local = *parse_endpoint("198.18.1.1:5060", 0);
    std::string bytes;
    ArchiveWriter writer(bytes, world.now);
    writer(print, SavedKind::Binding, binding, written);
    ASSERT_TRUE(world.restore(bytes));
  }
  const std::size_t each = (allocated_bytes() - before) / kPhones;
  ASSERT_EQ(world.engine().size(), kPhones);
  RecordProperty("octets_each", static_cast<int>(each));
  EXPECT_LT(each, 2000u) << "with capacity of the tables to grow into";
}

}  // namespace
}  // namespace sallyport::sip
