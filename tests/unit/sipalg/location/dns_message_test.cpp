// dns_message_test.cpp — answers of name servers, honest and not: RFC 1035 §4, RFC 2181 §8, RFC 2308 §5.
#include "sipalg/location/dns_message.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/dns_answer.h"

namespace sallyport::sip {
namespace {

using tests::DnsAnswerBuilder;
using Octets = std::vector<std::uint8_t>;

DnsAnswer parse_a(const DnsAnswerBuilder& builder) {
  return parse_dns_answer(builder.bytes(), DnsType::A, "sip.example.net");
}
DnsAnswerBuilder about_a() { return {DnsType::A, "sip.example.net"}; }
IpAddress ip(std::string_view text) { return *IpAddress::parse(text); }

TEST(DnsMessage, GivesAllAddressesInOneOrder) {
  const DnsAnswer one = parse_a(about_a()
                                    .address("sip.example.net", "203.0.113.2", 60)
                                    .address("SIP.Example.NET", "203.0.113.1", 90)
                                    .address("sip.example.net", "203.0.113.2", 60));
  EXPECT_EQ(one.outcome, DnsOutcome::Records);
  EXPECT_EQ(one.addresses, (std::vector<IpAddress>{ip("203.0.113.1"), ip("203.0.113.2")}));
  EXPECT_EQ(one.ttl, 60s);
}

TEST(DnsMessage, GivesIpv6AddressesButNoMappedOnes) {
  DnsAnswerBuilder builder(DnsType::Aaaa, "sip.example.net");
  builder.address("sip.example.net", "2001:db9::1");
  builder.record("sip.example.net", 28, 60, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1});
  const DnsAnswer answer = parse_dns_answer(builder.bytes(), DnsType::Aaaa, "sip.example.net");
  EXPECT_EQ(answer.addresses, std::vector<IpAddress>{ip("2001:db9::1")});
}

// RFC 2782
TEST(DnsMessage, GivesServicesByPriority) {
  DnsAnswerBuilder builder(DnsType::Srv, "_sip._udp.example.net");
  builder.service("_sip._udp.example.net", {20, 0, 5062, "b.example.net"})
      .service("_sip._udp.example.net", {10, 7, 5060, "A.example.net"})
      .service("_sip._udp.example.net", {30, 0, 0, ""});
  const DnsAnswer answer = parse_dns_answer(builder.bytes(), DnsType::Srv, "_sip._udp.example.net");
  ASSERT_EQ(answer.services.size(), 3u);
  EXPECT_EQ(answer.services[0], (SrvRecord{10, 7, 5060, "a.example.net"}));
  EXPECT_EQ(answer.services[1].port, 5062);
  EXPECT_EQ(answer.services[2].target, "");
}

// RFC 3403 §4.1; threats R14
TEST(DnsMessage, GivesPointersWithoutTheirExpressions) {
  DnsAnswerBuilder builder(DnsType::Naptr, "example.net");
  builder.pointer("example.net", {10, 5, "S", "SIP+D2U", "", "_sip._udp.example.net"})
      .pointer("example.net", {20, 5, "u", "E2U+sip", "!^(.*)$!sip:\\1%n%s@evil!", ""})
      .pointer("example.net", {30, 5, "s", "%n%s", "", "x.example.net"});
  const DnsAnswer answer = parse_dns_answer(builder.bytes(), DnsType::Naptr, "example.net");
  ASSERT_EQ(answer.pointers.size(), 3u);
  EXPECT_EQ(answer.pointers[0], (NaptrRecord{10, 5, "s", "sip+d2u", "_sip._udp.example.net"}));
  EXPECT_EQ(answer.pointers[1].replacement, "");
  EXPECT_EQ(answer.pointers[2].service, "?");
}

TEST(DnsMessage, FollowsAliasesWithinTheAnswer) {
  const DnsAnswer answer = parse_a(about_a()
                                       .address("c.example.org", "203.0.113.1", 600)
                                       .alias("b.example.org", "c.example.org", 20)
                                       .alias("sip.example.net", "b.example.org", 60)
                                       .address("d.example.org", "203.0.113.9"));
  EXPECT_EQ(answer.addresses, std::vector<IpAddress>{ip("203.0.113.1")});
  EXPECT_EQ(answer.ttl, 20s);
}

TEST(DnsMessage, TakesNothingOfANameThatWasNotAskedFor) {
  const DnsAnswer answer = parse_a(about_a().address("other.example.net", "203.0.113.1"));
  EXPECT_EQ(answer.outcome, DnsOutcome::NoRecords);
  EXPECT_TRUE(answer.addresses.empty());
}

TEST(DnsMessage, FailsWhenAliasesLeadInACircleOrAreTooMany) {
  EXPECT_EQ(
      parse_a(about_a().alias("sip.example.net", "b.example.net").alias("b.example.net", "sip.example.net"))
          .outcome,
      DnsOutcome::Failed);
  EXPECT_EQ(parse_a(about_a().alias("sip.example.net", "sip.example.net")).outcome, DnsOutcome::Failed);
  for (const unsigned aliases : {kDnsAliasesMax, kDnsAliasesMax + 1}) {
    DnsAnswerBuilder builder = about_a();
    std::string name = "sip.example.net";
    for (unsigned i = 0; i < aliases; ++i) {
      const std::string next = "n" + std::to_string(i) + ".example.net";
      builder.alias(name, next);
      name = next;
    }
    builder.address(name, "203.0.113.1");
    EXPECT_EQ(parse_a(builder).outcome, aliases == kDnsAliasesMax ? DnsOutcome::Records : DnsOutcome::Failed);
  }
}

// RFC 2308 §5
TEST(DnsMessage, TakesTheTimeOfAnAbsenceFromTheSoaOfItsZone) {
  const auto ttl = [](std::string_view zone, std::uint32_t of_soa, std::uint32_t minimum) {
    return parse_a(about_a().code(3).soa(zone, of_soa, minimum)).ttl;
  };
  EXPECT_EQ(ttl("example.net", 300, 120), 120s);
  EXPECT_EQ(ttl("example.net", 60, 120), 60s);
  EXPECT_EQ(ttl("", 60, 120), 60s);
  EXPECT_EQ(ttl("example.net", 86400, 86400), kNegativeTtlMax);
  EXPECT_EQ(ttl("example.org", 300, 120), kNegativeTtl);
  EXPECT_EQ(ttl("ample.net", 300, 120), kNegativeTtl);
  EXPECT_EQ(parse_a(about_a().code(3)).ttl, kNegativeTtl);
}

TEST(DnsMessage, TellsNoNameFromNoRecordsFromFailure) {
  EXPECT_EQ(parse_a(about_a().code(3)).outcome, DnsOutcome::NoName);
  EXPECT_EQ(parse_a(about_a()).outcome, DnsOutcome::NoRecords);
  for (const unsigned code : {1u, 2u, 4u, 5u, 9u})
    EXPECT_EQ(parse_a(about_a().code(code)).outcome, DnsOutcome::Failed);
  EXPECT_EQ(parse_a(about_a().code(3).address("sip.example.net", "203.0.113.1")).outcome, DnsOutcome::NoName);
  EXPECT_EQ(parse_a(about_a().flags(0x8380).address("sip.example.net", "203.0.113.1")).outcome,
            DnsOutcome::Failed);  // truncated
}

// RFC 2181 §8
TEST(DnsMessage, BoundsTimesToLive) {
  const auto ttl = [](std::uint32_t written) {
    return parse_a(about_a().address("sip.example.net", "203.0.113.1", written)).ttl;
  };
  EXPECT_EQ(ttl(0), 0s);
  EXPECT_EQ(ttl(0x80000000u), 0s);
  EXPECT_EQ(ttl(0xffffffffu), 0s);
  EXPECT_EQ(ttl(0x7fffffffu), kDnsTtlMax);
}

TEST(DnsMessage, RefusesWhatIsNoAnswerToTheQuestion) {
  const auto outcome = [](const DnsAnswerBuilder& builder) { return parse_a(builder).outcome; };
  EXPECT_EQ(outcome({DnsType::A, "sip.example.org"}), DnsOutcome::Malformed);
  EXPECT_EQ(outcome({DnsType::Aaaa, "sip.example.net"}), DnsOutcome::Malformed);
  EXPECT_EQ(outcome(about_a().flags(0x0100)), DnsOutcome::Malformed);  // a query
  EXPECT_EQ(outcome(about_a().flags(0xa000)), DnsOutcome::Malformed);  // of another kind
  DnsAnswerBuilder two = about_a();
  two.question_count = 2;
  EXPECT_EQ(outcome(two), DnsOutcome::Malformed);
  EXPECT_EQ(parse_dns_answer({}, DnsType::A, "sip.example.net").outcome, DnsOutcome::Malformed);
  EXPECT_EQ(parse_dns_answer(about_a().bytes(), DnsType::A, "").outcome, DnsOutcome::Malformed);
}

TEST(DnsMessage, RefusesCountsThatLie) {
  DnsAnswerBuilder builder = about_a().address("sip.example.net", "203.0.113.1");
  builder.answer_count = 2;
  EXPECT_EQ(parse_a(builder).outcome, DnsOutcome::Malformed);
  builder.answer_count = 0xffff;
  EXPECT_EQ(parse_a(builder).outcome, DnsOutcome::Failed);
  builder.answer_count = 0;
  EXPECT_EQ(parse_a(builder).outcome, DnsOutcome::NoRecords);
}

TEST(DnsMessage, EveryShortenedMessageIsRefusedOrSaysLess) {
  const Octets whole = about_a()
                           .alias("sip.example.net", "b.example.net")
                           .address("b.example.net", "203.0.113.1")
                           .soa("example.net", 60, 60)
                           .bytes();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Octets part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    const DnsAnswer answer = parse_dns_answer(part, DnsType::A, "sip.example.net");
    EXPECT_TRUE(answer.outcome == DnsOutcome::Malformed || answer.addresses.size() == 1) << size;
  }
}

