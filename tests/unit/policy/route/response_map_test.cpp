// response_map_test.cpp — codes that a neighbour is shown in place of others.
#include "policy/route/response_map.h"

#include <gtest/gtest.h>

namespace sallyport::policy {
namespace {

TEST(ResponseMap, TheFirstEntryForACodeWins) {
  const ResponseMap map[] = {{603, 486}, {486, 600}, {603, 480}};
  EXPECT_EQ(mapped_code(map, 603), 486);
  EXPECT_EQ(mapped_code(map, 486), 600);
  EXPECT_EQ(mapped_code(map, 404), 404);
  EXPECT_EQ(mapped_code({}, 603), 603);
}

TEST(ResponseMap, SuccessAndProgressAreNeverMappedNorMade) {
  const ResponseMap map[] = {{180, 486}, {200, 486}, {486, 200}, {503, 700}, {500, 0}};
  constexpr std::uint16_t kCodes[] = {100, 180, 200, 299, 486, 503, 500, 700};
  for (const std::uint16_t code : kCodes) EXPECT_EQ(mapped_code(map, code), code);
}

}  // namespace
}  // namespace sallyport::policy
