// registration_view.h — what an operator sees of a registered endpoint: `show registrations`.
#pragma once

#include <cstdint>
#include <string>

#include "policy/base/ip_address.h"
#include "policy/base/time.h"
#include "policy/model/transport.h"

namespace sallyport::sip {

struct EndpointView {
  std::string aor;
  std::string registrar;
  std::string contact;  // as the endpoint wrote it
  Endpoint remote;      // where its packets come from
  Endpoint local;       // our listener
  Transport transport = Transport::Udp;
  bool is_behind_nat = false;  // its Contact names another address than its packets come from
  Timestamp since{}, expires{}, inside_expires{};
  std::string user_agent;  // clean text; empty: it did not say
};

}  // namespace sallyport::sip
