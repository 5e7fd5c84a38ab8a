// line_text_test.cpp — the fast ways write what the general ones write, byte for byte.
#include "mgmt/records/line_text.h"

#include <gtest/gtest.h>

#include <random>

#include "mgmt/log/log_line.h"

namespace sallyport::mgmt {
namespace {

template <class Append, class Value>
std::string text_of(Append append, const Value& value) {
  std::string out = "x";
  {
    TextRoom room(out);
    append(room, value);
  }
  return out;
}

template <class Value>
std::string general(const Value& value) {
  std::string out = "x";
  append_json_string(out, value);
  return out;
}

TEST(LineText, StringsAreEscapedAsEverywhere) {
  std::mt19937_64 random(8259);
  for (int turn = 0; turn < 20'000; ++turn) {
    std::string text(random() % 12, 'a');
    for (char& c : text)
      if (turn % 3 != 0) c = static_cast<char>(random());
    ASSERT_EQ(text_of(append_line_string, text), general(text));
  }
  for (int byte = 0; byte < 256; ++byte) {
    const std::string text = std::string("a") + static_cast<char>(byte) + "b";
    EXPECT_EQ(text_of(append_line_string, text), general(text)) << byte;
  }
}

// Text is looked at in words of eight: the one byte that needs an escape is found at each place of each
// length.
TEST(LineText, OneByteToEscapeIsFoundAtEachPlace) {
  for (std::size_t length = 1; length <= 26; ++length)
    for (std::size_t place = 0; place < length; ++place)
      for (int byte = 0; byte < 256; ++byte) {
        std::string text(length, byte % 2 == 0 ? ' ' : '~');
        text[place] = static_cast<char>(byte);
        ASSERT_EQ(text_of(append_line_string, text), general(text)) << length << " " << place << " " << byte;
      }
}

TEST(LineText, TimesAreThoseOfTheLog) {
  std::mt19937_64 random(3339);
  for (int turn = 0; turn < 20'000; ++turn) {
    const WallTime time{std::chrono::milliseconds(static_cast<std::int64_t>(random() % 253'402'300'800'000))};
    ASSERT_EQ(text_of(append_line_time, time), general(iso_8601(time)));
  }
  for (const std::int64_t moment : {0LL, 951'782'400'000LL, 4'107'542'399'999LL, 253'402'300'799'999LL,
                                    253'402'300'800'000LL, -1'000LL, -86'400'000'000LL}) {
    const WallTime time{std::chrono::milliseconds(moment)};
    EXPECT_EQ(text_of(append_line_time, time), general(iso_8601(time)));
  }
}

TEST(LineText, EndpointsAreThoseOfTheBase) {
  std::mt19937_64 random(4291);
  for (int turn = 0; turn < 5'000; ++turn) {
    Endpoint endpoint{IpAddress::v4(static_cast<std::uint32_t>(random())),
                      static_cast<std::uint16_t>(random())};
    if (turn % 2 != 0) {
      std::array<std::uint8_t, 16> bytes{};
      for (auto& byte : bytes) byte = random() % 3 == 0 ? 0 : static_cast<std::uint8_t>(random());
      endpoint.address = IpAddress::v6(bytes);
    }
    ASSERT_EQ(text_of(append_line_endpoint, endpoint), general(to_string(endpoint)));
  }
  EXPECT_EQ(text_of(append_line_endpoint, Endpoint{}), general(to_string(Endpoint{})));
}

TEST(LineText, NumbersOfEveryLength) {
  for (const std::uint64_t value : {std::uint64_t{0}, std::uint64_t{9}, std::uint64_t{10}, UINT64_MAX})
    EXPECT_EQ(text_of(append_line_number, value), "x" + std::to_string(value));
}

TEST(LineText, KeysAreQuotedBehindTheirComma) { EXPECT_EQ(LineKey("peer_in").text(), R"(,"peer_in":)"); }

}  // namespace
}  // namespace sallyport::mgmt
