// ingress_filter_test.cpp — the ruleset that hides an interface's traffic from the host.
#include "dataplane/net/ingress_filter.h"

#include <gtest/gtest.h>

namespace sallyport::dataplane {
namespace {

TEST(IngressFilter, ReplacesItsOwnTableAndDropsOnEachInterface) {
  EXPECT_EQ(ingress_ruleset("edge-1", {"s-out", "s-in"}),
            "table netdev sallyport-edge-1\n"
            "delete table netdev sallyport-edge-1\n"
            "table netdev sallyport-edge-1 {\n"
            "  chain port0 { type filter hook ingress device \"s-out\" priority 0; policy drop; }\n"
            "  chain port1 { type filter hook ingress device \"s-in\" priority 0; policy drop; }\n"
            "}\n");
}

TEST(IngressFilter, LetsNoNodeNameChangeTheRuleset) {
  EXPECT_TRUE(
      ingress_ruleset("a; flush ruleset", {}).starts_with("table netdev sallyport-a__flush_ruleset\n"));
}

}  // namespace
}  // namespace sallyport::dataplane
