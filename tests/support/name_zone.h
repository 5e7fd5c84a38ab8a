// name_zone.h — name servers for tests in virtual time: a table of answers, silence for some, a list of what
// was asked.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/dns_answer.h"

namespace sallyport::tests {

class NameZone {
 public:
  // From now on this is the answer; what has none is "no such name" for 30 s.
  DnsAnswerBuilder& put(sip::DnsType type, std::string_view name) {
    return answers_.insert_or_assign({type, std::string(name)}, DnsAnswerBuilder(type, name)).first->second;
  }
  void put_address(std::string_view name, std::string_view address, std::uint32_t ttl = 300) {
    const bool is_v4 = address.find(':') == std::string_view::npos;
    put(is_v4 ? sip::DnsType::A : sip::DnsType::Aaaa, name).address(name, address, ttl);
  }
  void put_service(std::string_view name, const DnsAnswerBuilder::Service& service, std::uint32_t ttl = 300) {
    put(sip::DnsType::Srv, name).service(name, service, ttl);
  }
  void take_away(sip::DnsType type, std::string_view name) { answers_.erase({type, std::string(name)}); }
  void take_all_away() { answers_.clear(); }

  // `take`: what hears the reply. Replies are given in the order of the queries.
  template <class Take>
  void answer(std::vector<sip::DnsQuery> queries, Take take) {
    for (const sip::DnsQuery& query : queries) {
      asked.emplace_back(query.type, query.name);
      if (is_down || silent.contains(query.name)) {
        take(sip::DnsReply{query.id, false, {}});
        continue;
      }
      const auto found = answers_.find({query.type, query.name});
      const std::vector<std::uint8_t> bytes = found != answers_.end()
                                                  ? found->second.bytes()
                                                  : DnsAnswerBuilder(query.type, query.name).code(3).bytes();
      take(sip::DnsReply{query.id, true, bytes});
    }
  }
  [[nodiscard]] std::ptrdiff_t times_asked(sip::DnsType type, std::string_view name) const {
    return std::ranges::count(asked, std::pair(type, std::string(name)));
  }

  bool is_down = false;
  std::set<std::string, std::less<>> silent;  // names that are never answered
  std::vector<std::pair<sip::DnsType, std::string>> asked;

 private:
  std::map<std::pair<sip::DnsType, std::string>, DnsAnswerBuilder> answers_;
};

}  // namespace sallyport::tests
