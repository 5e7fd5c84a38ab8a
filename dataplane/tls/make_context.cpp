// make_context.cpp — the settings that both sides share, then each side's own.
#include "dataplane/tls/make_context.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rand.h>

#include <algorithm>
#include <span>
#include <string_view>
#include <tuple>
#include <utility>

#include "dataplane/tls/openssl_session.h"
#include "dataplane/tls/peer_proof.h"

namespace sallyport::dataplane {
namespace {

// Forward secrecy and authenticated encryption only. RFC 9325 §4.2
constexpr const char* kCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr const char* kGroups = "X25519:P-256:P-384";
constexpr long kChainOctetsMax = 32 * 1024;
constexpr int kChainDepthMax = 6;
constexpr std::string_view kAlpnSip = "\x05sip/2";

struct TicketCiphers {
  EVP_CIPHER_CTX* cipher;
  EVP_MAC_CTX* mac;
};

bool set_key(const TicketCiphers& ciphers, TicketKey& key, const unsigned char* iv, int is_sealing) {
  std::string digest = "SHA256";
  const std::array parameters{
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.mac.data(), key.mac.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), digest.size()),
      OSSL_PARAM_construct_end()};
  return EVP_CipherInit_ex(ciphers.cipher, EVP_aes_256_cbc(), nullptr, key.cipher.data(), iv, is_sealing) ==
             1 &&
         EVP_MAC_CTX_set_params(ciphers.mac, parameters.data()) == 1;
}

// OpenSSL hands over more than five things; the rest comes as a pack: cipher, mac, whether to seal.
template <class... Rest>
int on_ticket_key(SSL* ssl, unsigned char* name, unsigned char* iv, Rest... rest) {
  const auto [cipher, mac, is_sealing] = std::tuple(rest...);
  const TicketKeys& keys = ContextState::of(SSL_get_SSL_CTX(ssl))->tickets;
  TicketKey key;
  if (is_sealing != 0) {
    key = keys.newest();
    std::copy(key.name.begin(), key.name.end(), name);
    if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) return -1;
  } else {
    const auto found = keys.find(name);
    if (!found) return 0;
    key = *found;
  }
  return set_key({cipher, mac}, key, iv, is_sealing) ? 1 : -1;
}

int on_ticket_made(SSL*, void*) { return 1; }

// A certificate that has expired since is to be shown and judged anew.
template <class... Rest>  // name of the key, its size, status, nothing
SSL_TICKET_RETURN on_ticket_opened(SSL*, SSL_SESSION* session, Rest... rest) {
  const SSL_TICKET_STATUS status = std::get<2>(std::tuple(rest...));
  const bool is_good = status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW;
  if (!is_good || !is_in_time(session)) return SSL_TICKET_RETURN_IGNORE_RENEW;
  // A ticket of TLS 1.3 is for one use: without another the client is back to whole handshakes. RFC 8446 §C.4
  const bool is_once = SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION;
  return is_once || status == SSL_TICKET_SUCCESS_RENEW ? SSL_TICKET_RETURN_USE_RENEW : SSL_TICKET_RETURN_USE;
}

int on_new_session(SSL* ssl, SSL_SESSION* session) {
  const OpensslSession* client = OpensslSession::of(ssl);
  if (client == nullptr || client->wish() == nullptr) return 0;
  ContextState::of(SSL_get_SSL_CTX(ssl))->sessions.put(client->wish()->resumes_with, SslSessionPtr(session));
  return 1;  // the session is ours
}

template <class... Offer>  // octets, their number, nothing
int on_protocols_offered(SSL*, const unsigned char** chosen, unsigned char* size, Offer... offer) {
  const auto [offered, offered_size, unused] = std::tuple(offer...);
  static_cast<void>(unused);
  std::span<const unsigned char> rest(offered, offered_size);
  while (!rest.empty() && rest.size() > rest[0]) {
    const std::string_view protocol(reinterpret_cast<const char*>(rest.data()), std::size_t{1} + rest[0]);
    if (protocol == kAlpnSip) {
      *chosen = rest.data() + 1;
      *size = rest[0];
      return SSL_TLSEXT_ERR_OK;
    }
    rest = rest.subspan(protocol.size());
  }
  return SSL_TLSEXT_ERR_NOACK;  // goes on without: RFC 7301 is no must for SIP
}

bool show(SSL* ssl, const KeyPair& pair) {
  SSL_certs_clear(ssl);
  return SSL_use_cert_and_key(ssl, pair.certificate.get(), pair.key.get(), pair.chain.get(), 1) == 1;
}