// A question for "sip.example.net" and one A record whose owner and data are as given.
Octets with_owner(const Octets& owner, const Octets& data = {203, 0, 113, 1}) {
  DnsAnswerBuilder builder = about_a();
  builder.answer_count = 1;
  Octets message = builder.bytes();
  message.insert(message.end(), owner.begin(), owner.end());
  for (const unsigned word : {1u, 1u, 0u, 60u, static_cast<unsigned>(data.size())})
    DnsAnswerBuilder::put16(message, word);
  message.insert(message.end(), data.begin(), data.end());
  return message;
}
DnsOutcome outcome_of(const Octets& message) {
  return parse_dns_answer(message, DnsType::A, "sip.example.net").outcome;
}

// RFC 1035 §4.1.4
TEST(DnsMessage, FollowsPointersOfNamesBackwardsOnly) {
  const std::size_t here = about_a().bytes().size();  // of the owner
  const auto to = [](std::size_t at) {
    return Octets{static_cast<std::uint8_t>(0xc0 | at >> 8), static_cast<std::uint8_t>(at)};
  };
  EXPECT_EQ(outcome_of(with_owner(to(12))), DnsOutcome::Records);
  EXPECT_EQ(outcome_of(with_owner({3, 's', 'i', 'p', 0xc0, 16})), DnsOutcome::Records);
  EXPECT_EQ(outcome_of(with_owner(to(here))), DnsOutcome::Malformed);       // to itself
  EXPECT_EQ(outcome_of(with_owner(to(here + 1))), DnsOutcome::Malformed);   // into itself
  EXPECT_EQ(outcome_of(with_owner(to(here + 12))), DnsOutcome::Malformed);  // forwards
  EXPECT_EQ(outcome_of(with_owner(to(0x3fff))), DnsOutcome::Malformed);     // behind the end
  EXPECT_EQ(outcome_of(with_owner({1, 'a', 0xc0, static_cast<std::uint8_t>(here)})), DnsOutcome::Malformed);
  EXPECT_EQ(outcome_of(with_owner({0x80, 1, 0})), DnsOutcome::Malformed);  // neither length nor pointer
  EXPECT_EQ(outcome_of(with_owner({0x41, 1, 0})), DnsOutcome::Malformed);
}

