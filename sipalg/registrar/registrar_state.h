// registrar_state.h — what the registrar engine keeps, and its work in parts: RFC 3261 §10.3.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "policy/decide/rate_limiter.h"
#include "policy/route/target_board.h"
#include "sipalg/auth/digest_server.h"
#include "sipalg/engine/short_answer.h"
#include "sipalg/registrar/binding_seats.h"
#include "sipalg/registrar/binding_update.h"
#include "sipalg/registrar/register_ask.h"
#include "sipalg/registrar/registrar_engine.h"
#include "sipalg/registrar/upstream_errands.h"

namespace sallyport::sip {

// One registrar of the configuration as it is today.
struct RegistrarPlace {
  const RegistrarConfig* config = nullptr;
  PeerIndex place = PeerIndex::kNone;
  RealmIndex realm = RealmIndex::kNone;
  PeerIndex upstream = PeerIndex::kNone;
  DigestServer digest{HashKey{}};
  policy::TokenBucket strangers;
  std::uint32_t inside_floor = 0;  // seconds: less is too brief for the upstream
  [[nodiscard]] bool is_local() const noexcept { return config->mode == RegistrarMode::Local; }
  // The digest realm of a Local one. RFC 3261 §22.1
  [[nodiscard]] std::string_view digest_realm() const noexcept {
    return config->domains.empty() ? std::string_view(config->name)
                                   : std::string_view(config->domains.front());
  }
  [[nodiscard]] bool is_of(std::string_view domain) const noexcept;
};

// An answer beside its head.
struct RegisterAnswer {
  std::uint16_t code = 500;
  std::string lines{};
  std::uint32_t retry_after = 0;
  std::string_view reason{};  // for a Warning; empty: none
  std::string short_lines{};  // in place of `lines` where those would be too much; empty: none
  std::size_t bytes_max = kAnyAnswerBytes;
};

struct RegistrarEngine::State {
  struct Turn {
    Timestamp now;
    EngineOutput& out;
  };
  // One REGISTER under examination.
  struct Asking {
    const Arrival& arrival;
    RegistrarPlace& registrar;
    RegisterAsk ask;
    SharedValue<Bindings> current;
    Path path;
    EngineOutput& out;
    bool is_proved = false;  // a challenge of ours came back from there
    [[nodiscard]] Turn turn() const noexcept { return {arrival.now, out}; }
  };

  State(const RegistrarParts& parts_in, SharedValue<Rulebook> rules_in);

  // registrar_engine.cpp: whose it is, and both modes' ends
  void read_registrars();
  [[nodiscard]] RegistrarPlace* registrar_for(RealmIndex realm, std::string_view domain) noexcept;
  [[nodiscard]] bool is_asked(const RegistrarPlace& registrar, const Arrival& arrival) const noexcept;
  void on_register(const Arrival& arrival, EngineOutput& out);
  void on_local(Asking& asking);
  [[nodiscard]] bool is_authentic(Asking& asking);
  [[nodiscard]] std::vector<GrantedContact> grant(const Asking& asking, const UpdatePlan& plan) const;
  // Stateless: nothing is kept for a source that has proved nothing. Threats R1
  enum class Keep : std::uint8_t { Nothing, Transaction };
  void answer(const Asking& asking, RegisterAnswer answer, Keep keep);
  void answer(const Arrival& arrival, const RegisterAnswer& answer, Keep keep, EngineOutput& out);
  [[nodiscard]] TransactionUser server_user(const SipMessage& request) const;
  [[nodiscard]] std::string_view put_answer(const ResponseHead& head, const Path& path,
                                            std::string_view to_tag, const RegisterAnswer& answer,
                                            EngineOutput& out);
  [[nodiscard]] static std::optional<std::string_view> write_short(ResponseParts response,
                                                                   const RegisterAnswer& answer,
                                                                   EngineOutput& out);
  [[nodiscard]] std::string to_tag(const SipMessage& request, const IpAddress& source) const;
  [[nodiscard]] std::string success_lines(const Bindings& bindings, const RegisterAsk& ask,
                                          Timestamp now) const;
  [[nodiscard]] std::uint64_t chance() noexcept;
  [[nodiscard]] std::uint32_t retry_after() noexcept { return 5 + static_cast<std::uint32_t>(chance() % 26); }

