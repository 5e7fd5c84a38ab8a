// archive_test.cpp — state as bytes: everything comes back, nothing hostile is believed.
#include "policy/base/archive.h"

#include <gtest/gtest.h>

#include <random>

namespace sallyport {
namespace {

enum class Colour : std::uint8_t { Red, Green };

struct Idle {};
struct Busy {
  Timestamp until;
  Duration interval{};
  template <class Archive>
  void archive(Archive& a) {
    a(until, interval);
  }
};

struct Thing {
  std::uint64_t number = 0;
  std::int32_t offset = 0;
  bool flag = false;
  Colour colour = Colour::Red;
  std::string name;
  std::vector<std::uint16_t> list;
  std::vector<std::string> names;
  std::array<std::uint8_t, 4> octets{};
  FixedVector<std::uint32_t, 4> few;
  std::optional<Busy> maybe;
  std::variant<Idle, Busy, std::string> state;
  std::pair<std::uint8_t, std::string> two;
  IpAddress address;
  Endpoint endpoint;
  Hash128 hash;
  Timestamp at, never = Timestamp::max(), unset;
  template <class Archive>
  void archive(Archive& a) {
    a(number, offset, flag, colour, name, list, names, octets, few);
    a(maybe, state, two, address, endpoint, hash, at, never, unset);
  }
};

constexpr Timestamp kThen{std::chrono::hours(5)};
constexpr Timestamp kLater{std::chrono::minutes(1)};  // of a boot that began after that one

Thing full_thing() {
  Thing thing;
  thing.number = 0x0123456789abcdefu;
  thing.offset = -5;
  thing.flag = true;
  thing.colour = Colour::Green;
  thing.name = std::string("a\0b", 3);
  thing.list = {1, 2, 65535};
  thing.names = {"x", "", "yz"};
  thing.octets = {9, 8, 7, 6};
  EXPECT_TRUE(thing.few.push_back(3));
  thing.maybe = Busy{kThen + 3s, 250ms};
  thing.state = Busy{kThen - 7s, 1s};
  thing.two = {4, "four"};
  thing.address = *IpAddress::parse("fd18:1::2");
  thing.endpoint = *parse_endpoint("198.18.1.2:5060", 0);
  thing.hash = {1, 2};
  thing.at = kThen + 32s;
  return thing;
}

std::string bytes_of(const Thing& thing) {
  std::string bytes;
  ArchiveWriter writer(bytes, kThen);
  writer(thing);
  return bytes;
}

TEST(Archive, EveryKindOfValueComesBack) {
  const std::string bytes = bytes_of(full_thing());
  ArchiveReader reader(bytes, kThen);
  Thing thing;
  reader(thing);
  ASSERT_TRUE(reader.done());
  const Thing first = full_thing();
  EXPECT_EQ(thing.number, first.number);
  EXPECT_EQ(thing.offset, -5);
  EXPECT_TRUE(thing.flag);
  EXPECT_EQ(thing.colour, Colour::Green);
  EXPECT_EQ(thing.name, first.name);
  EXPECT_EQ(thing.list, first.list);
  EXPECT_EQ(thing.names, first.names);
  EXPECT_EQ(thing.octets, first.octets);
  ASSERT_EQ(thing.few.size(), 1u);
  EXPECT_EQ(thing.few[0], 3u);
  EXPECT_EQ(thing.maybe->until, kThen + 3s);
  EXPECT_EQ(thing.maybe->interval, 250ms);
  EXPECT_EQ(std::get<Busy>(thing.state).until, kThen - 7s);
  EXPECT_EQ(thing.two, first.two);
  EXPECT_EQ(thing.address, first.address);
  EXPECT_EQ(thing.endpoint, first.endpoint);
  EXPECT_EQ(thing.hash, first.hash);
  EXPECT_EQ(bytes_of(thing), bytes);
}

TEST(Archive, TimesMoveWithTheClockOfTheReader) {
  const std::string bytes = bytes_of(full_thing());
  ArchiveReader reader(bytes, kLater);
  Thing thing;
  reader(thing);
  ASSERT_TRUE(reader.done());
  EXPECT_EQ(thing.at, kLater + 32s);
  EXPECT_EQ(thing.maybe->until, kLater + 3s);
  EXPECT_EQ(std::get<Busy>(thing.state).until, kLater - 7s);
  EXPECT_EQ(thing.never, Timestamp::max());
  EXPECT_EQ(thing.unset, Timestamp{});
}

TEST(Archive, ReaderStopsWhereverTheBytesEnd) {
  const std::string bytes = bytes_of(full_thing());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    ArchiveReader reader(std::string_view(bytes).substr(0, size), kThen);
    Thing thing;
    reader(thing);
    EXPECT_FALSE(reader.good()) << size;
    std::uint64_t more = 77;
    reader(more);
    EXPECT_EQ(more, 77u) << size;
  }
}

TEST(Archive, ReaderSurvivesAnyChangedOctet) {
  const std::string bytes = bytes_of(full_thing());
  std::mt19937 random(1);
  for (int round = 0; round < 2000; ++round) {
    std::string changed = bytes;
    for (int i = 0; i < 3; ++i) changed[random() % changed.size()] = static_cast<char>(random());
    ArchiveReader reader(changed, kThen);
    Thing thing;
    reader(thing);
    EXPECT_LE(thing.list.size() + thing.names.size() + thing.name.size(), changed.size());
  }
}

TEST(Archive, AnotherVersionIsRefusedWhole) {
  std::string bytes = bytes_of(full_thing());
  bytes[4] = static_cast<char>(kArchiveVersion + 1);
  ArchiveReader reader(bytes, kThen);
  EXPECT_FALSE(reader.good());
}

TEST(Archive, ACountThatTheBytesCannotPayForTakesNoMemory) {
  std::string bytes;
  ArchiveWriter writer(bytes, kThen);
  writer(std::uint32_t{0xfffffff0u}, std::uint64_t{0});
  ArchiveReader reader(bytes, kThen);
  std::vector<std::uint64_t> list;
  reader(list);
  EXPECT_FALSE(reader.good());
  EXPECT_EQ(list.capacity(), 0u);
}

TEST(Archive, AlternativeThatDoesNotExistIsRefused) {
  std::string bytes;
  ArchiveWriter writer(bytes, kThen);
  writer(std::uint8_t{3});
  ArchiveReader reader(bytes, kThen);
  std::variant<Idle, Busy, std::string> state;
  reader(state);
  EXPECT_FALSE(reader.good());
}

TEST(Archive, TruthIsZeroOrOne) {
  std::string bytes;
  ArchiveWriter writer(bytes, kThen);
  writer(std::uint8_t{2});
  ArchiveReader reader(bytes, kThen);
  bool flag = false;
  reader(flag);
  EXPECT_FALSE(reader.good());
}

TEST(Archive, TimeBeyondTheClockIsRefused) {
  std::string bytes;
  ArchiveWriter writer(bytes, kThen);
  writer(std::numeric_limits<std::int64_t>::max() - 1);
  ArchiveReader reader(bytes, kThen);
  Timestamp time;
  reader(time);
  EXPECT_FALSE(reader.good());
}

TEST(Archive, LeftOversAreNotDone) {
  std::string bytes;
  ArchiveWriter writer(bytes, kThen);
  writer(std::uint8_t{1}, std::uint8_t{2});
  ArchiveReader reader(bytes, kThen);
  std::uint8_t first = 0;
  reader(first);
  EXPECT_TRUE(reader.good());
  EXPECT_FALSE(reader.done());
  EXPECT_EQ(reader.left(), 1u);
}

}  // namespace
}  // namespace sallyport
