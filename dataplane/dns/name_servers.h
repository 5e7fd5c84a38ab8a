// name_servers.h — asks DNS servers without waiting (c-ares): over the host's network, or from a port's
// namespace (dns.via). RFC 1035, RFC 5452.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/stream/turn_taker.h"
#include "policy/base/result.h"
#include "policy/model/sbc_config.h"
#include "sipalg/location/dns_query.h"

namespace sallyport::dataplane {

class NetworkNamespace;

class NameServers : public TurnTaker {
 public:
  static constexpr std::size_t kQueriesMax = 4096;  // on their way; more are answered "not answered" at once

  // Hears each answer, on the stream thread, in a call of run_once() or ask(); the reply's octets are good
  // for that call only.
  using OnReply = std::function<void(std::uint64_t tag, const sip::DnsReply& reply)>;
  // `via`: where sockets are opened; null: in this process's namespace. It outlives the result.
  [[nodiscard]] static Result<std::unique_ptr<NameServers>, std::string> create(const DnsConfig& config,
                                                                                const NetworkNamespace* via,
                                                                                OnReply on_reply);
  // `tag` comes back with the answer.
  virtual void ask(std::uint64_t tag, const sip::DnsQuery& query) = 0;
};

}  // namespace sallyport::dataplane
