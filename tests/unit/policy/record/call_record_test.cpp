// call_record_test.cpp — the printed form of a call's number, and texts that are none.
#include "policy/record/call_record.h"

#include <gtest/gtest.h>

namespace sallyport {
namespace {

TEST(CallIdText, IsTwoGroupsOfEightHexDigits) {
  EXPECT_EQ(call_id_text(0x67408c3e00001a2b), "67408c3e-00001a2b");
  EXPECT_EQ(call_id_text(0), "00000000-00000000");
  EXPECT_EQ(call_id_text(UINT64_MAX), "ffffffff-ffffffff");
}

TEST(CallIdText, IsReadBack) {
  for (const std::uint64_t call : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{0x67408c3e00001a2b},
                                   std::uint64_t{1} << 32, std::uint64_t{1} << 63, UINT64_MAX})
    EXPECT_EQ(parse_call_id_text(call_id_text(call)), call);
}

TEST(CallIdText, CapitalsAreReadToo) {
  EXPECT_EQ(parse_call_id_text("67408C3E-00001A2B"), 0x67408c3e00001a2bu);
}

TEST(CallIdText, OtherTextsAreNone) {
  for (const std::string_view text :
       {"", "-", "67408c3e", "67408c3e00001a2b", "67408c3e-00001a2", "67408c3e-00001a2b0",
        "67408c3e_00001a2b", "67408c3g-00001a2b", "67408c3e-00001a2g", "+7408c3e-00001a2b",
        "-7408c3e-00001a2b", "0x408c3e-00001a2b", " 7408c3e-00001a2b", "67408c3e-0000 a2b",
        "67408c3e-0000-a2b"})
    EXPECT_FALSE(parse_call_id_text(text)) << text;
  EXPECT_FALSE(parse_call_id_text(std::string_view("67408c3e-00001a2\0", 17)));
}

}  // namespace
}  // namespace sallyport
