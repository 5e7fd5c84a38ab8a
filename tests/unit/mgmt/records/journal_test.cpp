// journal_test.cpp — entries come back in order, up to the first that is cut off or damaged.
#include "mgmt/records/journal.h"

#include <gmock/gmock.h>

#include "mgmt/records/journal_entry.h"
#include "tests/unit/mgmt/records/fake_disk.h"

namespace sallyport::mgmt {
namespace {

using testing::ElementsAre;

const std::string kPath = "/state/journal";

std::vector<std::string> entries(FakeDisk& disk, std::uint64_t* dropped = nullptr) {
  std::vector<std::string> out;
  const auto reading = Journal(disk, "/state").read([&](std::string_view entry) { out.emplace_back(entry); });
  EXPECT_TRUE(reading);
  if (dropped != nullptr) *dropped = reading->bytes_dropped;
  return out;
}

std::string framed(std::initializer_list<std::string_view> texts) {
  std::string out;
  for (const std::string_view text : texts) Journal::frame(out, text);
  return out;
}

TEST(Crc32, IsThatOfIeee8023) {
  EXPECT_EQ(crc32("123456789"), 0xcbf43926u);
  EXPECT_EQ(crc32(""), 0u);
  // Bit by bit, for every length around the steps of eight and of sixteen.
  std::string text;
  for (int length = 0; length < 400; ++length, text += static_cast<char>(37 * length * length + 200)) {
    std::uint32_t value = 0xffffffffu;
    for (const char byte : text) {
      value ^= static_cast<unsigned char>(byte);
      for (int bit = 0; bit < 8; ++bit) value = (value & 1) != 0 ? value >> 1 ^ 0xedb88320u : value >> 1;
    }
    EXPECT_EQ(crc32(text), ~value) << length;
  }
}

TEST(Journal, GivesEntriesBackInOrder) {
  FakeDisk disk;
  Journal journal(disk, "/state");
  EXPECT_FALSE(journal.is_usable());
  ASSERT_FALSE(journal.rewrite(framed({"base"})));
  journal.add("one");
  journal.add(std::string("\0two", 4));
  EXPECT_TRUE(journal.has_group());
  EXPECT_THAT(entries(disk), ElementsAre("base"));
  ASSERT_FALSE(journal.commit());
  EXPECT_FALSE(journal.has_group());
  EXPECT_THAT(entries(disk), ElementsAre("base", "one", std::string("\0two", 4)));
  EXPECT_EQ(journal.bytes(), framed({"base", "one", std::string("\0two", 4)}).size());
}

// What a sync of it costs: no change of the file's length, so none of the file system's own records.
TEST(Journal, GroupsAreWrittenOverZerosThatWereThere) {
  FakeDisk disk;
  Journal journal(disk, "/state", 1000);
  ASSERT_FALSE(journal.rewrite(framed({"base"})));
  std::map<DiskOperation, int> done;
  disk.on_operation = [&](DiskOperation operation, const std::string&) { ++done[operation]; };
  std::vector<std::string> expected{"base"};
  for (int group = 0; group < 100; ++group) {
    expected.push_back("group " + std::to_string(group));
    journal.add(expected.back());
    ASSERT_FALSE(journal.commit());
    ASSERT_EQ(entries(disk), expected);
    --done[DiskOperation::Read];
  }
  EXPECT_EQ(done[DiskOperation::Sync], 100);
  EXPECT_EQ(done[DiskOperation::Overwrite], 100);
  EXPECT_LE(done[DiskOperation::Append], 3);
  EXPECT_EQ(done[DiskOperation::Truncate], 0);
}

TEST(Journal, GroupThatIsLargerThanItsRoomIsWhole) {
  FakeDisk disk;
  Journal journal(disk, "/state", 16);
  ASSERT_FALSE(journal.rewrite(framed({"base"})));
  const std::string large(10'000, 'x');
  for (const std::string& entry : {std::string("a"), large, std::string("b")}) {
    journal.add(entry);
    ASSERT_FALSE(journal.commit());
  }
  EXPECT_THAT(entries(disk), ElementsAre("base", "a", large, "b"));
}

// Sectors of a group that was not synced are there or not, in no order; behind them are zeros or more of
// them.
TEST(Journal, PowerCutWhileAGroupIsWrittenOverLosesOnlyThatGroup) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    FakeDisk disk;
    std::mt19937_64 random(seed);
    Journal journal(disk, "/state", 8192);
    ASSERT_FALSE(journal.rewrite(framed({"base"})));
    std::vector<std::string> safe{"base"}, all{"base"};
    for (int i = 0; i < 4; ++i) {
      all.push_back(std::string(1 + random() % 900, static_cast<char>('a' + i)));
      journal.add(all.back());
      if (i == 1) {
        ASSERT_FALSE(journal.commit());
        safe = all;
      }
    }
    disk.fault = [](DiskOperation operation, const std::string&) {
      return operation == DiskOperation::Sync ? std::make_error_code(std::errc::io_error) : std::error_code();
    };
    EXPECT_TRUE(journal.commit());
    disk.fault = nullptr;
    disk.cut_power(random);
    const auto found = entries(disk);
    ASSERT_GE(found.size(), safe.size()) << seed;
    ASSERT_LE(found.size(), all.size()) << seed;
    for (std::size_t i = 0; i < found.size(); ++i) ASSERT_EQ(found[i], all[i]) << seed;
  }
}

// A disk that has no room for zeros may have room for what must be kept, and keeps what is left for others.
TEST(Journal, FullDiskTakesGroupsWithoutRoomBehindThem) {
  FakeDisk disk;
  Journal journal(disk, "/state");
  ASSERT_FALSE(journal.rewrite(framed({"base"})));
  disk.room = 1000;
  for (const char* entry : {"one", "two", "three"}) {
    journal.add(entry);
    ASSERT_FALSE(journal.commit());
  }
  EXPECT_EQ(disk.text(kPath), framed({"base", "one", "two", "three"}));
  EXPECT_EQ(disk.room, 1000 - framed({"one", "two", "three"}).size());
  // A new file asks again.
  disk.room = UINT64_MAX;
  ASSERT_FALSE(journal.rewrite(framed({"base"})));
  journal.add("four");
  ASSERT_FALSE(journal.commit());
  EXPECT_GT(disk.text(kPath).size(), Journal::kRoomBytes);
  EXPECT_THAT(entries(disk), ElementsAre("base", "four"));
}

// Byte for byte a journal of version 0.1: entries to the end of the file, and no zeros.
TEST(Journal, ThatOfAnOlderProgramIsRead) {
  FakeDisk disk;
  disk.put(kPath, std::string("\x04\0\0\0\x61"
                              "\xfe"
                              "\xb4"
                              "\xc0"
                              "base\x03\0\0\0\xf1"
                              "\x86"
                              "\x6c"
                              "\x7a"
                              "one",
                              23));
  std::uint64_t dropped = 1;
  EXPECT_THAT(entries(disk, &dropped), ElementsAre("base", "one"));
  EXPECT_EQ(dropped, 0u);
}

TEST(Journal, NoFileIsNoEntry) {
  FakeDisk disk;
  const auto reading = Journal(disk, "/state").read([](std::string_view) { FAIL(); });
  ASSERT_TRUE(reading);
  EXPECT_FALSE(reading->found);
}

TEST(Journal, AnyCutLosesOnlyWhatIsBehindIt) {
  const std::string whole = framed({"first", "second", "third"});
  for (std::size_t length = 0; length <= whole.size(); ++length) {
    FakeDisk disk;
    disk.put(kPath, whole.substr(0, length));
    std::uint64_t dropped = 0;
    const auto found = entries(disk, &dropped);
    const std::size_t expected = length >= whole.size() ? 3 : length >= 27 ? 2 : length >= 13 ? 1 : 0;
    EXPECT_EQ(found.size(), expected) << length;
    std::string kept;
    for (const std::string& entry : found) Journal::frame(kept, entry);
    const std::string torn = whole.substr(kept.size(), length - kept.size());
    EXPECT_EQ(dropped, torn.find_last_not_of('\0') + 1) << length;  // zeros at its end may be room
  }
}

TEST(Journal, AnyChangedBitEndsTheReading) {
  const std::string whole = framed({"first", "second"});
  for (std::size_t i = 0; i < whole.size() * 8; ++i) {
    FakeDisk disk;
    std::string changed = whole;
    changed[i / 8] = static_cast<char>(changed[i / 8] ^ (1 << (i % 8)));
    disk.put(kPath, changed);
    EXPECT_EQ(entries(disk).size(), i / 8 < 13 ? 0u : 1u) << i;
  }
}

TEST(Journal, ZerosAreNoEntries) {
  FakeDisk disk;
  disk.put(kPath, framed({"first"}) + std::string(4096, '\0'));
  std::uint64_t dropped = 0;
  EXPECT_THAT(entries(disk, &dropped), ElementsAre("first"));
  EXPECT_EQ(dropped, 0u) << "they are room";
  disk.put(kPath, framed({"first"}) + framed({"second"}).substr(0, 11) + std::string(4096, '\0'));
  EXPECT_THAT(entries(disk, &dropped), ElementsAre("first"));
  EXPECT_EQ(dropped, 11u) << "a torn entry is not";
}

TEST(Journal, HugeLengthIsDamage) {
  FakeDisk disk;
  disk.put(kPath, std::string("\xff\xff\xff\xff\0\0\0\0abc", 11));
  EXPECT_TRUE(entries(disk).empty());
}

TEST(Journal, FailedGroupMakesItUnusableUntilItIsRewritten) {
  FakeDisk disk;
  Journal journal(disk, "/state");
  ASSERT_FALSE(journal.rewrite(framed({"base"})));
  disk.room = 5;
  journal.add("a long entry");
  EXPECT_TRUE(journal.commit());
  EXPECT_FALSE(journal.is_usable());
  EXPECT_TRUE(journal.rewrite(framed({"base", "a long entry"}))) << "still full";
  EXPECT_FALSE(journal.is_usable());
  EXPECT_THAT(entries(disk), ElementsAre("base")) << "the old one is whole but for its torn tail";
  disk.room = UINT64_MAX;
  EXPECT_FALSE(journal.rewrite(framed({"base", "a long entry"})));
  EXPECT_TRUE(journal.is_usable());
  EXPECT_THAT(entries(disk), ElementsAre("base", "a long entry"));
}

TEST(Journal, FailedRewriteLeavesTheOldOneInUse) {
  FakeDisk disk;
  Journal journal(disk, "/state");
  ASSERT_FALSE(journal.rewrite(framed({"base"})));
  disk.fault = [](DiskOperation operation, const std::string&) {
    return operation == DiskOperation::Rename ? std::make_error_code(std::errc::io_error) : std::error_code();
  };
  EXPECT_TRUE(journal.rewrite(framed({"new"})));
  EXPECT_TRUE(journal.is_usable());
  journal.add("more");
  EXPECT_FALSE(journal.commit());
  EXPECT_THAT(entries(disk), ElementsAre("base", "more"));
}

TEST(JournalEntry, IsReadBack) {
  const JournalEntry entry{JournalEntryKind::Mark, WallTime{std::chrono::milliseconds(1234567890123)}, 42,
                           "cdr.jsonl"};
  const std::string bytes = encode_entry(entry);
  const auto back = decode_entry(bytes);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->kind, entry.kind);
  EXPECT_EQ(back->at, entry.at);
  EXPECT_EQ(back->number, 42u);
  EXPECT_EQ(back->text, "cdr.jsonl");
  for (std::size_t length = 0; length < 17; ++length)
    EXPECT_FALSE(decode_entry(std::string_view(bytes).substr(0, length)));
  for (const char kind : {'\0', '\7', '\xff'}) EXPECT_FALSE(decode_entry(kind + bytes.substr(1)));
}

}  // namespace
}  // namespace sallyport::mgmt
