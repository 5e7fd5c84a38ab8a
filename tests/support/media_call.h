// media_call.h — calls with voice between the two sides of a CallFixture: descriptions of both phones, and
// what each side is shown.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/call_fixture.h"

namespace sallyport::tests {

inline constexpr std::string_view kDeskContact = "Contact: <sip:desk-contact@198.18.2.2:5060>\r\n";

// One stream of voice. `how` is the direction, or more lines.
[[nodiscard]] inline std::string voice(std::string_view host, unsigned port,
                                       std::string_view how = "a=sendrecv\r\n") {
  const std::string address(host);
  std::string text =
      "v=0\r\no=who 7 7 IN IP4 " + address + "\r\ns=talk\r\nc=IN IP4 " + address + "\r\nt=0 0\r\n";
  text += "m=audio " + std::to_string(port) + " RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\n";
  text += "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n";
  return text.append(how);
}

// Where a description wants its first stream; port 0 when there is no such line.
[[nodiscard]] inline Endpoint shown_in(std::string_view body) {
  const std::size_t line = body.find("c=IN IP4 ");
  const std::size_t media = body.find("m=audio ");
  if (line == std::string_view::npos || media == std::string_view::npos) return {};
  const std::string_view host = body.substr(line + 9, body.find_first_of("\r\n", line) - line - 9);
  const auto address = IpAddress::parse(host);
  const int port = std::atoi(std::string(body.substr(media + 8, 6)).c_str());
  return address ? Endpoint{*address, static_cast<std::uint16_t>(port)} : Endpoint{};
}

class MediaCall : public ::testing::Test, public CallFixture {
 protected:
  const std::string phone = voice("198.18.1.2", 40000), desk = voice("198.18.2.2", 30000),
                    other_desk = voice("198.18.2.3", 31000);

  MessageBuilder calling() { return invite().body("application/sdp", phone); }
  MessageBuilder calling_without() { return invite().body("", ""); }
  SentMessage ring(const MessageBuilder& with) {
    invite_bytes = with.build();
    return invite_out = only(from_carrier(invite_bytes), "INVITE");
  }
  SentMessage ring() { return ring(calling()); }
  // Answered and acknowledged.
  void talk() { talk(calling()); }
  void talk(const MessageBuilder& with) {
    ring(with);
    (void)from_pbx(answer(invite_out, 200, "pbxtag", kDeskContact, desk));
    ok_out = only(journal(), "200");
    EXPECT_TRUE(holds(from_carrier(in_dialog("ACK", 1, ok_out)), "ACK"));
    EXPECT_EQ(relay.open().size(), 1u);
  }
  // The only stream that is open.
  const media::MediaCommand& stream() {
    static const media::MediaCommand kNone;
    EXPECT_EQ(relay.open().size(), 1u);
    return relay.open().empty() ? kNone : relay.open().begin()->second.last;
  }
  media::MediaNotice notice(media::MediaNotice::Kind kind,
                            media::StreamSide side = media::StreamSide::Caller) {
    media::MediaNotice notice;
    notice.kind = kind;
    notice.side = side;
    notice.key = stream().key;
    return notice;
  }
  [[nodiscard]] std::size_t count_of(media::MediaCommand::Kind kind) const {
    std::size_t count = 0;
    for (const media::MediaCommand& order : orders) count += order.kind == kind ? 1u : 0u;
    return count;
  }
  // All is over: no stream, no port, no call, one record.
  void expect_all_given_back() {
    (void)journal();
    (void)wait(6min);
    tell_finals();
    EXPECT_TRUE(relay.open().empty());
    EXPECT_EQ(ports_taken(), 0u);
    EXPECT_EQ(calls(), 0u);
    EXPECT_EQ(engine().counters().transactions_active.value(), 0u);
  }
  [[nodiscard]] CallRecord end_record() {
    const auto ends = records(CallRecordType::End);
    EXPECT_EQ(ends.size(), 1u);
    return ends.empty() ? CallRecord{} : ends[0];
  }
  std::string invite_bytes;
};

}  // namespace sallyport::tests
