// boxed_test.cpp — optional values that take memory only while they are there.
#include "policy/base/boxed.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>

#include "policy/base/archive.h"
#include "policy/base/big_table.h"

namespace sallyport {
namespace {

struct Thing {
  std::string name;
  template <class Archive>
  void archive(Archive& a) {
    a(name);
  }
};

TEST(Boxed, HasNothingUntilItIsGivenSomething) {
  Boxed<Thing> box;
  EXPECT_FALSE(box);
  box = Thing{"one"};
  ASSERT_TRUE(box.has_value());
  EXPECT_EQ(box->name, "one");
  box.reset();
  EXPECT_FALSE(box.has_value());
}

TEST(Boxed, ACopyHasAValueOfItsOwn) {
  const Boxed<Thing> box = Thing{"one"};
  Boxed<Thing> copy = box;
  copy->name = "two";
  EXPECT_EQ(box->name, "one");
  copy = Boxed<Thing>();
  EXPECT_FALSE(copy);
}

TEST(Boxed, IsSavedAndReadAsAnOptionalIs) {
  for (const bool is_there : {false, true}) {
    const Boxed<Thing> box = is_there ? Boxed<Thing>(Thing{"one"}) : Boxed<Thing>();
    const auto same = is_there ? std::optional(Thing{"one"}) : std::nullopt;
    std::string bytes, same_bytes;
    ArchiveWriter(bytes, Timestamp{})(box);
    ArchiveWriter(same_bytes, Timestamp{})(same);
    EXPECT_EQ(bytes, same_bytes);
    Boxed<Thing> read = Thing{"before"};
    ArchiveReader reader(bytes, Timestamp{});
    reader(read);
    EXPECT_TRUE(reader.done());
    ASSERT_EQ(read.has_value(), is_there);
    if (is_there) {
      EXPECT_EQ(read->name, "one");
    }
  }
}

TEST(BigTable, HoldsSmallAndLargeNumbersOfValues) {
  for (const std::size_t size : {std::size_t{1}, std::size_t{300'000}, std::size_t{1'000'000}}) {
    BigTable<std::uint64_t> table(size, 7);
    EXPECT_EQ(table.size(), size);
    EXPECT_EQ(table.front() + table.back(), 14u);
    table.resize(2 * size, 9);
    EXPECT_EQ(table[size - 1] + table[size], 16u);
  }
}

}  // namespace
}  // namespace sallyport
