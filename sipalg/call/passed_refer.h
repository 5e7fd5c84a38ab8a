// passed_refer.h — REFERs that the other side carries out itself (`refer: pass`): whoever sent one waits for
// the NOTIFY that says how it went. RFC 3515 §2.4, RFC 4488 §4, RFC 6665 §4.4.1.
#pragma once

#include <cstdint>
#include <vector>

#include "policy/route/rule_set.h"
#include "sipalg/call/call.h"
#include "sipalg/message/sip_message.h"

namespace sallyport::sip {

// By that side of the fork: it went on, and its sender waits for NOTIFYs from now on.
void open_refer(Fork& fork, Side by) noexcept;
// It was refused, or the last NOTIFY has come.
void close_refer(Fork& fork, Side by) noexcept;
// Those of that side that have no answer yet get one of their own, and no NOTIFY.
void close_unanswered_refers(const Call& call, Fork& fork, Side by) noexcept;

// Does this final answer to a REFER promise NOTIFYs? Null: there was none. RFC 3515 §2.4.4, RFC 4488 §4
[[nodiscard]] bool promises_result(std::uint16_t code, const SipMessage* response) noexcept;
// A NOTIFY about a REFER.
[[nodiscard]] bool is_of_refer(const SipMessage& notify) noexcept;
// Nothing comes behind it. RFC 3515 §2.4.7, RFC 6665 §4.1.3
[[nodiscard]] bool ends_refer(const SipMessage& notify) noexcept;
// `id` of such a NOTIFY is a number of the other leg and means nothing on this one, where one transfer is
// under way at a time: without it; empty: it goes on as it is. RFC 3515 §2.4.6
[[nodiscard]] std::vector<policy::HeaderEdit> plain_refer_event(const SipMessage& notify);

}  // namespace sallyport::sip
