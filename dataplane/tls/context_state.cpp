// context_state.cpp — bounded, and locked: handshake threads meet here.
#include "dataplane/tls/context_state.h"

#include <openssl/rand.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "dataplane/tls/peer_proof.h"

namespace sallyport::dataplane {
namespace {

bool fill(TicketKey& key) noexcept {
  return RAND_bytes(key.name.data(), static_cast<int>(key.name.size())) == 1 &&
         RAND_priv_bytes(key.cipher.data(), static_cast<int>(key.cipher.size())) == 1 &&
         RAND_priv_bytes(key.mac.data(), static_cast<int>(key.mac.size())) == 1;
}

template <class... Unused>
void free_state(void*, void* state, Unused...) {
  const std::unique_ptr<ContextState> owned(static_cast<ContextState*>(state));
}

int state_index() noexcept {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_state);
  return index;
}

}  // namespace

TicketKeys::TicketKeys() noexcept {
  TicketKey key;
  if (fill(key)) keys_[0] = key;
}

TicketKey TicketKeys::newest() const noexcept {
  const std::lock_guard lock(mutex_);
  return keys_[0].value_or(TicketKey{});
}

std::optional<TicketKey> TicketKeys::find(const std::uint8_t* name) const noexcept {
  const std::lock_guard lock(mutex_);
  for (const auto& key : keys_)
    if (key && std::equal(key->name.begin(), key->name.end(), name)) return key;
  return std::nullopt;
}

bool TicketKeys::rotate(Timestamp now) noexcept {
  const std::lock_guard lock(mutex_);
  if (!since_) since_ = now;
  if (keys_[0] && now - *since_ < kKeyAge) return true;
  TicketKey key;
  if (!fill(key)) return false;
  keys_[1] = std::exchange(keys_[0], key);
  since_ = now;
  return true;
}

void ResumableSessions::put(const std::string& server, SslSessionPtr session) {
  const std::lock_guard lock(mutex_);
  if (sessions_.size() >= kMax && !sessions_.contains(server)) sessions_.erase(sessions_.begin());
  sessions_[server] = std::move(session);
}

SslSessionPtr ResumableSessions::take(const std::string& server) {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(server);
  if (found == sessions_.end()) return nullptr;
  const SSL_SESSION* session = found->second.get();
  const bool is_good = SSL_SESSION_is_resumable(session) == 1 && is_in_time(session);
  if (is_good && SSL_SESSION_get_protocol_version(session) < TLS1_3_VERSION) {
    SSL_SESSION_up_ref(found->second.get());
    return SslSessionPtr(found->second.get());
  }
  SslSessionPtr taken = std::move(found->second);
  sessions_.erase(found);
  return is_good ? std::move(taken) : nullptr;
}

std::size_t ResumableSessions::size() const {
  const std::lock_guard lock(mutex_);
  return sessions_.size();
}

ContextState* ContextState::of(const SSL_CTX* context) noexcept {
  return static_cast<ContextState*>(SSL_CTX_get_ex_data(context, state_index()));
}

bool ContextState::attach(SSL_CTX* context) {
  auto state = std::make_unique<ContextState>();
  if (SSL_CTX_set_ex_data(context, state_index(), state.get()) != 1) return false;
  static_cast<void>(state.release());  // free_state() has it from here on
  return true;
}

}  // namespace sallyport::dataplane