TEST(DnsMessage, RefusesNamesThatAreTooLong) {
  Octets owner;
  for (unsigned i = 0; i < 5; ++i) {
    owner.push_back(63);
    owner.insert(owner.end(), 63, 'a');
  }
  owner.push_back(0);
  EXPECT_EQ(outcome_of(with_owner(owner)), DnsOutcome::Malformed);
}

TEST(DnsMessage, LeavesOutRecordsOfTheWrongLength) {
  EXPECT_EQ(outcome_of(with_owner({0xc0, 12}, {203, 0, 113})), DnsOutcome::NoRecords);
  EXPECT_EQ(outcome_of(with_owner({0xc0, 12}, {203, 0, 113, 1, 0})), DnsOutcome::NoRecords);
}

TEST(DnsMessage, LeavesOutNamesWithOctetsThatHostsDontHave) {
  DnsAnswerBuilder builder(DnsType::Srv, "_sip._udp.example.net");
  builder.service("_sip._udp.example.net", {1, 1, 5060, "a b.example.net"})
      .service("_sip._udp.example.net", {1, 1, 5060, "a>;x=y.example.net"})
      .service("_sip._udp.example.net", {1, 1, 5060, std::string_view("a\0.example.net", 14)});
  const DnsAnswer answer = parse_dns_answer(builder.bytes(), DnsType::Srv, "_sip._udp.example.net");
  EXPECT_EQ(answer.outcome, DnsOutcome::NoRecords);
}

TEST(DnsMessage, KeepsAtMostSoManyRecords) {
  DnsAnswerBuilder builder = about_a();
  for (unsigned i = 0; i < kDnsRecordsMax; ++i)
    builder.address("sip.example.net", to_string(IpAddress::v4(0xcb007100u + i)));
  EXPECT_EQ(parse_a(builder).addresses.size(), kDnsKeptMax);
  EXPECT_EQ(parse_a(builder.address("sip.example.net", "203.0.113.1")).outcome, DnsOutcome::Failed);
}

TEST(DnsMessage, NamesThatCannotBeAskedForAreNotNames) {
  EXPECT_EQ(normal_dns_name("_SIP._udp.Example.NET"), "_sip._udp.example.net");
  for (const std::string& name :
       {std::string(""), std::string("."), std::string("a..b"), std::string(".a"), std::string("a."),
        std::string("a b"), std::string(64, 'a'), std::string(300, 'a'), std::string("a\0b", 3)})
    EXPECT_EQ(normal_dns_name(name), "") << name;
}

}  // namespace
}  // namespace sallyport::sip
