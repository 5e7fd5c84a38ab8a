// openssl_session.cpp — one connection's TLS. Every turn begins and ends with an empty error queue, so that
// no session is blamed for another's error.
#include "dataplane/tls/openssl_session.h"

#include <openssl/err.h>

#include <algorithm>
#include <array>
#include <utility>

#include "dataplane/tls/certificate_names.h"
#include "dataplane/tls/context_state.h"
#include "dataplane/tls/peer_proof.h"

namespace sallyport::dataplane {
namespace {

struct CleanErrors {
  CleanErrors() noexcept { ERR_clear_error(); }
  ~CleanErrors() { ERR_clear_error(); }
  CleanErrors(const CleanErrors&) = delete;
  CleanErrors& operator=(const CleanErrors&) = delete;
};

std::string reason_text(unsigned long error) {
  const char* reason = ERR_reason_error_string(error);
  return reason == nullptr ? "the handshake or a record is broken" : reason;
}

constexpr int kAlertReasons = SSL_AD_REASON_OFFSET;  // reasons from here on: an alert of the other side

}  // namespace

std::unique_ptr<OpensslSession> OpensslSession::make(SSL_CTX* context) {
  std::unique_ptr<OpensslSession> session(new OpensslSession());
  session->ssl_.reset(SSL_new(context));
  BioPtr bio = make_wire_bio(session->wire_);
  if (!session->ssl_ || !bio || SSL_set_app_data(session->ssl_.get(), session.get()) != 1) return nullptr;
  SSL* ssl = session->ssl_.get();
  BIO* both = bio.release();
  SSL_set_bio(ssl, both, both);  // takes the one reference
  return session;
}

std::unique_ptr<TlsSession> OpensslSession::accept(SSL_CTX* context) {
  const CleanErrors clean;
  auto session = make(context);
  if (session) SSL_set_accept_state(session->ssl_.get());
  return session;
}

std::unique_ptr<TlsSession> OpensslSession::connect(SSL_CTX* context, ServerWish wish) {
  const CleanErrors clean;
  auto session = make(context);
  if (!session) return nullptr;
  SSL* ssl = session->ssl_.get();
  SSL_set_connect_state(ssl);
  session->wish_ = std::make_unique<const ServerWish>(std::move(wish));
  const ServerWish& wanted = *session->wish_;
  if (!wanted.hello_name.empty() && SSL_set_tlsext_host_name(ssl, wanted.hello_name.c_str()) != 1)
    return nullptr;
  if (const SslSessionPtr last = ContextState::of(context)->sessions.take(wanted.resumes_with))
    SSL_set_session(ssl, last.get());
  return session;
}

OpensslSession* OpensslSession::of(const SSL* ssl) noexcept {
  return static_cast<OpensslSession*>(SSL_get_app_data(ssl));
}

OpensslSession::~OpensslSession() {
  const CleanErrors clean;
  // A connection that just broke may still be resumed; one that failed may not. RFC 5246 §7.2.1
  if (ssl_ && state_ != TlsState::Failed) SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN);
  ssl_.reset();
}

void OpensslSession::take(std::span<const std::uint8_t> from_wire) {
  if (state_ == TlsState::Handshaking) handshake_octets_ += from_wire.size();
  if (state_ == TlsState::Handshaking || state_ == TlsState::Open) wire_.put_in(from_wire);
}

TlsState OpensslSession::advance(std::string& plain, std::size_t plain_max) {
  const CleanErrors clean;
  if (state_ == TlsState::Handshaking) shake_hands();
  if (state_ == TlsState::Open) read(plain, plain_max);
  wire_.compact();
  return state_;
}

void OpensslSession::shake_hands() {
  if (handshake_octets_ > kHandshakeOctetsMax) return fail(TlsResult::Protocol, "the handshake is too long");
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1)
    on_open();
  else
    on_error(result);
}

void OpensslSession::on_open() {
  if (SSL_session_reused(ssl_.get())) {
    // Nobody looked at the certificate this time: it was verified when the session began.
    const ProofAgain proof = prove_again(ssl_.get(), wish_ ? wish_->name : std::string_view());
    if (proof.result != TlsResult::Ok) return fail(proof.result, "the certificate of the resumed session");
    claimed_ = proof.names;
  }
  proved_ = std::exchange(claimed_, {});
  state_ = TlsState::Open;
}

void OpensslSession::read(std::string& plain, std::size_t plain_max) {
  std::array<char, 16384> buffer;
  while (plain_max != 0) {
    std::size_t got = 0;
    const int result = SSL_read_ex(ssl_.get(), buffer.data(), std::min(buffer.size(), plain_max), &got);
    if (result != 1) {
      on_error(result);
      break;
    }
    plain.append(buffer.data(), got);
    plain_max -= got;
  }
  if (is_renegotiated_ && state_ == TlsState::Open)
    fail(TlsResult::Protocol, "the other side wanted to renegotiate");
}

bool OpensslSession::send(std::string_view plain) {
  if (state_ != TlsState::Open) return false;
  if (plain.empty()) return true;
  const CleanErrors clean;
  std::size_t written = 0;
  const int result = SSL_write_ex(ssl_.get(), plain.data(), plain.size(), &written);
  if (result != 1) {
    on_error(result);
    // Nothing may be left half written: our end of the wire takes all or fails.
    if (state_ == TlsState::Open) fail(TlsResult::Protocol, "a record could not be written");
  }
  return state_ == TlsState::Open;
}

void OpensslSession::close() {
  if (is_closing_ || state_ == TlsState::Failed || SSL_is_init_finished(ssl_.get()) == 0) return;
  is_closing_ = true;
  const CleanErrors clean;
  static_cast<void>(SSL_shutdown(ssl_.get()));
}

void OpensslSession::on_error(int result) {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return;
    case SSL_ERROR_ZERO_RETURN:
      close();  // RFC 8446 §6.1
      state_ = TlsState::Closed;
      return;
    case SSL_ERROR_SSL:
      break;
    default:
      return fail(TlsResult::Protocol, "too much waits for the wire");
  }
  const unsigned long error = ERR_peek_error();
  const int reason = ERR_GET_REASON(error);
  if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
    const long verdict = SSL_get_verify_result(ssl_.get());
    return fail(result_of_verdict(verdict), X509_verify_cert_error_string(verdict));
  }
  if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE)
    return fail(TlsResult::NoCertificate, "the other side showed no certificate");
  fail(reason >= kAlertReasons ? TlsResult::Refused : TlsResult::Protocol, reason_text(error));
}

void OpensslSession::fail(TlsResult result, std::string why) {
  state_ = TlsState::Failed;
  failure_ = result;
  why_ = std::move(why);
  claimed_.clear();
  proved_.clear();
}

}  // namespace sallyport::dataplane
