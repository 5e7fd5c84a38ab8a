// actions.h — what a transaction asks its owner to do, as values in the order in which they must be done.
#pragma once

#include <cstdint>

#include "policy/base/fixed_vector.h"

namespace sallyport::sip {

enum class TransactionAction : std::uint8_t {
  DeliverRequest,  // pass the request to the transaction user
  SendResponse,    // send the response that the transaction user has just handed over, and keep it
  ResendResponse,  // send the kept one again
  ReportTransportError,
  Terminate,  // forget the transaction
};

inline constexpr std::size_t kTransactionActionsMax = 4;
using TransactionActions = FixedVector<TransactionAction, kTransactionActionsMax>;

}  // namespace sallyport::sip
