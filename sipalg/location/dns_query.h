// dns_query.h — what the core asks of name servers, and what comes back: RFC 1035, RFC 2782, RFC 3403.
//
// The rim sends the query to the configured servers, over UDP and, when truncated, TCP; it repeats and times
// out. The answer is handed over as it came, so that the core reads the times to live itself.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace sallyport::sip {

enum class DnsType : std::uint16_t { A = 1, Aaaa = 28, Srv = 33, Naptr = 35 };

struct DnsQuery {
  std::uint64_t id = 0;  // chosen by the core, once
  DnsType type = DnsType::A;
  std::string name;  // without a final dot
};

struct DnsReply {
  std::uint64_t id = 0;
  bool is_answered = false;  // false: no server answered in time, or none could; `message` is empty
  std::span<const std::uint8_t>
      message;  // the whole DNS message: a stranger's octets. Good for the call only
};

}  // namespace sallyport::sip
