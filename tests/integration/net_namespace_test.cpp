// net_namespace_test.cpp — namespaces made, seen, kept from others, taken over from the dead, removed.
#include "dataplane/net/network_namespace.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/integration/net_shell.h"

namespace sallyport::dataplane {
namespace {

ino_t inode_of(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}
std::string path_of(const std::string& name) { return "/run/netns/" + name; }

// A process that makes the namespace, or fails, and then waits to be killed.
class Child {
 public:
  explicit Child(const std::string& name) {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      const auto made = NetworkNamespace::create(name);
      const char said = made ? 'y' : 'n';
      static_cast<void>(!::write(ends[1], &said, 1));
      for (;;) ::pause();
    }
    ::close(ends[1]);
    char said = 'n';
    has_made_it_ = ::read(ends[0], &said, 1) == 1 && said == 'y';
    ::close(ends[0]);
  }
  ~Child() { kill(); }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  bool has_made_it_ = false;

 private:
  pid_t pid_ = 0;
};

TEST(NetworkNamespace, IsNamedAfterNodeAndPort) {
  EXPECT_EQ(namespace_name("edge-1", "outside"), "sp-edge-1-outside");
}

TEST(NetworkNamespace, IsSeenByIpNetnsUntilRemoved) {
  const std::string name = unique_name("a");
  auto made = NetworkNamespace::create(name);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_TRUE(run("ip netns list | grep -w " + name));
  EXPECT_TRUE(run("ip netns exec " + name + " true"));
  EXPECT_NE(inode_of(path_of(name)), inode_of("/proc/self/ns/net"));
  made->remove();
  made->remove();
  EXPECT_FALSE(run("ip netns list | grep -w " + name));
  EXPECT_EQ(inode_of(path_of(name)), 0u);
}

TEST(NetworkNamespace, RunsATaskInsideAndLeavesTheCallerWhereItWas) {
  const auto made = NetworkNamespace::create(unique_name("b"));
  ASSERT_TRUE(made);
  const ino_t before = inode_of("/proc/thread-self/ns/net");
  ino_t inside = 0;
  ASSERT_TRUE(made->run([&] { inside = inode_of("/proc/thread-self/ns/net"); }));
  EXPECT_EQ(inside, inode_of(path_of(made->name())));
  EXPECT_EQ(inode_of("/proc/thread-self/ns/net"), before);
}

TEST(NetworkNamespace, OfALiveInstanceIsRefusedAndLeftAlone) {
  const std::string name = unique_name("c");
  Child other(name);
  ASSERT_TRUE(other.has_made_it_);
  const ino_t before = inode_of(path_of(name));
  const auto mine = NetworkNamespace::create(name);
  ASSERT_FALSE(mine);
  EXPECT_NE(mine.error().message.find("running Sallyport"), std::string::npos) << mine.error().message;
  EXPECT_NE(mine.error().message.find("node.name"), std::string::npos);
  EXPECT_EQ(inode_of(path_of(name)), before);
  other.kill();
  EXPECT_TRUE(NetworkNamespace::create(name));
}

TEST(NetworkNamespace, OfAKilledInstanceIsMadeAnew) {
  const std::string name = unique_name("d");
  Child other(name);
  ASSERT_TRUE(other.has_made_it_);
  ASSERT_TRUE(run("ip -n " + name + " link add left0 type veth peer name left1"));
  other.kill();
  const auto mine = NetworkNamespace::create(name);
  ASSERT_TRUE(mine) << mine.error().message;
  EXPECT_FALSE(run("ip -n " + name + " link show left0"));
}

TEST(NetworkNamespace, TakesTheNameFromAFileThatIsNoNamespace) {
  const std::string name = unique_name("e");
  ASSERT_TRUE(run("ip netns add " + name));  // makes the folder too
  ASSERT_TRUE(run("umount " + path_of(name)));
  const auto mine = NetworkNamespace::create(name);
  ASSERT_TRUE(mine) << mine.error().message;
  EXPECT_TRUE(run("ip netns exec " + name + " true"));
}

// On a machine where nobody has used `ip netns` yet /run/netns is neither there nor a shared mount.
TEST(NetworkNamespace, IsTheFirstOfItsMachine) {
  const pid_t child = ::fork();
  if (child == 0) {
    bool is_good = ::unshare(CLONE_NEWNS) == 0 &&
                   ::mount("", "/", "none", MS_REC | MS_PRIVATE, nullptr) == 0 &&
                   ::mount("tmpfs", "/run", "tmpfs", 0, nullptr) == 0;
    {
      const auto made = NetworkNamespace::create("first");
      is_good = is_good && made && run("ip netns exec first true") &&
                run("grep ' /run/netns .* shared:' /proc/self/mountinfo");
    }
    ::_exit(is_good && !run("ip netns list | grep first") ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(NetworkNamespace, OfAnotherNodeLivesBesideIt) {
  const auto one = NetworkNamespace::create(namespace_name(unique_name("n1"), "outside"));
  const auto two = NetworkNamespace::create(namespace_name(unique_name("n2"), "outside"));
  EXPECT_TRUE(one);
  EXPECT_TRUE(two);
}

TEST(NetworkNamespace, RefusesANameThatLeadsElsewhere) {
  EXPECT_FALSE(NetworkNamespace::create("../sneaky"));
  EXPECT_FALSE(NetworkNamespace::create(""));
  EXPECT_FALSE(NetworkNamespace::create(std::string(300, 'n')));
}

TEST(NetworkNamespace, SaysWhichOneItCannotOpen) {
  const auto none = NetworkNamespace::open(unique_name("none"));
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().message.find(unique_name("none")), std::string::npos);
}

}  // namespace
}  // namespace sallyport::dataplane
