// RFC 3261 §10.3, §22.2
#include "tests/sim/upstream_registrar.h"

#include <fmt/format.h>

#include <cstdlib>
#include <utility>

namespace sallyport::sim {

UpstreamRegistrar::UpstreamRegistrar(UserAgent& agent, UpstreamTerms terms)
    : agent_(agent), transactions_(agent.transactions()), terms_(std::move(terms)) {
  agent_.serve("REGISTER", [this](const SipText& request, const Endpoint& source) {
    on_register(request, source);
    return true;
  });
}

std::string UpstreamRegistrar::contact_of(const std::string& aor) const {
  const auto found = bindings_.find(aor);
  if (found == bindings_.end()) return {};
  return transactions_.network().now() < found->second.until ? found->second.contact : std::string();
}

void UpstreamRegistrar::check(const SipText& request) {
  if (request.uri != "sip:" + terms_.domain) transactions_.blame("not our domain: " + request.summary());
  if (uri_of(request.value("To")) != uri_of(request.value("From")))
    transactions_.blame("registered by somebody else: " + request.summary());
  for (const std::string& contact : request.values("Contact"))
    if (contact != "*" && endpoint_of(host_port_of(uri_of(contact))) != agent_.settings().border)
      transactions_.blame("a Contact that leads elsewhere: " + contact + " in " + request.summary());
}

void UpstreamRegistrar::on_register(const SipText& request, const Endpoint& source) {
  check(request);
  const std::string uri = uri_of(request.value("To"));
  const std::string user = user_of(uri), aor = uri.substr(uri.find(':') + 1);
  if (!terms_.passwords.contains(user)) {
    transactions_.blame("a user that nobody has: " + request.summary());
    answer(request, source, 404, {});
    return;
  }
  // What ends a binding behind an endpoint's back has nobody's credentials.
  const bool is_end = request.value("Expires") == "0" || param_of(request.value("Contact"), "expires") == "0";
  if (terms_.challenges && !is_end && !is_authentic(request, user)) {
    answer(request, source, 401, user);
    return;
  }
  answer(request, source, update(request, aor) ? 200 : 500, aor);
}

bool UpstreamRegistrar::is_authentic(const SipText& request, const std::string& user) {
  const std::string& value = request.value("Authorization");
  if (value.empty()) return false;
  DigestParams params = digest_params(value);
  if (!is_right(params, {user, terms_.passwords.at(user)}, "REGISTER"))
    transactions_.blame("credentials were changed: " + value + " in " + request.summary());
  if (params["uri"] != request.uri)
    transactions_.blame(fmt::format("credentials for {} in {}", params["uri"], request.summary()));
  return params["nonce"] == nonces_[user];
}

// False: it comes behind a younger one. RFC 3261 §10.3 step 7
bool UpstreamRegistrar::update(const SipText& request, const std::string& aor) {
  Binding& binding = bindings_[aor];
  if (binding.call_id == request.call_id() && request.cseq() <= binding.cseq) return false;
  binding.call_id = request.call_id();
  binding.cseq = request.cseq();
  for (const std::string& contact : request.values("Contact")) {
    const std::string own = param_of(contact, "expires");
    const int seconds = std::atoi((own.empty() ? request.value("Expires") : own).c_str());
    const bool is_this = contact == "*" || uri_of(contact) == binding.contact;
    const bool is_live = transactions_.network().now() < binding.until;
    if (seconds == 0) {
      if (is_this) binding.until = {};
      continue;
    }
    if (!is_this && is_live && transactions_.judge().is_calm() && !agent_.settings().peer_restarts)
      transactions_.blame("a second binding of one phone: " + request.summary());
    binding.contact = uri_of(contact);
    binding.until = transactions_.network().now() + std::chrono::seconds(seconds);
  }
  return true;
}

void UpstreamRegistrar::answer(const SipText& request, const Endpoint& source, int code,
                               const std::string& aor) {
  SimRandom& random = transactions_.random();
  SipText response = response_to(request, code, agent_.settings().name + random.letters(6));
  response.phrase = "Says " + agent_.settings().name;
  response.add("Server", fmt::format("Phone-{}/1.0", agent_.settings().marker));
  if (code == 401) {
    std::string& nonce = nonces_[aor];
    nonce = std::to_string(random.next());
    response.add(
        "WWW-Authenticate",
        fmt::format("Digest realm=\"{}\", nonce=\"{}\", algorithm=MD5, qop=\"auth\"", terms_.domain, nonce));
  }
  if (code == 200 && !contact_of(aor).empty()) {
    const auto left =
        std::chrono::ceil<std::chrono::seconds>(bindings_[aor].until - transactions_.network().now());
    response.add("Contact", fmt::format("<{}>;expires={}", contact_of(aor), left.count()));
  }
  transactions_.reply(request, source, response);
}

}  // namespace sallyport::sim
