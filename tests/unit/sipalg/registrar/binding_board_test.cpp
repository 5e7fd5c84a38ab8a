// binding_board_test.cpp — who is registered where: RFC 3261 §10.3; threats R1.
#include "sipalg/registrar/binding_board.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace sallyport::sip {
namespace {

constexpr PeerIndex kPlace{3};
const Endpoint kHere = *parse_endpoint("198.18.1.1:5060", 0),
               kPhone = *parse_endpoint("198.18.1.20:40000", 0),
               kOther = *parse_endpoint("198.18.1.21:41000", 0);

SharedValue<Binding> binding(std::uint64_t number, const Endpoint& remote,
                             std::string_view aor = "alice@example.com") {
  auto made = make_value<Binding>();
  made->number = number;
  made->place = kPlace;
  made->aor = aor;
  made->path = {.realm = RealmIndex{0}, .local = kHere, .remote = remote};
  return made;
}

TEST(BindingBoard, FindsABindingByAorByNumberAndByFlow) {
  BindingBoard board(10, {1, 2});
  const auto one = binding(7, kPhone);
  EXPECT_TRUE(board.put(kPlace, one->aor, {one}));
  EXPECT_EQ(board.bindings_of(kPlace, "alice@example.com")->size(), 1u);
  EXPECT_EQ(board.numbered(7), one);
  EXPECT_EQ(board.from(one->path)->front(), one);
  EXPECT_TRUE(board.is_known(RealmIndex{0}, kPhone, Transport::Udp));
  EXPECT_FALSE(board.is_known(RealmIndex{0}, kPhone, Transport::Tcp));
  EXPECT_FALSE(board.is_known(RealmIndex{1}, kPhone, Transport::Udp));
  EXPECT_FALSE(board.is_known(RealmIndex{0}, kOther, Transport::Udp));
  EXPECT_TRUE(board.bindings_of(PeerIndex{4}, "alice@example.com")->empty());
  EXPECT_TRUE(board.bindings_of(kPlace, "bob@example.com")->empty());
  EXPECT_EQ(board.numbered(8), nullptr);
}

TEST(BindingBoard, FollowsABindingThatMovesToAnotherFlow) {
  BindingBoard board(10, {1, 2});
  const auto before = binding(7, kPhone), after = binding(7, kOther);
  EXPECT_TRUE(board.put(kPlace, before->aor, {before}));
  EXPECT_TRUE(board.put(kPlace, before->aor, {after}));
  EXPECT_TRUE(board.from(before->path)->empty());
  EXPECT_EQ(board.from(after->path)->front(), after);
  EXPECT_EQ(board.numbered(7), after);
  EXPECT_EQ(board.size(), 1u);
  EXPECT_EQ(board.aors(), 1u);
}

TEST(BindingBoard, KnowsSeveralLinesOfOneDevice) {
  BindingBoard board(10, {1, 2});
  const auto one = binding(7, kPhone), two = binding(8, kPhone, "bob@example.com");
  EXPECT_TRUE(board.put(kPlace, one->aor, {one}));
  EXPECT_TRUE(board.put(kPlace, two->aor, {two}));
  EXPECT_EQ(board.from(one->path)->size(), 2u);
  EXPECT_TRUE(board.put(kPlace, one->aor, {}));
  ASSERT_EQ(board.from(one->path)->size(), 1u);
  EXPECT_EQ(board.from(one->path)->front(), two);
  EXPECT_TRUE(board.put(kPlace, two->aor, {}));
  EXPECT_FALSE(board.is_known(RealmIndex{0}, kPhone, Transport::Udp));
  EXPECT_EQ(board.size(), 0u);
  EXPECT_EQ(board.aors(), 0u);
}

TEST(BindingBoard, HasRoomForSoManyAorsAndNoMore) {
  BindingBoard board(2, {1, 2});
  EXPECT_TRUE(board.put(kPlace, "a@x", {binding(1, kPhone, "a@x")}));
  EXPECT_TRUE(board.put(kPlace, "b@x", {binding(2, kPhone, "b@x")}));
  EXPECT_FALSE(board.put(kPlace, "c@x", {binding(3, kPhone, "c@x")}));
  EXPECT_EQ(board.numbered(3), nullptr);
  EXPECT_TRUE(board.put(kPlace, "a@x", {binding(1, kPhone, "a@x"), binding(4, kPhone, "a@x")}));
  EXPECT_TRUE(board.put(kPlace, "a@x", {}));
  EXPECT_TRUE(board.put(kPlace, "c@x", {binding(3, kPhone, "c@x")}));
  EXPECT_EQ(board.aors(), 2u);
}

TEST(BindingBoard, TakesNothingWhereThereIsNoRegistrar) {
  BindingBoard board(0, {1, 2});
  EXPECT_FALSE(board.put(kPlace, "a@x", {binding(1, kPhone, "a@x")}));
  EXPECT_TRUE(board.put(kPlace, "a@x", {}));
  EXPECT_FALSE(board.is_known(RealmIndex{0}, kPhone, Transport::Udp));
  EXPECT_TRUE(board.from({})->empty());
}

TEST(BindingBoard, IsReadWhileItsOwnersWrite) {
  BindingBoard board(1000, {1, 2});
  std::atomic<bool> is_over{false};
  std::thread reader([&] {
    while (!is_over)
      for (std::uint64_t number = 1; number <= 100; ++number)
        if (const auto found = board.numbered(number)) {
          EXPECT_LE(board.bindings_of(kPlace, found->aor)->size(), 1u);
        }
  });
  std::vector<std::thread> owners;
  for (std::uint64_t owner = 0; owner < 2; ++owner)
    owners.emplace_back([&board, owner] {
      for (unsigned round = 0; round < 50; ++round)
        for (std::uint64_t number = 1 + owner; number <= 100; number += 2) {
          const std::string aor = "user" + std::to_string(number) + "@x";
          const bool is_there =
              board.put(kPlace, aor, {binding(number, round % 2 != 0 ? kPhone : kOther, aor)});
          EXPECT_TRUE(is_there);
          if (round % 5 == 4) {
            EXPECT_TRUE(board.put(kPlace, aor, {}));
          }
        }
    });
  for (std::thread& owner : owners) owner.join();
  is_over = true;
  reader.join();
  EXPECT_EQ(board.size(), 0u);
}

}  // namespace
}  // namespace sallyport::sip
