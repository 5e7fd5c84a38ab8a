// tls_contexts.cpp — the table of contexts: places that want the same share one; what did not change stays
// the same object, with its tickets and the sessions that it can resume.
#include "dataplane/tls/tls_contexts.h"

#include <openssl/err.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "dataplane/tls/certificate_names.h"
#include "dataplane/tls/make_context.h"
#include "dataplane/tls/openssl_session.h"
#include "dataplane/tls/tls_material.h"
#include "dataplane/tls/tls_plan.h"

namespace sallyport::dataplane {
namespace {

enum class Role : char { Server = 's', Client = 'c' };

struct Slot {
  SslContextPtr context;  // null: no TLS here
  ContextSignature signature{};
};

struct Slots {
  std::vector<Slot> listeners, peers;
};

using ContextsBySignature = std::map<ContextSignature, SslContextPtr>;

void collect(const std::vector<Slot>& slots, ContextsBySignature& out) {
  for (const Slot& slot : slots)
    if (slot.context) out.try_emplace(slot.signature, share(slot.context));
}

ContextSignature signature_of(Role role, const TlsPlace& place, TlsVersion version,
                              const TlsMaterial& material) {
  const char mode = static_cast<char>(place.client_certificate);
  std::string kind{static_cast<char>(role), static_cast<char>(version), mode};
  if (role == Role::Server) kind += std::to_string(place.realm);
  std::vector<Digest> parts{digest_of(kind)};
  for (const std::size_t certificate : place.certificates) parts.push_back(material.pair(certificate).digest);
  parts.push_back(digest_of(std::string_view("authorities")));
  for (const std::size_t position : place.authorities) parts.push_back(material.authorities(position).digest);
  if (place.trusts_system) parts.push_back(material.of_the_system().digest);
  return digest_of(parts);
}

bool add_to(X509_STORE* store, const LoadedAuthorities& authorities) {
  return std::all_of(authorities.certificates.begin(), authorities.certificates.end(),
                     [store](const CertificatePtr& authority) {
                       return X509_STORE_add_cert(store, authority.get()) == 1;  // there already: 1, too
                     });
}

CertificateStorePtr store_of(const TlsPlace& place, const TlsMaterial& material) {
  CertificateStorePtr store(X509_STORE_new());
  bool is_whole = store != nullptr;
  for (const std::size_t position : place.authorities)
    is_whole = is_whole && add_to(store.get(), material.authorities(position));
  if (place.trusts_system) is_whole = is_whole && add_to(store.get(), material.of_the_system());
  ERR_clear_error();
  return is_whole ? std::move(store) : nullptr;
}

class TlsContextTable final : public TlsContexts {
 public:
  Result<void, std::string> prepare(const SbcConfig& config) override;
  void take_effect() noexcept override;
  std::unique_ptr<TlsSession> accept_on(ListenerIndex listener) override;
  std::unique_ptr<TlsSession> connect_to(PeerIndex peer, std::string_view name) override;
  std::vector<std::string> refresh() override;
  void rotate_tickets(Timestamp now) override;
  std::vector<CertificateExpiry> expiries() const override;

 private:
  struct PeerNames {
    std::string name, wanted;
  };
  // Of a configuration, and of the files that it names.
  struct Loaded {
    TlsVersion minimum_version = TlsVersion::Tls12;
    TlsPlan plan;
    TlsMaterial material;
  };
  [[nodiscard]] static Result<Loaded, std::string> load_files(const SbcConfig& config);
  [[nodiscard]] Result<Slots, std::string> make_slots(const Loaded& loaded) const;
  [[nodiscard]] static Result<SslContextPtr, std::string> make_context(Role role, const TlsPlace& place,
                                                                       const Loaded& loaded,
                                                                       const ContextSignature& signature);
  // All that is asked for by number, or shown.
  struct InUse {
    Slots slots;
    std::vector<PeerNames> peer_names;
    std::vector<CertificateExpiry> expiries;
  };
  [[nodiscard]] static InUse make_in_use(Slots slots, const Loaded& loaded);
  [[nodiscard]] SslContextPtr context_at(const std::vector<Slot>& slots, std::size_t position) const;

  mutable std::mutex disk_mutex_;  // guards loaded_; held while files are read
  Loaded loaded_;

