// A dialog as a simulated agent keeps it, for what is no call. RFC 3261 §12
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "tests/sim/sip_text.h"

namespace sallyport::sim {

struct AgentDialog {
  std::string call_id, local_tag, remote_tag, local, remote, target;
  std::string contact;  // our own, as a value
  std::vector<std::string> routes;
  std::uint32_t local_cseq = 0, remote_cseq = 0;

  // The next one; with Contact. RFC 3261 §12.2.1.1
  [[nodiscard]] SipText request(std::string_view method) {
    SipText request;
    request.method = std::string(method);
    request.uri = target;
    for (const std::string& route : routes) request.add("Route", route);
    request.add("Max-Forwards", "70");
    request.add("From", fmt::format("{};tag={}", local, local_tag));
    request.add("To", remote_tag.empty() ? remote : fmt::format("{};tag={}", remote, remote_tag));
    request.add("Call-ID", call_id);
    request.add("CSeq", fmt::format("{} {}", ++local_cseq, method));
    if (!contact.empty()) request.add("Contact", contact);
    return request;
  }
  [[nodiscard]] Endpoint next_hop() const {
    return endpoint_of(host_port_of(routes.empty() ? target : uri_of(routes.front())));
  }
  // What the response, or the first request of the other end, says of the way there. RFC 3261 §12.1
  void learn(const SipText& message) {
    target = uri_of(message.value("Contact"));
    routes = message.values("Record-Route");
    if (!message.is_request()) std::ranges::reverse(routes);
  }
};

}  // namespace sallyport::sim
