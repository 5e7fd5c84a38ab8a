// dns_answer.h — answers of a name server, octet by octet, honest or not: RFC 1035 §4.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "policy/base/ip_address.h"
#include "sipalg/location/dns_query.h"

namespace sallyport::tests {

class DnsAnswerBuilder {
 public:
  DnsAnswerBuilder(sip::DnsType type, std::string_view name) {
    put_name(question_, name);
    put16(question_, static_cast<unsigned>(type));
    put16(question_, 1);
  }

  DnsAnswerBuilder& code(unsigned code) { return flags((flags_ & 0xfff0) | code); }
  DnsAnswerBuilder& flags(unsigned flags) {
    flags_ = flags;
    return *this;
  }
  // A record of any kind; `data` as on the wire.
  DnsAnswerBuilder& record(std::string_view owner, unsigned type, std::uint32_t ttl,
                           const std::vector<std::uint8_t>& data) {
    put_record(answers_, owner, type, ttl, data);
    ++answer_count;
    return *this;
  }
  DnsAnswerBuilder& address(std::string_view owner, std::string_view text, std::uint32_t ttl = 300) {
    const IpAddress address = *IpAddress::parse(text);
    const auto* const from = address.bytes().data();
    if (address.is_v4()) return record(owner, 1, ttl, {from + 12, from + 16});
    return record(owner, 28, ttl, {from, from + 16});
  }
  DnsAnswerBuilder& alias(std::string_view owner, std::string_view target, std::uint32_t ttl = 300) {
    return record(owner, 5, ttl, name_octets(target));
  }
  struct Service {
    unsigned priority, weight, port;
    std::string_view target;
  };
  DnsAnswerBuilder& service(std::string_view owner, const Service& service, std::uint32_t ttl = 300) {
    std::vector<std::uint8_t> data;
    put16(data, service.priority);
    put16(data, service.weight);
    put16(data, service.port);
    put_name(data, service.target);
    return record(owner, 33, ttl, data);
  }
  struct Pointer {
    unsigned order, preference;
    std::string_view flags, service, expression, replacement;
  };
  DnsAnswerBuilder& pointer(std::string_view owner, const Pointer& pointer, std::uint32_t ttl = 300) {
    std::vector<std::uint8_t> data;
    put16(data, pointer.order);
    put16(data, pointer.preference);
    for (const std::string_view text : {pointer.flags, pointer.service, pointer.expression}) {
      data.push_back(static_cast<std::uint8_t>(text.size()));
      data.insert(data.end(), text.begin(), text.end());
    }
    put_name(data, pointer.replacement);
    return record(owner, 35, ttl, data);
  }
  DnsAnswerBuilder& soa(std::string_view zone, std::uint32_t ttl, std::uint32_t minimum) {
    std::vector<std::uint8_t> data = name_octets("ns.example.net");
    put_name(data, "root.example.net");
    for (const std::uint32_t value : {1u, 3600u, 600u, 86400u, minimum}) put32(data, value);
    put_record(authorities_, zone, 6, ttl, data);
    ++authority_count;
    return *this;
  }

  [[nodiscard]] std::vector<std::uint8_t> bytes() const {
    std::vector<std::uint8_t> message;
    for (const unsigned word : {id, flags_, question_count, answer_count, authority_count, 0u})
      put16(message, word);
    for (const auto* part : {&question_, &answers_, &authorities_})
      message.insert(message.end(), part->begin(), part->end());
    return message;
  }

  static void put16(std::vector<std::uint8_t>& to, unsigned value) {
    to.push_back(static_cast<std::uint8_t>(value >> 8));
    to.push_back(static_cast<std::uint8_t>(value));
  }
  static void put32(std::vector<std::uint8_t>& to, std::uint32_t value) {
    put16(to, value >> 16);
    put16(to, value & 0xffff);
  }
  static void put_name(std::vector<std::uint8_t>& to, std::string_view name) {
    while (!name.empty()) {
      const std::string_view label = name.substr(0, name.find('.'));
      to.push_back(static_cast<std::uint8_t>(label.size()));
      to.insert(to.end(), label.begin(), label.end());
      name.remove_prefix(std::min(name.size(), label.size() + 1));
    }
    to.push_back(0);
  }
  [[nodiscard]] static std::vector<std::uint8_t> name_octets(std::string_view name) {
    std::vector<std::uint8_t> octets;
    put_name(octets, name);
    return octets;
  }

  // What the head says, for answers that lie.
  unsigned id = 0x1234, question_count = 1, answer_count = 0, authority_count = 0;

 private:
  static void put_record(std::vector<std::uint8_t>& to, std::string_view owner, unsigned type,
                         std::uint32_t ttl, const std::vector<std::uint8_t>& data) {
    put_name(to, owner);
    put16(to, type);
    put16(to, 1);
    put32(to, ttl);
    put16(to, static_cast<unsigned>(data.size()));
    to.insert(to.end(), data.begin(), data.end());
  }

  unsigned flags_ = 0x8180;
  std::vector<std::uint8_t> question_, answers_, authorities_;
};

}  // namespace sallyport::tests
