// header_name_test.cpp — identity of header field names: RFC 3261 §7.3.1, §7.3.3.
#include "sipalg/message/header_name.h"

#include <gtest/gtest.h>

#include <cctype>
#include <string>

namespace sallyport::sip {
namespace {

TEST(HeaderName, EveryNameIsFoundInEveryCase) {
  for (std::size_t i = 1; i < kHeaderNameCount; ++i) {
    const auto name = static_cast<HeaderName>(i);
    std::string upper(to_string(name)), lower(to_string(name));
    for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    EXPECT_EQ(header_name_of(to_string(name)), name) << lower;
    EXPECT_EQ(header_name_of(upper), name) << lower;
    EXPECT_EQ(header_name_of(lower), name) << lower;
    const std::string more = lower + std::string(64, ':');  // read where it stands
    EXPECT_EQ(header_name_of({more.data(), lower.size()}, more.data() + more.size()), name) << lower;
  }
}

TEST(HeaderName, NeighboursOfANameAreOther) {
  for (std::size_t i = 1; i < kHeaderNameCount; ++i) {
    const std::string name(to_string(static_cast<HeaderName>(i)));
    for (std::size_t at = 0; at < name.size(); ++at) {
      std::string changed = name;
      changed[at] = changed[at] == '%' ? '!' : '%';
      EXPECT_EQ(header_name_of(changed), HeaderName::Other) << changed;
    }
    EXPECT_EQ(header_name_of(name + "x"), HeaderName::Other);
    if (name.size() > 2) {
      EXPECT_NE(header_name_of(name.substr(0, name.size() - 1)), static_cast<HeaderName>(i));
    }
  }
}

TEST(HeaderName, CompactFormsStandForTheirNames) {
  const std::pair<char, HeaderName> forms[] = {{'v', HeaderName::Via},
                                               {'f', HeaderName::From},
                                               {'t', HeaderName::To},
                                               {'i', HeaderName::CallId},
                                               {'m', HeaderName::Contact},
                                               {'l', HeaderName::ContentLength},
                                               {'c', HeaderName::ContentType},
                                               {'k', HeaderName::Supported},
                                               {'s', HeaderName::Subject},
                                               {'e', HeaderName::ContentEncoding},
                                               {'o', HeaderName::Event},
                                               {'u', HeaderName::AllowEvents},
                                               {'r', HeaderName::ReferTo},
                                               {'b', HeaderName::ReferredBy},
                                               {'x', HeaderName::SessionExpires},
                                               {'y', HeaderName::Identity}};
  for (const auto& [letter, name] : forms) {
    EXPECT_EQ(header_name_of(std::string(1, letter)), name);
    EXPECT_EQ(header_name_of(std::string(1, static_cast<char>(std::toupper(letter)))), name);
  }
  EXPECT_EQ(header_name_of("z"), HeaderName::Other);
  EXPECT_EQ(header_name_of(""), HeaderName::Other);
}

TEST(HeaderName, LongUnknownNameIsOther) {
  EXPECT_EQ(header_name_of(std::string(128, 'v')), HeaderName::Other);
  EXPECT_EQ(header_name_of(std::string(31, 'v')), HeaderName::Other);
}

}  // namespace
}  // namespace sallyport::sip
