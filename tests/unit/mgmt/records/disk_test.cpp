// disk_test.cpp — the real disk does what the fake one promises; names of rotated files.
#include "mgmt/records/disk.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>

#include "mgmt/records/cdr_file.h"

namespace sallyport::mgmt {
namespace {

class PosixDiskTest : public testing::Test {
 protected:
  PosixDiskTest() {
    std::string path = (std::filesystem::temp_directory_path() / "sallyport-disk-XXXXXX").string();
    folder_ = ::mkdtemp(path.data());
  }
  ~PosixDiskTest() override { std::filesystem::remove_all(folder_); }
  PosixDisk disk_;
  std::string folder_;
};

TEST_F(PosixDiskTest, AppendsTruncatesAndReadsTheEnd) {
  const std::string path = folder_ + "/deeper/file";
  auto file = disk_.open(path, OpenFile::Existing);
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_FALSE((*file)->append("0123456789"));
  EXPECT_FALSE((*file)->sync());
  EXPECT_EQ((*file)->size(), 10u);
  EXPECT_FALSE((*file)->truncate(8));
  EXPECT_FALSE((*file)->append("x"));
  const auto tail = disk_.read_tail(path, 4);
  ASSERT_TRUE(tail);
  EXPECT_EQ(tail->bytes, "567x" + std::string());
  EXPECT_EQ(tail->offset, 5u);
  EXPECT_EQ(disk_.read_tail(path, 1000)->bytes, "01234567x");
  EXPECT_EQ((*disk_.open(path, OpenFile::Existing))->size(), 9u);
  EXPECT_EQ((*disk_.open(path, OpenFile::Empty))->size(), 0u);
  struct stat status{};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07137, 0u) << "others may not read call records";
}

// As the journal does it: zeros first, groups over them, the rest cut off.
TEST_F(PosixDiskTest, WritesOverWhatIsThereAndGrowsBehindIt) {
  const std::string path = folder_ + "/file";
  auto opened = disk_.open(path, OpenFile::Empty);
  ASSERT_TRUE(opened);
  DiskFile& file = **opened;
  EXPECT_FALSE(file.append("head"));
  EXPECT_FALSE(file.append_zeros(200'000));
  EXPECT_EQ(file.size(), 200'004u);
  EXPECT_FALSE(file.write_at(4, "body"));
  EXPECT_FALSE(file.write_at(8, "more"));
  EXPECT_FALSE(file.sync());
  EXPECT_EQ(disk_.read_tail(path, 1'000'000)->bytes, "headbodymore" + std::string(199'992, '\0'));
  EXPECT_FALSE(file.truncate(8));
  EXPECT_FALSE(file.append("tail"));
  EXPECT_EQ(disk_.read_tail(path, 1000)->bytes, "headbodytail") << "no hole";
  auto other = disk_.open(path, OpenFile::Existing);
  ASSERT_TRUE(other);
  EXPECT_TRUE((*other)->write_at(0, "x")) << "Linux would write it at the end";
  EXPECT_EQ(disk_.read_tail(path, 1000)->bytes, "headbodytail");
}

TEST_F(PosixDiskTest, MissingFileHasNoBytesAndOtherErrorsAreTold) {
  EXPECT_EQ(disk_.read_tail(folder_ + "/none", 10)->bytes, "");
  EXPECT_FALSE(disk_.read_tail(folder_ + "/none/", 10).value().offset);
  EXPECT_FALSE(disk_.open(folder_, OpenFile::Existing));
  EXPECT_FALSE(disk_.list(folder_ + "/none"));
  EXPECT_TRUE(disk_.rename(folder_ + "/none", folder_ + "/other"));
  EXPECT_TRUE(disk_.remove(folder_ + "/none"));
  EXPECT_TRUE(disk_.sync_folder(folder_ + "/none"));
}

TEST_F(PosixDiskTest, LinksAreNotFollowed) {
  std::filesystem::create_symlink(folder_ + "/target", folder_ + "/link");
  EXPECT_FALSE(disk_.open(folder_ + "/link", OpenFile::Existing));
}

TEST_F(PosixDiskTest, RenamesRemovesAndLists) {
  ASSERT_TRUE(disk_.open(folder_ + "/a", OpenFile::Existing));
  ASSERT_TRUE(disk_.open(folder_ + "/b", OpenFile::Existing));
  EXPECT_FALSE(disk_.rename(folder_ + "/a", folder_ + "/c"));
  EXPECT_FALSE(disk_.remove(folder_ + "/b"));
  EXPECT_FALSE(disk_.sync_folder(folder_));
  EXPECT_THAT(*disk_.list(folder_), testing::ElementsAre("c"));
}

TEST(FolderOf, IsWhatIsBeforeTheLastSlash) {
  EXPECT_EQ(folder_of("/a/b/c"), "/a/b");
  EXPECT_EQ(folder_of("c"), ".");
}

TEST(RotatedName, HasTheTimeAndIsReadBack) {
  const WallTime time = std::chrono::sys_days(std::chrono::year(2026) / 11 / 21) + std::chrono::hours(10) +
                        std::chrono::minutes(47) + std::chrono::milliseconds(55'123);
  EXPECT_EQ(rotated_name("cdr.jsonl", time), "cdr-20261121T104755.123Z.jsonl");
  EXPECT_EQ(rotated_name("cdr", time), "cdr-20261121T104755.123Z");
  EXPECT_EQ(time_of_rotated_name("cdr.jsonl", "cdr-20261121T104755.123Z.jsonl"), time);
  for (const char* other :
       {"cdr.jsonl", "cdr-20261121T104755.123Z.json", "cdr-20261121T104755.123Z.jsonlx",
        "xdr-20261121T104755.123Z.jsonl", "cdr-20261321T104755.123Z.jsonl", "cdr-2026112xT104755.123Z.jsonl",
        "cdr-20261121 104755.123Z.jsonl", "cdr-20261121T104755x123Z.jsonl", "cdr--0261121T104755.123Z.jsonl"})
    EXPECT_FALSE(time_of_rotated_name("cdr.jsonl", other)) << other;
}

}  // namespace
}  // namespace sallyport::mgmt
