// text_table_test.cpp — alignment of tables.
#include "mgmt/cli/text_table.h"

#include <gtest/gtest.h>

namespace sallyport::mgmt {
namespace {

TEST(TextTable, AlignsColumnsByCharactersNotOctets) {
  TextTable table({{"NAME"}, {"COUNT", Align::Right}, {"NOTE"}});
  table.add_row({{"Zürich"}, {"7"}, {"a"}});
  table.add_row({{"x"}, {"1,000,000"}, {""}});
  EXPECT_EQ(table.draw(false),
            "NAME        COUNT  NOTE\n"
            "Zürich          7  a\n"
            "x       1,000,000\n");
}

TEST(TextTable, ColoursTheTextAndNotItsPadding) {
  TextTable table({{"A", Align::Right}});
  table.add_row({{"1", Tint::Bad}});
  table.add_row({{"22"}});
  EXPECT_EQ(table.draw(true), " A\n \x1b[31m1\x1b[0m\n22\n");
}

TEST(TextTable, EscapesControlBytes) {
  TextTable table({{"A"}});
  table.add_row({{"a\nb"}});
  EXPECT_EQ(table.draw(false), "A\na\\x0ab\n");
}

TEST(Grouped, SeparatesThousands) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1,000");
  EXPECT_EQ(grouped(18446744073709551615u), "18,446,744,073,709,551,615");
}

}  // namespace
}  // namespace sallyport::mgmt
