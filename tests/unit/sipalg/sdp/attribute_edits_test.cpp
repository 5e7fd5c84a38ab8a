// attribute_edits_test.cpp — steps of header rules on attributes of SDP.
#include "sipalg/sdp/attribute_edits.h"

#include <gtest/gtest.h>

#include "tests/support/media_fixture.h"

namespace sallyport::sip {
namespace {

using tests::MediaFixture;

constexpr std::string_view kLines =
    "m=audio 4000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\n"
    "a=maxptime:150\r\na=X-own:secret\r\nm=video 4002 RTP/AVP 31\r\na=framerate:15\r\na=framerate:30\r\n";

// What stands below the m-lines for the callee, ports left out, when these steps are done.
std::string edited(std::vector<RuleStep> steps) {
  HeaderRuleConfig rule;
  rule.name = "edits";
  rule.steps = std::move(steps);
  const policy::RuleSet rules({rule});
  policy::RuleSubject subject;
  policy::RuleEdits edits;
  rules.apply(std::array<std::uint16_t, 1>{0}, subject, edits);
  MediaFixture call;
  call.edits = {edits.sdp, &rules};
  const std::string sdp = call.offer(tests::sdp_of("192.0.2.10", kLines)).sdp;
  const std::size_t audio = sdp.find("m=audio"), video = sdp.find("m=video");
  if (audio == std::string::npos || video == std::string::npos) return sdp;
  const auto below = [](std::string_view section) {
    return std::string(section.substr(section.find('\n') + 1));
  };
  return below(sdp.substr(audio, video - audio)) + "-\r\n" + below(sdp.substr(video));
}

constexpr std::string_view kMap = "a=rtpmap:101 telephone-event/8000\r\n";

TEST(AttributeEdits, WithoutStepsAllIsAsItCrosses) {
  EXPECT_EQ(edited({}), std::string(kMap) +
                            "a=fmtp:101 0-16\r\na=ptime:20\r\na=maxptime:150\r\na=sendrecv\r\n-\r\n"
                            "a=framerate:15\r\na=framerate:30\r\na=sendrecv\r\n");
}

TEST(AttributeEdits, RemoveTakesAllOrTheFirstOfEachMLine) {
  EXPECT_EQ(edited({{"sdp:maxptime", RuleAction::Remove, "", "all"},
                    {"sdp:framerate", RuleAction::Remove, "", "first"}}),
            std::string(kMap) +
                "a=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n-\r\na=framerate:30\r\na=sendrecv\r\n");
}

TEST(AttributeEdits, ReplaceSeesTheWholeValue) {
  EXPECT_EQ(edited({{"sdp:fmtp", RuleAction::Replace, "0-16$", "0-15"}}),
            std::string(kMap) +
                "a=fmtp:101 0-15\r\na=ptime:20\r\na=maxptime:150\r\na=sendrecv\r\n-\r\n"
                "a=framerate:15\r\na=framerate:30\r\na=sendrecv\r\n");
}

TEST(AttributeEdits, SetTakesThePlaceOfWhatCameInEachMLine) {
  EXPECT_EQ(edited({{"sdp:ptime", RuleAction::Set, "", "30"}}),
            std::string(kMap) +
                "a=fmtp:101 0-16\r\na=maxptime:150\r\na=ptime:30\r\na=sendrecv\r\n-\r\n"
                "a=framerate:15\r\na=framerate:30\r\na=ptime:30\r\na=sendrecv\r\n");
}

TEST(AttributeEdits, ALaterStepUndoesASet) {
  EXPECT_EQ(edited({{"sdp:ptime", RuleAction::Set, "", "30"}, {"sdp:ptime", RuleAction::Remove, "", "all"}}),
            std::string(kMap) +
                "a=fmtp:101 0-16\r\na=maxptime:150\r\na=sendrecv\r\n-\r\n"
                "a=framerate:15\r\na=framerate:30\r\na=sendrecv\r\n");
}

TEST(AttributeEdits, WhatSaysWhereMediaFlowsIsTouchedByNoStep) {
  for (const std::string_view own :
       {"rtpmap", "sendrecv", "rtcp", "rtcp-mux", "crypto", "candidate", "Inactive"}) {
    EXPECT_TRUE(is_own_attribute(own)) << own;
    const std::string field = "sdp:" + std::string(own);
    EXPECT_EQ(edited({{field, RuleAction::Set, "", "x"}, {field, RuleAction::Remove, "", "all"}}), edited({}))
        << own;
    EXPECT_EQ(edited({{field, RuleAction::Set, "", "x"}}), edited({})) << own;
  }
}

TEST(AttributeEdits, AnUnknownAttributeIsNotBroughtAcrossByAReplacement) {
  EXPECT_EQ(edited({{"sdp:X-own", RuleAction::Replace, "secret", "public"}}), edited({}));
}

}  // namespace
}  // namespace sallyport::sip
