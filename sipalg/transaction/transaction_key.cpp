// transaction_key.cpp — matching of requests to server transactions: RFC 3261 §17.2.3.
#include "sipalg/transaction/transaction_key.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "sipalg/transaction/field_hash.h"

namespace sallyport::sip {

bool has_unique_branch(const ViaHeader& via) noexcept {
  return via.branch.size() > kBranchCookie.size() &&
         equals_ignoring_case(via.branch.substr(0, kBranchCookie.size()), "z9hg4bk");
}

namespace {

TransactionKey key_as(Method method, const HashKey& key, const SipMessage& request, RealmName realm,
                      const IpAddress& source) noexcept {
  FieldHash fields(key);
  const auto& address = source.bytes();
  fields.add({reinterpret_cast<const char*>(address.data()), address.size()});
  fields.add_number(static_cast<std::uint64_t>(realm));
  const ViaHeader& via = request.top_via;
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

}  // namespace

TransactionKey server_transaction_key(const HashKey& key, const SipMessage& request, RealmName realm,
                                      const IpAddress& source) noexcept {
  // An ACK belongs to the INVITE that it acknowledges. RFC 3261 §17.2.3
  const Method method = request.start.method == Method::Ack ? Method::Invite : request.start.method;
  return key_as(method, key, request, realm, source);
}

TransactionKey invite_transaction_key(const HashKey& key, const SipMessage& request, RealmName realm,
                                      const IpAddress& source) noexcept {
  return key_as(Method::Invite, key, request, realm, source);
}

namespace {

std::uint64_t merge_hash_as(Method method, const HashKey& key, const SipMessage& request) noexcept {
  // One run over one piece: every OPTIONS pays for this.
  struct Head {
    std::uint32_t number, method;
    std::uint16_t tag_size, call_id_size;
  };
  static_assert(sizeof(Head) == 12);
  std::array<char, sizeof(Head) + kTagBytesMax + kCallIdBytesMax + kMethodBytesMax> piece;
  std::size_t size = 0;
  const auto add = [&piece, &size](const void* octets, std::size_t count) {
    count = std::min(count, piece.size() - size);
    std::memcpy(piece.data() + size, octets, count);
    size += count;
  };
  const Head head{request.cseq.number, static_cast<std::uint32_t>(method),
                  static_cast<std::uint16_t>(request.from.tag.size()),
                  static_cast<std::uint16_t>(request.call_id.size())};
  add(&head, sizeof head);
  if (!request.from.tag.empty()) add(request.from.tag.data(), request.from.tag.size());
  if (!request.call_id.empty()) add(request.call_id.data(), request.call_id.size());
  if (method == Method::Other) add(request.start.method_text.data(), request.start.method_text.size());
  return keyed_hash(key, std::string_view(piece.data(), size));
}

}  // namespace

std::uint64_t merge_hash(const HashKey& key, const SipMessage& request) noexcept {
  return merge_hash_as(request.start.method, key, request);
}

std::uint64_t invite_merge_hash(const HashKey& key, const SipMessage& cancel) noexcept {
  return merge_hash_as(Method::Invite, key, cancel);
}

std::uint64_t cancel_hash(const HashKey& key, const SipMessage& request) noexcept {
  FieldHash fields(key);
  fields.add(request.call_id);
  fields.add(request.from.tag);
  fields.add_number(request.cseq.number);
  fields.add(request.start.request_uri.text);
  return fields.finish().low;
}

}  // namespace sallyport::sip
