// actions.h — what a transaction asks its owner to do, as values in the order in which they must be done.
#pragma once

#include <cstdint>

#include "policy/base/check.h"
#include "policy/base/fixed_vector.h"

namespace sallyport::sip {

enum class TransactionAction : std::uint8_t {
  DeliverRequest,   // pass the request to the transaction user
  SendResponse,     // send the response that the transaction user has just handed over, and keep it
  ResendResponse,   // send the kept one again
  DeliverResponse,  // pass the response to the transaction user
  ResendRequest,    // send the kept request again
  SendAck,          // build the ACK of this failure response, send and keep it
  ResendAck,        // send the kept ACK again
  SendCancel,       // build and send the CANCEL
  ReportTimeout,
  ReportTransportError,
  Terminate,  // forget the transaction
};

inline constexpr std::size_t kTransactionActionsMax = 4;
using TransactionActions = FixedVector<TransactionAction, kTransactionActionsMax>;

// One input never leads to more actions than there is room for.
inline void add_action(TransactionAction action, TransactionActions& out) noexcept {
  const bool added = out.push_back(action);
  SALLYPORT_CHECK(added);
}

}  // namespace sallyport::sip
