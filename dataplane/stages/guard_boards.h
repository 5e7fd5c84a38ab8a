// guard_boards.h — what all lcores ask about a source, and others change meanwhile.
#pragma once

#include "policy/base/keyed_hash.h"
#include "policy/decide/block_table.h"
#include "policy/decide/earned_trust.h"

namespace sallyport::dataplane {

// They outlive whoever asks.
struct GuardBoards {
  policy::BlockTable* blocks = nullptr;         // null: nobody is blocked
  const policy::EarnedTrust* earned = nullptr;  // null: nobody earns trust
  const HashKey* token_key = nullptr;           // of the node's tokens; null: none is recognised
  [[nodiscard]] bool has_earned() const noexcept { return earned != nullptr && !earned->is_empty(); }
};

}  // namespace sallyport::dataplane
