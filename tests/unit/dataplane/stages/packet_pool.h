// packet_pool.h — real buffers for tests of stages: EAL without hugepages, and a pool that knows what is
// missing.
#pragma once

#include <gtest/gtest.h>
#include <rte_mbuf.h>

#include <vector>

#include "dataplane/pipeline/burst.h"
#include "tests/support/packet_builder.h"

namespace sallyport::test {

// The pool is made once for the program; each test checks that it gave back every buffer.
class WithPackets : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;  // frees what is left in the burst, then compares the pool's free buffers

  // One buffer holding `frame`.
  [[nodiscard]] static rte_mbuf* packet(const Bytes& frame);
  // The same in a chain of segments of at most `segment` octets.
  [[nodiscard]] static rte_mbuf* chained(const Bytes& frame, std::size_t segment);
  [[nodiscard]] static Bytes content(const rte_mbuf* packet);

  // Fills burst_ anew, after freeing what it held.
  void fill(const std::vector<rte_mbuf*>& packets);
  void fill(const std::vector<Bytes>& frames);
  void release();

  dataplane::Burst burst_;

 private:
  unsigned free_before_ = 0;
};

}  // namespace sallyport::test
