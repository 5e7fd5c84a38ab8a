// SIP messages as the simulated agents see them: a small parser and writer of their own, so that the agents
// can judge the product without trusting any of its code. RFC 3261 §7, §7.3.1, §18.3, §20
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "policy/base/ip_address.h"

namespace sallyport::sim {

struct SipText {
  std::string method, uri;  // of a request
  int code = 0;             // of a response
  std::string phrase;
  std::vector<std::pair<std::string, std::string>> fields;  // long names; each list value is one field
  std::string body;

  [[nodiscard]] bool is_request() const noexcept { return code == 0; }
  // The first value of that name; empty when there is none.
  [[nodiscard]] const std::string& value(std::string_view name) const noexcept;
  [[nodiscard]] std::vector<std::string> values(std::string_view name) const;
  [[nodiscard]] std::size_t count(std::string_view name) const noexcept;
  // Is that token among the values of those fields?
  [[nodiscard]] bool names(std::string_view name, std::string_view token) const;
  SipText& add(std::string name, std::string field);
  // The bytes, with Content-Length.
  [[nodiscard]] std::string text() const;

  [[nodiscard]] std::string call_id() const { return value("Call-ID"); }
  [[nodiscard]] std::string from_tag() const;
  [[nodiscard]] std::string to_tag() const;
  [[nodiscard]] std::string branch() const;  // of the top Via
  [[nodiscard]] std::uint32_t cseq() const;
  [[nodiscard]] std::string cseq_method() const;
  [[nodiscard]] std::string summary() const;  // start line, Call-ID, CSeq: for what is said of it
};

struct ParsedSipText {
  SipText message;
  std::string complaint;  // empty: it is good SIP
};
[[nodiscard]] ParsedSipText parse_sip_text(std::string_view bytes);

// Of one header field value: a parameter behind the URI, the URI, and parts of a URI.
[[nodiscard]] std::string param_of(std::string_view value, std::string_view name);
[[nodiscard]] std::string uri_of(std::string_view value);
[[nodiscard]] std::string user_of(std::string_view uri);
[[nodiscard]] std::string host_port_of(std::string_view uri);
[[nodiscard]] Endpoint endpoint_of(std::string_view host_port);

// A response to a request with what it must repeat. RFC 3261 §8.2.6.2
[[nodiscard]] SipText response_to(const SipText& request, int code, std::string_view to_tag);

}  // namespace sallyport::sim