int on_server_name(SSL* ssl, int* alert, void*) {
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
  const std::vector<KeyPair>& choices = ContextState::of(SSL_get_SSL_CTX(ssl))->choices;
  const auto found = std::find_if(choices.begin(), choices.end(),
                                  [name](const KeyPair& pair) { return serves_host(pair.names, name); });
  if (found == choices.end()) return SSL_TLSEXT_ERR_NOACK;  // the listener's own
  if (found != choices.begin() && !show(ssl, *found)) {
    *alert = SSL_AD_INTERNAL_ERROR;
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  return SSL_TLSEXT_ERR_OK;
}

// OpenSSL only warns whoever wants to renegotiate; the session is to end.
void on_progress(const SSL* ssl, int where, int value) {
  if ((where & SSL_CB_WRITE_ALERT) == SSL_CB_WRITE_ALERT && (value & 0xff) == SSL_AD_NO_RENEGOTIATION)
    OpensslSession::of(ssl)->on_renegotiation();
}

CertificateChainPtr share_chain(const CertificateChainPtr& chain) {
  return CertificateChainPtr(chain ? X509_chain_up_ref(chain.get()) : nullptr);
}

bool set_common(SSL_CTX* context, const ContextRecipe& recipe) {
  const int version = recipe.minimum_version == TlsVersion::Tls13 ? TLS1_3_VERSION : TLS1_2_VERSION;
  SSL_CTX_set_options(context,
                      SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
  SSL_CTX_set_security_level(context, 2);
  SSL_CTX_set_max_cert_list(context, kChainOctetsMax);
  SSL_CTX_set_verify_depth(context, kChainDepthMax);
  SSL_CTX_set_cert_verify_callback(context, verify_peer, nullptr);
  SSL_CTX_set_info_callback(context, on_progress);
  X509_VERIFY_PARAM* judged = SSL_CTX_get0_param(context);
  X509_VERIFY_PARAM_set_purpose(judged, X509_PURPOSE_ANY);  // verify_peer() judges it
  // What the operator names is trusted, be it a root, one below it, or the peer's own certificate.
  X509_VERIFY_PARAM_set_flags(judged, X509_V_FLAG_PARTIAL_CHAIN);
  if (recipe.authorities != nullptr) SSL_CTX_set1_cert_store(context, recipe.authorities);
  return SSL_CTX_set_min_proto_version(context, version) == 1 &&
         SSL_CTX_set_cipher_list(context, kCiphers) == 1 && SSL_CTX_set1_groups_list(context, kGroups) == 1 &&
         SSL_CTX_set_max_early_data(context, 0) == 1;
}

bool use_pair(SSL_CTX* context, const ContextRecipe& recipe) {
  if (recipe.pairs.empty()) return true;
  const KeyPair& pair = *recipe.pairs.front();
  return SSL_CTX_use_cert_and_key(context, pair.certificate.get(), pair.key.get(), pair.chain.get(), 1) == 1;
}

int verify_mode(ClientCertificate mode) noexcept {
  switch (mode) {
    case ClientCertificate::None:
      return SSL_VERIFY_NONE;
    case ClientCertificate::Optional:
      return SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE;
    case ClientCertificate::Required:
      break;
  }
  return SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
}

bool set_server(SSL_CTX* context, const ContextRecipe& recipe) {
  SSL_CTX_set_verify(context, verify_mode(recipe.client_certificate), nullptr);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);  // tickets hold what there is to hold
  SSL_CTX_set_timeout(context, TicketKeys::kTicketSeconds);
  SSL_CTX_set_num_tickets(context, 1);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket_key);
  SSL_CTX_set_session_ticket_cb(context, on_ticket_made, on_ticket_opened, nullptr);
  SSL_CTX_set_tlsext_servername_callback(context, on_server_name);
  SSL_CTX_set_alpn_select_cb(context, on_protocols_offered, nullptr);
  for (const KeyPair* pair : recipe.pairs)
    ContextState::of(context)->choices.push_back(
        {share(pair->certificate), share(pair->key), share_chain(pair->chain), pair->names});
  return SSL_CTX_set_session_id_context(context, recipe.signature.data(),
                                        static_cast<unsigned>(recipe.signature.size())) == 1;
}

bool set_client(SSL_CTX* context, const ContextRecipe&) {
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, on_new_session);
  return true;
}

using SetSide = bool (*)(SSL_CTX*, const ContextRecipe&);

Result<SslContextPtr, std::string> make(const SSL_METHOD* method, SetSide set_side,
                                        const ContextRecipe& recipe) {
  ERR_clear_error();
  SslContextPtr context(SSL_CTX_new(method));
  if (context && ContextState::attach(context.get()) && set_common(context.get(), recipe) &&
      use_pair(context.get(), recipe) && set_side(context.get(), recipe))
    return context;
  const char* reason = ERR_reason_error_string(ERR_peek_error());
  std::string why = reason == nullptr ? "out of memory" : reason;
  ERR_clear_error();
  return fail(std::move(why));
}

}  // namespace

Result<SslContextPtr, std::string> make_server_context(const ContextRecipe& recipe) {
  return make(TLS_server_method(), set_server, recipe);
}

Result<SslContextPtr, std::string> make_client_context(const ContextRecipe& recipe) {
  return make(TLS_client_method(), set_client, recipe);
}

}  // namespace sallyport::dataplane
