// dialog_test.cpp — dialogs from messages, routes and order of requests: RFC 3261 §12.
#include "sipalg/dialog/dialog.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/support/message_builder.h"

namespace sallyport::sip {
namespace {

using tests::MessageBuilder;

// A message with the bytes that it points into.
struct Parsed {
  std::string bytes;
  SipMessage message;
};
std::unique_ptr<Parsed> parse(std::string bytes, Strictness strictness = Strictness::Normal) {
  auto parsed = std::make_unique<Parsed>();
  parsed->bytes = std::move(bytes);
  EXPECT_EQ(
      parse_message(parsed->bytes, {StrictnessPolicy::of(strictness), Framing::Datagram}, parsed->message),
      ParseStatus::Complete)
      << parsed->bytes;
  return parsed;
}

MessageBuilder invite() {
  return MessageBuilder("INVITE").contact("<sip:probe@198.18.1.2:5070>").cseq("7 INVITE");
}

std::string response(std::string_view lines) {
  return "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 198.18.1.1;branch=z9hG4bKx\r\nFrom: "
         "<sip:a@own.test>;tag=ours\r\n"
         "To: <sip:b@b.test>;tag=theirs\r\nCall-ID: ours-1\r\nCSeq: 3 INVITE\r\n" +
         std::string(lines) + "Content-Length: 0\r\n\r\n";
}

Dialog dialog_to(std::string_view target, std::vector<std::string> routes = {}) {
  Dialog dialog;
  dialog.remote_target = target;
  dialog.route_set = std::move(routes);
  dialog.path.remote = *parse_endpoint("198.18.1.2:40000", 0);
  return dialog;
}

std::vector<std::string> texts(std::span<const std::string> routes) { return {routes.begin(), routes.end()}; }
bool owns_subnet(const void*, const IpAddress& address) {
  return parse_prefix("198.18.1.0/24")->contains(address);
}
std::string destination(const Dialog& dialog) {
  return to_string(destination_of(dialog, route_of(dialog), owns_subnet, nullptr));
}

// RFC 3261 §12.1.1
TEST(Dialog, OfARequestTakesTheCallersSide) {
  Dialog dialog;
  const auto parsed = parse(invite()
                                .from("\"Pro be\"  <sip:probe@198.18.1.2;x=1>;tag=f1;epid=9")
                                .to("sip:desk@edge.test")
                                .line("Record-Route: <sip:p2.test;lr;x=y>;rr=1, \"P\" <sip:p1.test;lr>")
                                .line("Record-Route: <sip:p0.test;lr>")
                                .build());
  ASSERT_TRUE(take_remote_side(dialog, parsed->message));
  EXPECT_EQ(dialog.call_id, "builder-1@198.18.1.2");
  EXPECT_EQ(dialog.remote_tag, "f1");
  EXPECT_EQ(dialog.remote_cseq, 7u);
  EXPECT_EQ(dialog.remote_target, "sip:probe@198.18.1.2:5070");
  EXPECT_EQ(dialog.remote_address, "\"Pro be\" <sip:probe@198.18.1.2;x=1>");
  EXPECT_EQ(dialog.local_address, "<sip:desk@edge.test>");
  EXPECT_EQ(dialog.route_set,
            (std::vector<std::string>{"<sip:p2.test;lr;x=y>", "<sip:p1.test;lr>", "<sip:p0.test;lr>"}));
}

// RFC 3261 §12.1.2
TEST(Dialog, OfAResponseTakesTheCalledSideAndTurnsTheRouteRound) {
  Dialog dialog;
  dialog.call_id = "ours-1";
  dialog.local_cseq = 3;
  const auto parsed =
      parse(response("Contact: <sip:b@198.18.1.9>\r\nRecord-Route: <sip:p2.test;lr>\r\n"
                     "Record-Route: <sip:p1.test;lr>\r\n"));
  ASSERT_TRUE(take_remote_side(dialog, parsed->message));
  EXPECT_EQ(dialog.remote_tag, "theirs");
  EXPECT_EQ(dialog.remote_target, "sip:b@198.18.1.9");
  EXPECT_FALSE(dialog.remote_cseq);
  EXPECT_EQ(dialog.call_id, "ours-1");
  EXPECT_EQ(dialog.route_set, (std::vector<std::string>{"<sip:p1.test;lr>", "<sip:p2.test;lr>"}));
}

TEST(Dialog, NeedsAContactThatSipCanReach) {
  for (const char* contact :
       {"", "Contact: *\r\n", "Contact: <tel:+1555>\r\n", "Contact: <mailto:a@b.test>\r\n"}) {
    Dialog dialog;
    dialog.remote_target = "sip:before@b.test";
    EXPECT_FALSE(take_remote_side(dialog, parse(response(contact))->message)) << contact;
    EXPECT_EQ(dialog.remote_target, "sip:before@b.test");
  }
}

// Threats P4, P9
TEST(Dialog, RoutesAreBoundedAndReadable) {
  const auto with_routes = [](std::size_t count, std::size_t size) {
    std::string lines;
    for (std::size_t i = 0; i < count; ++i)
      lines += "Record-Route: <sip:" + std::string(size, 'a') + "@p.test;lr>\r\n";
    return response("Contact: <sip:b@b.test>\r\n" + lines);
  };
  Dialog dialog;
  EXPECT_TRUE(take_remote_side(dialog, parse(with_routes(kRoutesMax, 4))->message));
  EXPECT_EQ(dialog.route_set.size(), kRoutesMax);
  EXPECT_FALSE(take_remote_side(dialog, parse(with_routes(kRoutesMax + 1, 4))->message));
  EXPECT_FALSE(take_remote_side(dialog, parse(with_routes(5, 1000))->message));
  for (const char* broken :
       {"Record-Route: <sip:p.test;lr\r\n", "Record-Route: <tel:+1>\r\n", "Record-Route:\r\n",
        "Record-Route: <sip:p.test;lr>,\r\n", "Record-Route: <sip:p.test> x\r\n"})
    EXPECT_FALSE(take_remote_side(
        dialog, parse(response("Contact: <sip:b@b.test>\r\n" + std::string(broken)))->message))
        << broken;
  EXPECT_EQ(dialog.route_set.size(), kRoutesMax);  // as it was
}

// Threats P4: "?Route=..." never becomes a header field.
TEST(Dialog, HeadersInUrisAreCutOff) {
  Dialog dialog;
  const auto parsed =
      parse(response("Contact: <sip:b@198.18.1.9?Route=%3Csip:evil.test%3E>\r\n"
                     "Record-Route: <sip:p1.test;lr?X=y>\r\n"));
  ASSERT_TRUE(take_remote_side(dialog, parsed->message));
  EXPECT_EQ(dialog.remote_target, "sip:b@198.18.1.9");
  EXPECT_EQ(dialog.route_set, (std::vector<std::string>{"<sip:p1.test;lr>"}));
}

// RFC 3261 §12.2.1.2, §12.2.2
TEST(Dialog, TargetRefreshChangesTheTargetAndNothingElse) {
  Dialog dialog = dialog_to("sip:old@198.18.1.2", {"<sip:p1.test;lr>"});
  refresh_target(
      dialog, parse(response("Contact: <sip:new@198.18.1.3>\r\nRecord-Route: <sip:x.test;lr>\r\n"))->message);
  EXPECT_EQ(dialog.remote_target, "sip:new@198.18.1.3");
  EXPECT_EQ(dialog.route_set, (std::vector<std::string>{"<sip:p1.test;lr>"}));
  refresh_target(dialog, parse(response(""))->message);
  refresh_target(dialog, parse(response("Contact: <tel:+1>\r\n"))->message);
  EXPECT_EQ(dialog.remote_target, "sip:new@198.18.1.3");
}

// RFC 3261 §12.2.1.1
TEST(Dialog, LooseRoutersStandInRouteAndStrictOnesInTheRequestUri) {
  const Dialog without = dialog_to("sip:b@b.test");
  const DialogRoute direct = route_of(without);
  EXPECT_EQ(direct.request_uri, "sip:b@b.test");
  EXPECT_TRUE(direct.routes.empty());
  const Dialog by_loose = dialog_to("sip:b@b.test", {"<sip:p1.test;lr>", "<sip:p2.test>"});
  const DialogRoute loose = route_of(by_loose);
  EXPECT_EQ(loose.request_uri, "sip:b@b.test");
  EXPECT_EQ(texts(loose.routes), (std::vector<std::string>{"<sip:p1.test;lr>", "<sip:p2.test>"}));
  const Dialog by_strict = dialog_to("sip:b@b.test", {"<sip:p1.test;method=INVITE;x=y>", "<sip:p2.test;lr>"});
  const DialogRoute strict = route_of(by_strict);
  EXPECT_EQ(strict.request_uri, "sip:p1.test;x=y");
  EXPECT_EQ(texts(strict.routes), (std::vector<std::string>{"<sip:p2.test;lr>", "<sip:b@b.test>"}));
}

TEST(Dialog, RequestsGoToTheNextHopWhenTheNeighbourOwnsIt) {
  EXPECT_EQ(destination(dialog_to("sip:b@198.18.1.9:5070")), "198.18.1.9:5070");
  EXPECT_EQ(destination(dialog_to("sip:b@198.18.1.9")), "198.18.1.9:5060");
  EXPECT_EQ(destination(dialog_to("sip:b@10.0.0.1", {"<sip:198.18.1.7:5080;lr>"})), "198.18.1.7:5080");
  EXPECT_EQ(destination(dialog_to("sip:b@10.0.0.1", {"<sip:198.18.1.7:5080>"})), "198.18.1.7:5080");
}

// Threats section 7: a BYE that a Route header sends to a third host.
TEST(Dialog, RequestsNeverGoToAThirdHost) {
  const std::string seen = "198.18.1.2:40000";
  EXPECT_EQ(destination(dialog_to("sip:b@203.0.113.9:5070")), seen);
  EXPECT_EQ(destination(dialog_to("sip:b@victim.test")), seen);
  EXPECT_EQ(destination(dialog_to("sip:b@198.18.1.9", {"<sip:203.0.113.9;lr>"})), seen);
  EXPECT_EQ(destination(dialog_to("sip:b@198.18.1.9", {"<sip:203.0.113.9>"})), seen);
  EXPECT_EQ(destination(dialog_to("sip:b@p.test;maddr=203.0.113.9")), seen);
  EXPECT_EQ(destination(dialog_to("sip:b@198.18.1.9;maddr=203.0.113.9")), "198.18.1.9:5060");
  EXPECT_EQ(destination(dialog_to("no uri at all")), seen);
}

TEST(Dialog, MappedAddressIsTheSameAddress) {
  EXPECT_EQ(destination(dialog_to("sip:b@[::ffff:198.18.1.9]:5070")), "198.18.1.9:5070");
}

// RFC 3261 §12.2.2, threats section 6
TEST(Dialog, CSeqMustGrow) {
  Dialog dialog;
  EXPECT_EQ(take_remote_cseq(dialog, 5), CSeqOrder::InOrder);
  EXPECT_EQ(take_remote_cseq(dialog, 5), CSeqOrder::TooLow);
  EXPECT_EQ(take_remote_cseq(dialog, 4), CSeqOrder::TooLow);
  EXPECT_EQ(dialog.remote_cseq, 5u);
  EXPECT_EQ(take_remote_cseq(dialog, 9), CSeqOrder::InOrder);
  EXPECT_EQ(take_remote_cseq(dialog, 0x7fffffff), CSeqOrder::InOrder);
  EXPECT_EQ(take_remote_cseq(dialog, 0), CSeqOrder::TooLow);
}

TEST(Dialog, FirstCSeqMayBeZero) {
  Dialog dialog;
  EXPECT_EQ(take_remote_cseq(dialog, 0), CSeqOrder::InOrder);
  EXPECT_EQ(take_remote_cseq(dialog, 0), CSeqOrder::TooLow);
}

}  // namespace
}  // namespace sallyport::sip
