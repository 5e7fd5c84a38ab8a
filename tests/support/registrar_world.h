// registrar_world.h — a RegistrarEngine with what it works with, between phones outside and a PBX inside,
// driven message by message in virtual time.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sipalg/auth/peer_credentials.h"
#include "sipalg/call/call_engine.h"
#include "sipalg/registrar/registrar_engine.h"
#include "tests/support/message_builder.h"

namespace sallyport::tests {

struct RegistrarSent {
  std::string bytes;
  sip::Path path;
  bool is_again = false;
  [[nodiscard]] bool is_request() const { return bytes.starts_with("REGISTER "); }
  [[nodiscard]] int status() const { return status_of(bytes); }
  [[nodiscard]] std::string header(std::string_view name) const { return header_of(bytes, name); }
};

// A phone's REGISTER; each build() is a new transaction with the next CSeq.
struct PhoneRegister {
  std::string user = "alice", domain = "example.com", host = "10.0.0.5:5060";
  std::string contact = "<sip:alice@10.0.0.5:5060>";
  std::string call_id;  // empty: of the user
  int expires = 60;     // below 0: no Expires
  std::uint32_t cseq = 1;
  std::string request_uri;  // empty: of the domain
  std::vector<std::string> lines;
  [[nodiscard]] std::string build();
};

class RegistrarWorld {
 public:
  RegistrarWorld();
  ~RegistrarWorld();

  // Before the first message: change config and settings. After it: the engine as it is.
  sip::RegistrarEngine& engine();
  sip::BindingBoard& board() {
    (void)engine();
    return shared_->bindings;
  }
  policy::EarnedTrust& earned() {
    (void)engine();
    return shared_->earned;
  }
  policy::TargetBoard& targets() {
    (void)engine();
    return shared_->targets;
  }
  // Users alice, bob and carol, each with "<name>-secret"; both hashes.
  void use_local();
  void use_stream(Transport transport);

  // What comes out because of a message from there.
  std::vector<RegistrarSent> from(const Endpoint& remote, std::string_view bytes,
                                  std::uint64_t connection = 0);
  std::vector<RegistrarSent> answer(const RegistrarSent& request, int code, std::string_view extra = {});
  // A 2xx that lists the Contacts of the request for so many seconds.
  std::vector<RegistrarSent> grant(const RegistrarSent& request, int seconds, std::string_view params = {});
  std::vector<RegistrarSent> wait(Duration time);
  std::vector<RegistrarSent> unreachable(const sip::Path& path);
  // The registrar and PBX as above; `next` in place of what they were.
  void adopt(const SbcConfig& next);
  // Another life of the node; what was saved comes back. False: something was refused.
  bool restart(const std::vector<std::string>& saved, Duration away = {});
  [[nodiscard]] std::vector<std::string> save();
  [[nodiscard]] bool restore(std::string_view bytes);
  // Registers in pass_through and has it granted; the phone's 200.
  RegistrarSent register_phone(const Endpoint& remote, PhoneRegister& phone);

  [[nodiscard]] std::uint32_t transactions() const;
  [[nodiscard]] std::uint64_t dropped(sip::SipDropReason reason = sip::SipDropReason::Stranger) const;

  SbcConfig config;
  sip::SipEngineSettings settings;
  Timestamp now{std::chrono::hours(1)};
  TrustClass trust = TrustClass::Untrusted;
  Transport transport = Transport::Udp;
  const Endpoint phone = *parse_endpoint("198.18.1.20:40000", 0),
                 other = *parse_endpoint("198.18.1.21:41000", 0), pbx = *parse_endpoint("198.18.2.2:5060", 0),
                 second_pbx = *parse_endpoint("198.18.2.3:5060", 0);
  std::vector<sip::BindingEvent> events;
  sip::EngineOutput out;

  // For benchmarks: no copies; what leaves is in `out`.
  void put(const Endpoint& remote, std::string_view bytes, std::uint64_t connection = 0);

 private:
  struct Parts;
  std::vector<RegistrarSent> take();

  std::unique_ptr<sip::SharedPolicy> shared_;
  std::unique_ptr<Parts> parts_;
};

// The only message with that status, or that is a request (0).
[[nodiscard]] RegistrarSent the(const std::vector<RegistrarSent>& sent, int status);

}  // namespace sallyport::tests
