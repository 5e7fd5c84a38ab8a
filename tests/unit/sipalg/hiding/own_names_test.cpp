// own_names_test.cpp — how we show ourselves on a listener: RFC 3261 §18.1.1, §19.1.1; advertised addresses.
#include <gtest/gtest.h>

#include "sipalg/hiding/leg_message.h"

namespace sallyport::sip {
namespace {

OwnNames names(const RealmConfig& realm, std::string_view listener) {
  return own_names(realm, *parse_endpoint(listener, 0));
}

TEST(OwnNames, AreTheListenersAddress) {
  const OwnNames four = names({}, "198.18.1.1:5060");
  EXPECT_EQ(four.sent_by, "198.18.1.1:5060");
  EXPECT_EQ(four.contact_host, "198.18.1.1");
  EXPECT_EQ(four.uri_host, "198.18.1.1");
  EXPECT_EQ(four.via_transport, "UDP");
  const OwnNames six = names({}, "[fd18:1::1]:5080");
  EXPECT_EQ(six.sent_by, "[fd18:1::1]:5080");
  EXPECT_EQ(six.contact_host, "[fd18:1::1]:5080");
  EXPECT_EQ(six.uri_host, "[fd18:1::1]");
}

// RFC 3261 §18.1.1, §19.1.2: of a stream the transport is said, and its own default port is left out.
TEST(OwnNames, SayTheTransportOfAStream) {
  const OwnNames tcp = own_names({}, *parse_endpoint("198.18.1.1:5060", 0), Transport::Tcp);
  EXPECT_EQ(tcp.via_transport, "TCP");
  EXPECT_EQ(tcp.contact_host, "198.18.1.1");
  EXPECT_EQ(tcp.contact_params, ";transport=tcp");
  const OwnNames tls = own_names({}, *parse_endpoint("198.18.1.1:5061", 0), Transport::Tls);
  EXPECT_EQ(tls.via_transport, "TLS");
  EXPECT_EQ(tls.sent_by, "198.18.1.1:5061");
  EXPECT_EQ(tls.contact_host, "198.18.1.1");
  EXPECT_EQ(tls.contact_params, ";transport=tls");
  EXPECT_EQ(own_names({}, *parse_endpoint("198.18.1.1:5060", 0), Transport::Tls).contact_host,
            "198.18.1.1:5060");
}

TEST(OwnNames, ShowTheAdvertisedAddressOfTheSameFamily) {
  RealmConfig realm;
  realm.advertise.ipv4 = IpAddress::parse("203.0.113.7");
  realm.advertise.ipv6 = IpAddress::parse("2001:db8::7");
  EXPECT_EQ(names(realm, "10.0.0.1:5070").sent_by, "203.0.113.7:5070");
  EXPECT_EQ(names(realm, "10.0.0.1:5070").contact_host, "203.0.113.7:5070");
  EXPECT_EQ(names(realm, "10.0.0.1:5070").uri_host, "203.0.113.7");
  EXPECT_EQ(names(realm, "[fd18:1::1]:5060").sent_by, "[2001:db8::7]:5060");
  EXPECT_EQ(names(realm, "[fd18:1::1]:5060").contact_host, "[2001:db8::7]");
  realm.advertise.ipv6.reset();
  EXPECT_EQ(names(realm, "[fd18:1::1]:5060").uri_host, "[fd18:1::1]");
}

TEST(OwnNames, DomainStandsInUrisAndNotInVia) {
  RealmConfig realm;
  realm.advertise.ipv4 = IpAddress::parse("203.0.113.7");
  realm.advertise.domain = "sbc.example.net";
  const OwnNames own = names(realm, "10.0.0.1:5080");
  EXPECT_EQ(own.sent_by, "203.0.113.7:5080");
  EXPECT_EQ(own.contact_host, "sbc.example.net:5080");
  EXPECT_EQ(own.uri_host, "sbc.example.net");
  EXPECT_EQ(names(realm, "10.0.0.1:5060").contact_host, "sbc.example.net");
}

}  // namespace
}  // namespace sallyport::sip
