// call_engine_parts.h — what a CallEngine works with and what it shows of its inside to the engine around it.
#pragma once

#include <cstdint>
#include <vector>

#include "sipalg/auth/peer_credentials.h"
#include "sipalg/call/call_table.h"
#include "sipalg/call/ended_calls.h"
#include "sipalg/call/stray_dialogs.h"
#include "sipalg/engine/detector_gate.h"
#include "sipalg/engine/engine_counters.h"
#include "sipalg/engine/places.h"
#include "sipalg/engine/responder.h"
#include "sipalg/engine/sip_engine.h"
#include "sipalg/transaction/client_transactions.h"
#include "sipalg/transaction/server_transactions.h"
#include "sipalg/trunk/registered_contact.h"

namespace sallyport::sip {

// What the call engine works with; all of it outlives the engine.
struct CallEngineParts {
  const SbcConfig& config;
  const SipEngineSettings& settings;
  SharedPolicy& shared;
  const SharedValue<Rulebook>& book;  // to begin with
  ServerTransactions& servers;
  ClientTransactions& clients;
  Responder& responder;
  PeerCredentials& credentials;
  const RegisteredContacts& contacts;
  std::vector<RealmSipCounters>& counters;
  EngineCounters& totals;
  std::uint64_t& touched;  // set to the call that the present input belongs to
  DetectorGate& detectors;
};

// What one piece of saved state holds.
enum class SavedKind : std::uint8_t {
  Call,
  ServerTransactions,
  ClientTransactions,
  Strays,
  Binding,
  Subscription,
  Callbacks  // who has called for help a while ago
};

// What it keeps.
struct CallTables {
  const CallTable& live;
  const EndedCalls& ended;
  const StrayDialogs& strays;
};

}  // namespace sallyport::sip
