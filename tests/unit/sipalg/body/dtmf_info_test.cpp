// dtmf_info_test.cpp — digits in bodies of INFO, as gateways write them and as strangers do.
#include "sipalg/body/dtmf_info.h"

#include <gtest/gtest.h>

#include <string>

#include "sipalg/message/header_parser.h"

namespace sallyport::sip {
namespace {

std::string shown(const std::optional<media::Digit>& digit) {
  return digit ? std::to_string(digit->event) + ":" + std::to_string(digit->duration_ms) : "none";
}

TEST(DtmfInfo, ReadsTheBodiesThatGatewaysWrite) {
  const std::pair<const char*, const char*> bodies[] = {
      {"Signal=5\r\nDuration=160\r\n", "5:160"},
      {"Signal= 5\r\nDuration= 160\r\n", "5:160"},
      {"Signal=5\nDuration=160", "5:160"},
      {"Signal=5\r\nDuration=160\r\n\r\n", "5:160"},
      {"signal = *\r\nduration = 2000", "10:2000"},
      {"Signal=#", "11:160"},
      {"Signal=A\r\n", "12:160"},
      {"Signal=d\r\n", "15:160"},
      {"Signal=!\r\n", "16:160"},
      {"Signal=flash\r\n", "16:160"},
      {"Signal=10\r\nDuration=100", "10:100"},
      {"Signal=16\r\n", "16:160"},
      {"Signal=0\r\nDuration=0\r\nVolume=10\r\n", "0:0"},
      {"Duration=90\r\nSignal=9\r\n", "9:90"},
      {"Signal=5\r\nDuration=99999999999999999999999", "5:160"},
      {"Signal=5\r\nDuration=-1", "5:160"},
  };
  for (const auto& [body, digit] : bodies) EXPECT_EQ(shown(read_dtmf_relay(body)), digit) << body;
}

TEST(DtmfInfo, ReadsNothingWhereNoKeyIsNamedOrMoreThanOne) {
  const std::string bodies[] = {"",
                                "\r\n",
                                "Signal=\r\n",
                                "Signal",
                                "Duration=160",
                                "Signal=5\r\nSignal=6\r\n",
                                "Signal=5\r\nSignal=5\r\n",
                                "Signal=55\r\n",
                                "Signal=09\r\n",
                                "Signal=17\r\n",
                                "Signal=E\r\n",
                                "Signal=5 5\r\n",
                                "Signal=5\r\nrubbish\r\n",
                                std::string("Signal=5\0", 9),
                                std::string("\0Signal=5", 9),
                                "Signal=5\r\nX=" + std::string(65536, 'A'),
                                std::string(65536, '='),
                                std::string(65536, '\n')};
  for (const std::string& body : bodies)
    EXPECT_EQ(shown(read_dtmf_relay(body)), "none") << body.substr(0, 40);
}

TEST(DtmfInfo, ReadsABodyThatIsTheKeyAlone) {
  EXPECT_EQ(shown(read_dtmf_digit("5")), "5:160");
  EXPECT_EQ(shown(read_dtmf_digit("#\r\n")), "11:160");
  EXPECT_EQ(shown(read_dtmf_digit(" b ")), "13:160");
  for (const std::string& body :
       {std::string(), std::string("55"), std::string("x"), std::string(65536, '5')})
    EXPECT_EQ(shown(read_dtmf_digit(body)), "none");
}

TEST(DtmfInfo, WritesWhatItReads) {
  std::array<char, kDtmfBodyMax> room;
  EXPECT_EQ(write_dtmf_relay(room, {10, 160}), "Signal=*\r\nDuration=160\r\n");
  for (std::uint8_t event = 0; event <= media::kFlashEvent; ++event)
    for (const std::uint16_t ms : {std::uint16_t{0}, std::uint16_t{65535}})
      EXPECT_EQ(read_dtmf_relay(write_dtmf_relay(room, {event, ms})), (media::Digit{event, ms}));
}

}  // namespace
}  // namespace sallyport::sip
