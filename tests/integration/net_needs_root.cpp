// net_needs_root.cpp — these tests make network namespaces: without root they fail, they are not passed over.
#include <gtest/gtest.h>
#include <unistd.h>

namespace {

class NeedsRoot : public testing::Environment {
 public:
  void SetUp() override { ASSERT_EQ(geteuid(), 0u) << "run as root (sudo tests/run)"; }
};

const testing::Environment* const kNeedsRoot = testing::AddGlobalTestEnvironment(new NeedsRoot);

}  // namespace
