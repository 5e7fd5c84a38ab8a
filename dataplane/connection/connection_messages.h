// connection_messages.h — what travels between shards and the stream thread, by pointer: a message is made on
// one thread and deleted on the other. Both ways are bounded by their mailboxes and by the connections'
// queues.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "policy/base/time.h"
#include "sipalg/engine/engine_input.h"
#include "sipalg/engine/engine_output.h"
#include "sipalg/location/dns_query.h"

namespace sallyport::dataplane {

// stream thread -> shard
struct StreamMessage {
  // One SIP message off a connection, or what a connection lost its framing over.
  struct Arrived {
    sip::MessageInput input;  // input.bytes is empty: they are below
    std::string bytes;
    Timestamp since{};  // when it had been read
  };
  // What was to go this way did not leave, or no connection could be had. RFC 3261 §18.4
  struct Failed {
    sip::Path path;
  };
  struct DnsAnswered {
    std::uint64_t id = 0;
    bool is_answered = false;
    std::vector<std::uint8_t> message;
  };
  std::variant<Arrived, Failed, DnsAnswered> what;
};

// shard -> stream thread
struct StreamOrder {
  struct Send {
    sip::Path path;  // of transport Tcp or Tls
    std::string bytes;
  };
  struct Close {
    std::uint64_t connection = 0;
  };
  struct Ask {
    sip::DnsQuery query;
  };
  std::size_t shard = 0;  // who gave it: where Failed and DnsAnswered go
  std::variant<Send, Close, Ask> what;
};

}  // namespace sallyport::dataplane
