// passed_refer.cpp — RFC 3515 §2.4, RFC 4488 §4.
#include "sipalg/call/passed_refer.h"

#include <limits>

#include "sipalg/call/refer_target.h"
#include "sipalg/message/lexer.h"

namespace sallyport::sip {
namespace {

// The value of that header field; empty: there is none.
std::string_view value_of(const SipMessage& message, HeaderName name) noexcept {
  for (std::size_t i = 0; i < message.header_count; ++i)
    if (message.headers[i].name == name) return message.value_of(message.headers[i]);
  return {};
}

// What stands before its parameters.
std::string_view word_of(std::string_view value) noexcept {
  return value.substr(0, value.find_first_of("; \t"));
}

}  // namespace

void open_refer(Fork& fork, Side by) noexcept {
  std::uint8_t& open = fork.dialogs[index_of(by)].open_refers;
  if (open < std::numeric_limits<std::uint8_t>::max()) ++open;
}

void close_refer(Fork& fork, Side by) noexcept {
  std::uint8_t& open = fork.dialogs[index_of(by)].open_refers;
  if (open > 0) --open;
}

void close_unanswered_refers(const Call& call, Fork& fork, Side by) noexcept {
  for (const Exchange& exchange : call.exchanges)
    if (exchange.fork == fork.number && exchange.from == by && exchange.errand == Errand::None &&
        exchange.method == Method::Refer)
      close_refer(fork, by);
}

bool promises_result(std::uint16_t code, const SipMessage* response) noexcept {
  return code / 100 == 2 && (response == nullptr || !declines_subscription(*response));
}

bool is_of_refer(const SipMessage& notify) noexcept {
  return notify.start.method == Method::Notify &&
         equals_ignoring_case(word_of(value_of(notify, HeaderName::Event)), "refer");
}

bool ends_refer(const SipMessage& notify) noexcept {
  return is_of_refer(notify) &&
         equals_ignoring_case(word_of(value_of(notify, HeaderName::SubscriptionState)), "terminated");
}

std::vector<policy::HeaderEdit> plain_refer_event(const SipMessage& notify) {
  const std::string_view event = value_of(notify, HeaderName::Event), package = word_of(event);
  if (!is_of_refer(notify) || package.size() == event.size()) return {};
  return {{.name = "Event", .values = {std::string(package)}}};
}

}  // namespace sallyport::sip
