// call_errand.cpp — requests of our own within a call's dialogs, and what becomes of them: RFC 3261 §12.2.1.
#include "sipalg/call/call_engine.h"

namespace sallyport::sip {

bool CallEngine::send_own(Call& call, Fork& fork, Side to, const OwnRequest& what, Turn turn) {
  Dialog& dialog = fork.dialogs[index_of(to)];
  if (dialog.state == DialogState::Ended || call.exchanges.size() >= kExchangesMax ||
      !parts_.clients.has_room())
    return false;
  Exchange exchange;
  exchange.id = ++call.exchanges_made;
  exchange.fork = fork.number;
  exchange.from = other(to);
  exchange.errand = what.errand;
  exchange.about = what.about;
  exchange.method = method_of(what.method);
  ++dialog.local_cseq;
  const DialogRoute route = route_of(dialog);
  RequestParts parts = in_dialog_request(call, dialog, route);
  if (parts.own == nullptr) return false;
  parts.method = what.method;
  parts.extension_lines = what.lines;
  parts.body = what.body;
  if (launch(call, fork, exchange, parts, turn) != 0) return false;
  call.exchanges.push_back(std::move(exchange));
  return true;
}

void CallEngine::on_own_answer(Call& call, const Exchange& exchange, std::uint16_t code,
                               const SipMessage* response, Turn turn) {
  switch (exchange.errand) {
    case Errand::Refresh:
      return on_refreshed(call, exchange, code, response, turn);
    case Errand::Dtmf:
      return on_digit_answered(call, exchange, code, turn);
    case Errand::Transfer:
      return on_transfer_offered(call, exchange, code, response, turn);
    case Errand::Notify:
      // 500 says no more than that it came out of order. RFC 6665 §4.2.2, RFC 3261 §12.2.2
      // About nothing: no transfer of ours, see tell_of_lost_refers().
      if (code >= 300 && code != 500 && exchange.about != 0 && call.transfer) call.transfer->is_told = false;
      return;
    case Errand::Probe:
      return on_probe_answered(call, exchange, response != nullptr ? code : std::uint16_t{0}, turn);
    case Errand::Prack:
    case Errand::None:
    case Errand::kCount:
      break;
  }
  (void)call, (void)code, (void)response, (void)turn;
}

}  // namespace sallyport::sip