  // registrar_bindings.cpp: the board, seats, events and time
  // False: there is no room for one more AOR; nothing has changed.
  [[nodiscard]] bool apply(const RegistrarPlace& registrar, std::string_view aor, Update&& update, Turn turn);
  void end(const Binding& binding, Turn turn);
  void trust_flow(const Binding& binding, Timestamp now);
  void leave_flow(const Path& flow);
  void tell(const Binding& binding, Turn turn);
  [[nodiscard]] std::string bytes_of(const Binding& binding, Timestamp now) const;
  [[nodiscard]] Duration keepalive_of(const RegistrarPlace& registrar, const Binding& binding) const noexcept;
  void on_unreachable(const Path& path, Turn turn);
  void on_seats_due(Turn turn);
  void on_expired(const SharedValue<Binding>& binding, unsigned waited, Turn turn);
  void ping(const Binding& binding, Turn turn);
  void ask_for_life(const Binding& binding, Turn turn);
  [[nodiscard]] bool restore(ArchiveReader& archive, Timestamp now);
  [[nodiscard]] bool is_sane(const Binding& binding, Timestamp now) const;
  [[nodiscard]] RegistrarPlace* registrar_at(PeerIndex place) noexcept;

  // registrar_upstream.cpp: pass_through
  void on_pass_through(Asking& asking);
  [[nodiscard]] bool may_ask(const Asking& asking) noexcept;
  void hold(Asking& asking, const Binding& binding);
  void refresh_here(Asking& asking, const Binding& binding);
  [[nodiscard]] bool renew(const RegistrarPlace& registrar, const Binding& binding, const RegisterAsk& ask,
                           Turn turn);
  struct Renewal {
    Timestamp expires;
    std::uint32_t cseq;
  };
  [[nodiscard]] bool put_in_place(const RegistrarPlace& registrar, const Binding& binding,
                                  const Renewal& renewal, Turn turn);
  void pass(Asking& asking, const UpdatePlan& plan);
  [[nodiscard]] std::string upstream_uri(const Asking& asking) const;
  // False: no target is left.
  [[nodiscard]] bool send_next(UpstreamErrand& errand, Turn turn);
  [[nodiscard]] bool send(UpstreamErrand& errand, const policy::BoardTarget& target, Turn turn);
  [[nodiscard]] std::string contact_value(const UpstreamErrand& errand, const Place& place) const;
  [[nodiscard]] std::string own_lines(const UpstreamErrand& errand) const;
  void on_upstream(UpstreamErrand& errand, const SipMessage& response, Turn turn);
  void note_login(UpstreamErrand& errand, Turn turn);
  [[nodiscard]] RegisterAnswer judge_refusal(const UpstreamErrand& errand, RegisterAnswer&& refusal,
                                             Turn turn);
  void on_granted(UpstreamErrand& errand, const SipMessage& response, Turn turn);
  [[nodiscard]] bool ask_for_longer(UpstreamErrand& errand, const SipMessage& response, Turn turn);
  void on_no_answer(UpstreamErrand& errand, Turn turn);
  void give_up(UpstreamErrand& errand, Turn turn);
  void finish(UpstreamErrand& errand, RegisterAnswer answer, Turn turn);
  void note_failure(const UpstreamErrand& errand);
  void on_errands_due(Turn turn);
  // Takes the Contact of that binding back. False: there is no room for it now.
  bool end_inside(const RegistrarPlace& registrar, std::string_view aor, std::uint64_t number, Turn turn);

  const RegistrarParts parts;
  SharedValue<Rulebook> rules;
  std::vector<RegistrarPlace> registrars;  // by position in the configuration
  BindingSeats seats;
  UpstreamErrands errands;
  // By user: no more than there are users.
  std::unordered_map<std::string, NonceUses> nonces;
  std::uint64_t chances = 0, requests = 0;
};

}  // namespace sallyport::sip
