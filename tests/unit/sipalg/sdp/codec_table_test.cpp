// codec_table_test.cpp — codecs by name and by number: RFC 3551 §6.
#include "sipalg/sdp/codec_table.h"

#include <gtest/gtest.h>

namespace sallyport::sip {
namespace {

TEST(CodecTable, StaticNumbersAreThoseOfTheProfile) {
  const std::pair<int, std::string_view> kNumbers[] = {{0, "PCMU"},  {3, "GSM"},  {4, "G723"},  {8, "PCMA"},
                                                       {9, "G722"},  {13, "CN"},  {18, "G729"}, {31, "H261"},
                                                       {34, "H263"}, {15, "G728"}};
  for (const auto& [number, name] : kNumbers) {
    const Codec* const codec = find_static_codec(static_cast<std::uint8_t>(number));
    ASSERT_NE(codec, nullptr) << number;
    EXPECT_EQ(codec->name, name);
  }
  EXPECT_EQ(find_static_codec(97), nullptr);
  EXPECT_EQ(find_static_codec(kNoStaticType), nullptr);
}

TEST(CodecTable, NamesAreFoundInLettersOfEitherSizeWithTheirClock) {
  ASSERT_NE(find_codec("OPUS", 48000, 2), nullptr);
  EXPECT_EQ(find_codec("OPUS", 48000, 1), find_codec("opus", 48000, 2)) << "channels left out";
  EXPECT_EQ(find_codec("opus", 8000, 2), nullptr);
  EXPECT_EQ(find_codec("speex", 32000, 1)->clock_rate, 32000u);
  EXPECT_EQ(find_codec("nothing", 8000, 1), nullptr);
}

TEST(CodecTable, AFormatWithoutRtpmapHasTheNameOfItsStaticNumber) {
  SdpFormat format;
  format.number = 18;
  EXPECT_EQ(named(format).name, "G729");
  format.number = 101;
  EXPECT_EQ(named(format).name, "");
  format.encoding = "telephone-event";
  format.clock_rate = 8000;
  EXPECT_TRUE(is_telephone_event(named(format).name));
  EXPECT_FALSE(named(format).codec->is_voice);
}

TEST(CodecTable, EveryCodecOfVoiceHasARateAndARobustness) {
  for (unsigned type = 0; type < 128; ++type)
    if (const Codec* const codec = find_static_codec(static_cast<std::uint8_t>(type))) {
      EXPECT_GE(codec->bpl, 1) << codec->name;
      EXPECT_TRUE(!codec->is_voice || codec->kbit > 0) << codec->name;
    }
}

}  // namespace
}  // namespace sallyport::sip
