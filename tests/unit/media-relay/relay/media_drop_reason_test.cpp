// media_drop_reason_test.cpp — names of reasons as metrics have them. The other tests of this folder ask for
// each by its name: "dropped as foreign_source".
#include "media-relay/relay/media_drop_reason.h"

#include <gtest/gtest.h>

#include <set>
#include <utility>
#include <vector>

namespace sallyport::media {
namespace {

TEST(MediaDropReason, HasTheNameThatMetricsShow) {
  const std::vector<std::pair<MediaDropReason, std::string_view>> names{
      {MediaDropReason::Closed, "closed"},
      {MediaDropReason::ForeignSource, "foreign_source"},
      {MediaDropReason::Learning, "learning"},
      {MediaDropReason::WrongDirection, "wrong_direction"},
      {MediaDropReason::NoDestination, "no_destination"},
      {MediaDropReason::Stun, "stun"},
      {MediaDropReason::Dtls, "dtls"},
      {MediaDropReason::BadVersion, "bad_version"},
      {MediaDropReason::BadLength, "bad_length"},
      {MediaDropReason::PayloadType, "payload_type"},
      {MediaDropReason::RtcpMalformed, "rtcp_malformed"},
      {MediaDropReason::RtcpForeignSsrc, "rtcp_foreign_ssrc"},
      {MediaDropReason::RtcpNotUsed, "rtcp_not_used"},
      {MediaDropReason::RtcpEmpty, "rtcp_empty"},
      {MediaDropReason::UdptlMalformed, "udptl_malformed"},
      {MediaDropReason::PolicedFlow, "policed_flow"},
      {MediaDropReason::PolicedRealm, "policed_realm"},
      {MediaDropReason::Loop, "loop"},
      {MediaDropReason::Digit, "digit"},
      {MediaDropReason::SrtpMalformed, "srtp_malformed"},
      {MediaDropReason::SrtpBadTag, "srtp_bad_tag"},
      {MediaDropReason::SrtpReplayed, "srtp_replayed"},
      {MediaDropReason::SrtpNoKey, "srtp_no_key"},
      {MediaDropReason::SrtpSources, "srtp_sources"},
      {MediaDropReason::SrtpKeyExpired, "srtp_key_expired"},
      {MediaDropReason::SrtpNoRoom, "srtp_no_room"}};
  EXPECT_EQ(names.size(), kMediaDropReasonCount);
  std::set<std::string_view> all;
  for (const auto& [reason, name] : names) {
    EXPECT_EQ(to_string(reason), name);
    EXPECT_TRUE(all.insert(name).second);
  }
}

}  // namespace
}  // namespace sallyport::media
