// node_state_test.cpp — the secret of a node is made once, kept, and refused when it is damaged or open to
// others; sealed files are taken once, whenever the process or the power goes.
#include "mgmt/state/node_state.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/unit/mgmt/records/fake_disk.h"

namespace sallyport::mgmt {
namespace {

using testing::HasSubstr;

class NodeStateTest : public testing::Test {
 protected:
  NodeStateTest() {
    std::string path = (std::filesystem::temp_directory_path() / "sallyport-state-XXXXXX").string();
    folder_ = ::mkdtemp(path.data());
  }
  ~NodeStateTest() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::string secret() const { return folder_ + "/node.secret"; }
  [[nodiscard]] std::string bytes(const std::string& path) const {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void write(const std::string& path, const std::string& bytes) const {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  }
  [[nodiscard]] std::string error() {
    const auto state = NodeState::open(disk_, folder_);
    return state ? "" : state.error();
  }

  PosixDisk disk_;
  std::string folder_;
};

TEST_F(NodeStateTest, SecretIsMadeOnceForItsOwnerAlone) {
  HashKey tokens;
  {
    const auto state = NodeState::open(disk_, folder_);
    ASSERT_TRUE(state) << state.error();
    tokens = (*state)->key("tokens");
    EXPECT_NE(tokens.k0, (*state)->key("other").k0);
    EXPECT_NE(tokens.k0, tokens.k1);
  }
  struct stat status{};
  ASSERT_EQ(::stat(secret().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600u);
  EXPECT_FALSE(std::filesystem::exists(secret() + ".new"));
  const auto again = NodeState::open(disk_, folder_);
  ASSERT_TRUE(again);
  EXPECT_EQ((*again)->key("tokens").k0, tokens.k0);
  EXPECT_EQ((*again)->key("tokens").k1, tokens.k1);
}

TEST_F(NodeStateTest, EachNodeHasASecretOfItsOwn) {
  const auto one = NodeState::open(disk_, folder_);
  std::filesystem::create_directory(folder_ + "/other");
  const auto two = NodeState::open(disk_, folder_ + "/other");
  ASSERT_TRUE(one && two);
  EXPECT_NE((*one)->key("tokens").k0, (*two)->key("tokens").k0);
}

TEST_F(NodeStateTest, FolderBelongsToOneProcessAtATime) {
  const auto state = NodeState::open(disk_, folder_);
  ASSERT_TRUE(state);
  EXPECT_THAT(error(), HasSubstr("in use"));
}

TEST_F(NodeStateTest, HalfMadeSecretOfACrashIsMadeAnew) {
  write(secret() + ".new", "SPNO");
  EXPECT_EQ(error(), "");
  EXPECT_FALSE(std::filesystem::exists(secret() + ".new"));
}

TEST_F(NodeStateTest, DamagedSecretIsRefusedAndNotReplaced) {
  ASSERT_EQ(error(), "");
  const std::string good = bytes(secret());
  std::string flipped = good;
  flipped[20] = static_cast<char>(flipped[20] ^ 1);
  for (const std::string& bad :
       {flipped, good.substr(0, 30), good + "x", std::string(), std::string(44, '\0')}) {
    write(secret(), bad);
    EXPECT_THAT(error(), HasSubstr("damaged"));
    EXPECT_EQ(bytes(secret()), bad);
  }
  write(secret(), good);
  EXPECT_EQ(error(), "");
}

TEST_F(NodeStateTest, SecretThatOthersCanReadIsRefused) {
  ASSERT_EQ(error(), "");
  for (const mode_t mode : {0640u, 0604u, 0660u, 0644u}) {
    ASSERT_EQ(::chmod(secret().c_str(), mode), 0);
    EXPECT_THAT(error(), HasSubstr("chmod 600"));
  }
  ASSERT_EQ(::chmod(secret().c_str(), 0600), 0);
  EXPECT_EQ(error(), "");
}

TEST_F(NodeStateTest, LinkInPlaceOfTheSecretIsRefused) {
  ASSERT_EQ(error(), "");
  std::filesystem::rename(secret(), folder_ + "/elsewhere");
  std::filesystem::create_symlink(folder_ + "/elsewhere", secret());
  EXPECT_NE(error(), "");
}

TEST_F(NodeStateTest, MissingFolderIsAnError) {
  folder_ += "/none";
  EXPECT_THAT(error(), HasSubstr("/none"));
  folder_ = folder_.substr(0, folder_.size() - 5);
}

TEST_F(NodeStateTest, SealedFileIsTakenOnce) {
  const auto state = NodeState::open(disk_, folder_);
  ASSERT_TRUE(state);
  EXPECT_EQ((*state)->take_sealed("calls").value(), std::nullopt);
  ASSERT_EQ((*state)->save_sealed("calls", "one"), "");
  ASSERT_EQ((*state)->save_sealed("calls", "two"), "");
  EXPECT_EQ((*state)->take_sealed("calls").value(), "two");
  EXPECT_EQ((*state)->take_sealed("calls").value(), std::nullopt);
}

TEST_F(NodeStateTest, DamagedSealedFileIsPutAside) {
  const auto state = NodeState::open(disk_, folder_);
  ASSERT_TRUE(state);
  ASSERT_EQ((*state)->save_sealed("calls", "one"), "");
  write(folder_ + "/calls", "no seal");
  const auto taken = (*state)->take_sealed("calls");
  ASSERT_FALSE(taken);
  EXPECT_THAT(taken.error(), HasSubstr("calls.bad"));
  EXPECT_EQ(bytes(folder_ + "/calls.bad"), "no seal");
  EXPECT_EQ((*state)->take_sealed("calls").value(), std::nullopt);
}

TEST_F(NodeStateTest, EpochGrowsAtEachStartWhateverTheClockSays) {
  const auto state = NodeState::open(disk_, folder_);
  ASSERT_TRUE(state);
  const WallTime now{std::chrono::seconds(1'800'000'000)};
  EXPECT_EQ((*state)->next_epoch(now).value(), 1'800'000'000u);
  EXPECT_EQ((*state)->next_epoch(now).value(), 1'800'000'001u);
  EXPECT_EQ((*state)->next_epoch(WallTime{}).value(), 1'800'000'002u) << "a machine without a battery";
  EXPECT_EQ((*state)->next_epoch(now + std::chrono::seconds(60)).value(), 1'800'000'060u);
}

TEST_F(NodeStateTest, DamagedEpochIsRefused) {
  const auto state = NodeState::open(disk_, folder_);
  ASSERT_TRUE(state);
  for (const char* bad : {"x\n", "12", "12 \n", "99999999999\n", "-1\n", "\n", "4294967295\n"}) {
    write(folder_ + "/epoch", bad);
    EXPECT_FALSE((*state)->next_epoch(WallTime{})) << bad;
  }
}

class SealedFileTest : public NodeStateTest {
 protected:
  // On the fake disk the sealed files; the secret is in the real folder.
  FakeDisk fake_;
  std::unique_ptr<NodeState> state_ = std::move(NodeState::open(fake_, folder_).value());
  std::mt19937_64 random_{3};
};

TEST_F(SealedFileTest, CrashWhileSavingLeavesTheOldOrTheNewOne) {
  for (std::uint64_t kill = 1; kill <= 6; ++kill) {
    fake_.kill_before = 0;
    ASSERT_EQ(state_->save_sealed("calls", "old"), "");
    fake_.kill_before = fake_.operations + kill;
    std::string result = "killed";
    try {
      result = state_->save_sealed("calls", "new");
    } catch (const Killed&) {
    }
    fake_.cut_power(random_);
    const auto taken = state_->take_sealed("calls");
    ASSERT_TRUE(taken) << taken.error();
    ASSERT_TRUE(taken->has_value());
    if (result.empty()) {
      EXPECT_EQ(**taken, "new");
    }
    EXPECT_TRUE(**taken == "new" || **taken == "old") << **taken;
  }
}

TEST_F(SealedFileTest, WhatWasTakenNeverComesBack) {
  for (std::uint64_t kill = 1; kill <= 4; ++kill) {
    fake_.kill_before = 0;
    ASSERT_EQ(state_->save_sealed("calls", "calls"), "");
    fake_.kill_before = fake_.operations + kill;
    bool was_taken = false;
    try {
      was_taken = state_->take_sealed("calls").value().has_value();
    } catch (const Killed&) {
    }
    fake_.cut_power(random_);
    const auto again = state_->take_sealed("calls");
    ASSERT_TRUE(again);
    if (was_taken) {
      EXPECT_FALSE(again->has_value());
    }
  }
}

TEST_F(SealedFileTest, IsNotUsedWhenItCannotBeRemoved) {
  ASSERT_EQ(state_->save_sealed("calls", "calls"), "");
  fake_.fault = [](DiskOperation operation, const std::string&) {
    return operation == DiskOperation::SyncFolder ? std::make_error_code(std::errc::io_error)
                                                  : std::error_code();
  };
  EXPECT_FALSE(state_->take_sealed("calls"));
}

TEST_F(SealedFileTest, FullDiskIsTold) {
  fake_.room = 10;
  EXPECT_THAT(state_->save_sealed("calls", "calls"), HasSubstr("can't be written"));
}

}  // namespace
}  // namespace sallyport::mgmt
