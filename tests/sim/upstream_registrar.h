// The registrar behind the border: keeps what the border registers for phones, with a digest of its own, and
// says where they are called. RFC 3261 §10.3
#pragma once

#include <map>
#include <string>

#include "tests/sim/agent_digest.h"
#include "tests/sim/user_agent.h"

namespace sallyport::sim {

struct UpstreamTerms {
  std::string domain;
  std::map<std::string, std::string> passwords;  // by user
  bool challenges = true;
};

class UpstreamRegistrar {
 public:
  UpstreamRegistrar(UserAgent& agent, UpstreamTerms terms);
  UpstreamRegistrar(const UpstreamRegistrar&) = delete;
  UpstreamRegistrar& operator=(const UpstreamRegistrar&) = delete;

  // Empty: not bound.
  [[nodiscard]] std::string contact_of(const std::string& aor) const;

 private:
  struct Binding {
    std::string contact, call_id;
    std::uint32_t cseq = 0;
    Timestamp until{};
  };
  void on_register(const SipText& request, const Endpoint& source);
  void check(const SipText& request);
  [[nodiscard]] bool is_authentic(const SipText& request, const std::string& user);
  [[nodiscard]] bool update(const SipText& request, const std::string& aor);
  void answer(const SipText& request, const Endpoint& source, int code, const std::string& aor);

  UserAgent& agent_;
  AgentTransactions& transactions_;
  UpstreamTerms terms_;
  std::map<std::string, Binding> bindings_;    // by AOR
  std::map<std::string, std::string> nonces_;  // the last one, by user
};

}  // namespace sallyport::sim
