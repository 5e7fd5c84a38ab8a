// RFC 5626 §3.5, RFC 5389 §6; RFC 3261 §11.1
#include "tests/sim/keep_alives.h"

#include <fmt/format.h>

#include <string>

namespace sallyport::sim {
namespace {

// A binding request that the rim has let pass.
std::string binding_request(SimRandom& random) {
  std::string request("\x00\x01\x00\x00\x21\x12\xa4\x42", 8);
  for (int i = 0; i < 12; ++i) request += static_cast<char>(random.below(256));
  return request;
}

}  // namespace

void KeepAlives::begin(unsigned count) {
  left_ = count;
  (void)transactions_.network().after(transactions_.random().between(0s, 40s), [this] { send(); });
}

void KeepAlives::send() {
  if (left_ == 0) return;
  --left_;
  const UserAgentSettings& own = agent_.settings();
  VirtualNetwork& network = transactions_.network();
  SimRandom& random = transactions_.random();
  switch (random.below(4)) {
    case 0:
      network.send(own.own, own.border, random.chance(0.5) ? "\r\n\r\n" : "\r\n");
      break;
    case 1:
      network.send(own.own, own.border, random.chance(0.5) ? binding_request(random) : std::string(4, '\0'));
      break;
    default:
      ask_options();
  }
  (void)network.after(random.between(1s, 40s), [this] { send(); });
}

void KeepAlives::ask_options() {
  const UserAgentSettings& own = agent_.settings();
  SimRandom& random = transactions_.random();
  const std::string self =
      own.identity.empty() ? fmt::format("<sip:ping@{}.example>", own.name) : own.identity;
  SipText request;
  request.method = "OPTIONS";
  request.uri = "sip:" + to_string(own.border);
  request.add("Max-Forwards", random.chance(0.5) ? "70" : "0");
  request.add("From", fmt::format("{};tag={}{}", self, own.name, random.letters(6)));
  request.add("To", fmt::format("<sip:{}>", to_string(own.border)));
  request.add("Call-ID", fmt::format("{}-{}", random.letters(10), own.name)).add("CSeq", "1 OPTIONS");
  request.add("Accept", "application/sdp");
  const bool was_known = is_known_();
  transactions_.request(std::move(request), own.border, [this, was_known](const SipText* response) {
    if (!transactions_.judge().is_calm() || !was_known || !is_known_()) return;
    if (response == nullptr)
      transactions_.blame("OPTIONS of who is known got no answer");
    else if (response->code != 200 || response->count("Allow") == 0)
      transactions_.blame("OPTIONS to the border: " + response->summary());
  });
}

}  // namespace sallyport::sim