  mutable std::mutex mutex_;  // guards what follows; never held while anything waits
  InUse now_;
  std::optional<InUse> next_;  // until take_effect()
};

Result<TlsContextTable::Loaded, std::string> TlsContextTable::load_files(const SbcConfig& config) {
  Loaded out;
  out.minimum_version = config.tls.minimum_version;
  out.plan = make_tls_plan(config);
  const auto trusts_system = [](const TlsPlace& place) { return place.is_used && place.trusts_system; };
  const bool needs_system =
      std::any_of(out.plan.listeners.begin(), out.plan.listeners.end(), trusts_system) ||
      std::any_of(out.plan.peers.begin(), out.plan.peers.end(), trusts_system);
  auto material = TlsMaterial::read(config.tls, needs_system);
  if (!material) return fail(material.error());
  out.material = std::move(*material);
  return out;
}

Result<SslContextPtr, std::string> TlsContextTable::make_context(Role role, const TlsPlace& place,
                                                                 const Loaded& loaded,
                                                                 const ContextSignature& signature) {
  const CertificateStorePtr store = store_of(place, loaded.material);
  if (!store) return fail(std::string("out of memory"));
  ContextRecipe recipe{loaded.minimum_version, signature, {}, store.get(), place.client_certificate};
  for (const std::size_t certificate : place.certificates)
    recipe.pairs.push_back(&loaded.material.pair(certificate).pair);
  auto made = role == Role::Server ? make_server_context(recipe) : make_client_context(recipe);
  if (made || place.certificates.empty()) return made;
  return fail("certificate " + loaded.material.config_of(place.certificates.front()).name + ": " +
              made.error());
}

Result<Slots, std::string> TlsContextTable::make_slots(const Loaded& loaded) const {
  ContextsBySignature known;
  {
    const std::lock_guard lock(mutex_);
    collect(now_.slots.listeners, known);
    collect(now_.slots.peers, known);
  }
  Slots out;
  const auto fill = [&](Role role, const std::vector<TlsPlace>& places,
                        std::vector<Slot>& slots) -> Result<void, std::string> {
    for (const TlsPlace& place : places) {
      Slot& slot = slots.emplace_back();
      if (!place.is_used) continue;
      slot.signature = signature_of(role, place, loaded.minimum_version, loaded.material);
      auto found = known.find(slot.signature);
      if (found == known.end()) {
        auto made = make_context(role, place, loaded, slot.signature);
        if (!made) return fail(made.error());
        found = known.emplace(slot.signature, std::move(*made)).first;
      }
      slot.context = share(found->second);
    }
    return {};
  };
  if (auto filled = fill(Role::Server, loaded.plan.listeners, out.listeners); !filled)
    return fail(filled.error());
  if (auto filled = fill(Role::Client, loaded.plan.peers, out.peers); !filled) return fail(filled.error());
  return out;
}

TlsContextTable::InUse TlsContextTable::make_in_use(Slots slots, const Loaded& loaded) {
  InUse out{std::move(slots), {}, {}};
  for (const TlsPlace& place : loaded.plan.peers) out.peer_names.push_back({place.name, place.wanted_name});
  for (std::size_t i = 0; i < loaded.material.certificates(); ++i) {
    const CertificateConfig& config = loaded.material.config_of(i);
    out.expiries.push_back({config.name, loaded.material.pair(i).not_after, config.warn_before});
  }
  return out;
}

Result<void, std::string> TlsContextTable::prepare(const SbcConfig& config) {
  const std::lock_guard disk(disk_mutex_);
  auto loaded = load_files(config);
  if (!loaded) return fail(loaded.error());
  auto slots = make_slots(*loaded);
  if (!slots) return fail(slots.error());
  loaded_ = std::move(*loaded);
  InUse next = make_in_use(std::move(*slots), loaded_);
  const std::lock_guard lock(mutex_);
  next_ = std::move(next);
  return {};
}

// What goes is freed by sessions that still use it, or here.
void TlsContextTable::take_effect() noexcept {
  std::optional<InUse> taken;
  const std::lock_guard lock(mutex_);
  next_.swap(taken);
  if (taken) std::swap(now_, *taken);
}

std::vector<std::string> TlsContextTable::refresh() {
  const std::lock_guard disk(disk_mutex_);
  std::vector<std::string> told;
  if (!loaded_.material.read_again(told)) return told;
  auto slots = make_slots(loaded_);
  if (!slots) {
    told.push_back(slots.error() + "; the old one stays in use");
    return told;
  }
  InUse again = make_in_use(std::move(*slots), loaded_);
  const std::lock_guard lock(mutex_);
  // What waits to take effect has the numbers of `loaded_`, what is in use does not.
  std::swap(next_ ? *next_ : now_, again);
  return told;
}

SslContextPtr TlsContextTable::context_at(const std::vector<Slot>& slots, std::size_t position) const {
  return position < slots.size() ? share(slots[position].context) : nullptr;
}

std::unique_ptr<TlsSession> TlsContextTable::accept_on(ListenerIndex listener) {
  SslContextPtr context;
  {
    const std::lock_guard lock(mutex_);
    context = context_at(now_.slots.listeners, to_position(listener));
  }
  return context ? OpensslSession::accept(context.get()) : nullptr;
}

std::unique_ptr<TlsSession> TlsContextTable::connect_to(PeerIndex peer, std::string_view name) {
  SslContextPtr context;
  PeerNames names;
  {
    const std::lock_guard lock(mutex_);
    context = context_at(now_.slots.peers, to_position(peer));
    if (context) names = now_.peer_names[to_position(peer)];
  }
  const std::string target = plain_host(name);
  // Only the operator may ask for a wildcard, and no server goes unnamed.
  if (!context || (names.wanted.empty() && (target.empty() || target.starts_with('*')))) return nullptr;
  ServerWish wish;
  wish.name = names.wanted.empty() ? target : plain_host(names.wanted);
  wish.hello_name = wish.name.starts_with('*') ? target : wish.name;
  if (IpAddress::parse(wish.hello_name) || wish.hello_name.starts_with('*')) wish.hello_name.clear();
  wish.resumes_with = names.name + '\n' + wish.name + '\n' + target;
  return OpensslSession::connect(context.get(), std::move(wish));
}

void TlsContextTable::rotate_tickets(Timestamp now) {
  const std::lock_guard lock(mutex_);
  for (const Slot& slot : now_.slots.listeners)
    if (slot.context) static_cast<void>(ContextState::of(slot.context.get())->tickets.rotate(now));
}

std::vector<CertificateExpiry> TlsContextTable::expiries() const {
  const std::lock_guard lock(mutex_);
  return now_.expiries;
}

}  // namespace

Result<std::unique_ptr<TlsContexts>, std::string> TlsContexts::create(const SbcConfig& config) {
  auto table = std::make_unique<TlsContextTable>();
  if (auto loaded = table->reconfigure(config); !loaded) return fail(loaded.error());
  return table;
}

}  // namespace sallyport::dataplane
