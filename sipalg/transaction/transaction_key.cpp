// transaction_key.cpp — matching of requests to server transactions: RFC 3261 §17.2.3.
#include "sipalg/transaction/transaction_key.h"

#include <cstring>

#include "sipalg/transaction/field_hash.h"

namespace sallyport::sip {

bool has_unique_branch(const ViaHeader& via) noexcept {
  return via.branch.size() > kBranchCookie.size() &&
         equals_ignoring_case(via.branch.substr(0, kBranchCookie.size()), "z9hg4bk");
}

TransactionKey server_transaction_key(const HashKey& key, const SipMessage& request, RealmIndex realm,
                                      const IpAddress& source) noexcept {
  FieldHash fields(key);
  const auto& address = source.bytes();
  fields.add({reinterpret_cast<const char*>(address.data()), address.size()});
  fields.add_number(static_cast<std::uint64_t>(realm));
  const ViaHeader& via = request.top_via;
  // An ACK belongs to the INVITE that it acknowledges. RFC 3261 §17.2.3
  const Method method = request.start.method == Method::Ack ? Method::Invite : request.start.method;
  fields.add_number(static_cast<std::uint64_t>(method));
  if (method == Method::Other) fields.add(request.start.method_text);
  fields.add_ignoring_case(via.sent_by.host);
  fields.add_number(via.sent_by.port);
  if (has_unique_branch(via)) {
    fields.add(via.branch);  // RFC 3261 §17.2.3
    return {fields.finish()};
  }
  fields.add_number(1);  // keeps the two kinds of key apart
  fields.add(request.start.request_uri.text);
  fields.add(request.from.tag);
  fields.add(request.call_id);
  fields.add_number(request.cseq.number);
  fields.add(via.transport);
  fields.add(via.params);
  // An ACK carries the To tag of the response, the INVITE does not yet. RFC 3261 §17.2.3
  if (method != Method::Invite) fields.add(request.to.tag);
  return {fields.finish()};
}

}  // namespace sallyport::sip
