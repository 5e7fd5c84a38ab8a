// exchange_state.h — the inside of ExchangeEngine, whose parts lie in several files. Nobody else includes it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "policy/route/router.h"
#include "policy/route/rule_set.h"
#include "sipalg/exchange/exchange_engine.h"
#include "sipalg/exchange/passed_requests.h"
#include "sipalg/exchange/subscription_table.h"
#include "sipalg/trunk/registered_contact.h"

namespace sallyport::sip {

// Seconds that a subscription is asked for, and is kept without being asked for again, at most.
inline constexpr std::uint32_t kSubscriptionMax = 86'400;

struct ExchangeEngine::State {
  struct Turn {
    Timestamp now;
    EngineOutput& out;
  };
  // What rules and identity made of a request for one target.
  struct FarRequest {
    policy::RuleSubject subject;
    policy::RuleEdits edits;
    bool hides_caller = false;
  };
  struct FarNames {
    std::string uri, from, to;  // From without its tag
  };
  // Where an endpoint's own Contact of ours leads, and who sends.
  struct Sender {
    std::uint16_t refusal = 0;       // 0: go on
    SharedValue<Binding> binding;    // of the endpoint that sends; null: it is none
    SharedValue<Binding> addressed;  // the Request-URI is our Contact for it
  };

  State(const ExchangeParts& parts, SharedValue<Rulebook> rules);

  // exchange_setup.cpp: a request outside a dialog is judged, and its targets are found
  void on_request(const Arrival& arrival, EngineOutput& out);
  [[nodiscard]] bool refuse_event(const Arrival& arrival, EngineOutput& out);
  [[nodiscard]] Sender sender_of(const Arrival& arrival) const;
  [[nodiscard]] std::string called_user(const SipMessage& request) const;
  [[nodiscard]] policy::RuleSubject subject_of(const Rulebook& rules, const SipMessage& request);
  [[nodiscard]] policy::RouteDecision route(const Arrival& arrival);
  void refuse(const Arrival& arrival, std::uint16_t code, EngineOutput& out);
  void refuse_package(const Arrival& arrival, EngineOutput& out);
  [[nodiscard]] bool has_room() const noexcept;
  [[nodiscard]] bool has_room_for_client() const noexcept;
  [[nodiscard]] PassedRequest* make_passed(const Arrival& arrival, ResponseHead&& head);
  [[nodiscard]] bool make_subscription(const Arrival& arrival, PassedRequest& passed, const Sender& sender);
  void take_targets(PassedRequest& passed, const policy::RouteDecision& decision, const Arrival& arrival);

  // exchange_target.cpp: a request for one target after the other
  // `fresh`: the request itself while it is there; else it is read again.
  void try_next(PassedRequest& passed, const SipMessage* fresh, Turn turn);
  void spread(PassedRequest& passed, const PassTarget& place, const SipMessage& request, Timestamp now);
  // 0: it is on its way; else what its sender is told when no other target takes it.
  [[nodiscard]] std::uint16_t try_target(PassedRequest& passed, const PassTarget& target,
                                         const SipMessage& request, Turn turn);
  [[nodiscard]] std::uint16_t refusal_of_target(const PassedRequest& passed, const PassTarget& target,
                                                const SipMessage& request) const;
  void rewrite(const PassedRequest& passed, const PassTarget& hop, const SipMessage& request,
               FarRequest& far);
  [[nodiscard]] FarRequest far_request(const PassedRequest& passed, const PassTarget& target,
                                       const SipMessage& request, const Place& place);
  [[nodiscard]] bool send_first(PassedRequest& passed, const PassTarget& target, const SipMessage& request,
                                Turn turn);
  [[nodiscard]] FarNames far_names(const PassedRequest& passed, const PassTarget& target,
                                   const SipMessage& request, const FarRequest& far) const;
  void rename(PassedRequest& passed);
  void begin_dialog(const PassedRequest& passed, const PassTarget& target, const FarNames& names,
                    Timestamp now);

  // exchange_answer.cpp: what became of it
  void on_response(const TransactionUser& user, std::uint64_t number, const SipMessage& response, Turn turn);
  void on_transaction_end(const TransactionEvent& event, Turn turn);
  void on_failure(PassedRequest& passed, std::uint16_t code, const SipMessage* response, Turn turn);
  // It is answered and forgotten.
  void finish(PassedRequest& passed, std::uint16_t code, const SipMessage* response, Turn turn);
  void abandon(PassedRequest& passed);
  void on_subscribed(const PassedRequest& passed, const SipMessage& response, Timestamp now);
  void on_dialog_result(const PassedRequest& passed, std::uint16_t code, const SipMessage* response,
                        Timestamp now);
  void on_deadline(Turn turn);

  // exchange_dialog.cpp: requests within subscriptions
  void on_request_in_dialog(const Arrival& arrival, EngineOutput& out);
  [[nodiscard]] Subscription* find_subscription(const SipMessage& request, End& end);
  [[nodiscard]] bool is_from_neighbour(const Subscription& subscription, End end,
                                       const MessageInput& input) const;
  [[nodiscard]] bool names_contact(const Arrival& arrival, const Subscription& subscription,
                                   End end) const noexcept;
  void note_forgery(const Arrival& arrival, Subscription& subscription, EngineOutput& out);
  // 0: go on.
  [[nodiscard]] std::uint16_t refusal_in_dialog(const Arrival& arrival, Subscription& subscription, End end);
  void pass_on(const Arrival& arrival, Subscription& subscription, End end, EngineOutput& out);
  [[nodiscard]] bool send_within(PassedRequest& passed, Subscription& subscription, const SipMessage& request,
                                 Turn turn);
  void on_notify(Subscription& subscription, const SipMessage& request, Timestamp now);
  void grant(Subscription& subscription, std::uint32_t seconds, Timestamp now);

  // exchange_engine.cpp: small things that all of them use, and a restart
  [[nodiscard]] bool send(PassedRequest& passed, RequestParts& parts, const Path& path, Turn turn);
  [[nodiscard]] std::string token(TokenKind kind, std::uint8_t shard, std::uint16_t part,
                                  std::uint64_t number) const;
  [[nodiscard]] std::string contact_of(const PassedRequest& passed, const Path& path,
                                       std::uint16_t part) const;
  [[nodiscard]] const Place* place_for_size(const Path& path, PeerIndex peer, std::size_t bytes,
                                            Timestamp now) const noexcept;
  void count_request(RealmIndex realm, Method method) noexcept;
  [[nodiscard]] bool restore(ArchiveReader& archive, Timestamp now);
  [[nodiscard]] bool is_sane(const Subscription& subscription) const noexcept;

  const ExchangeParts parts;
  SharedValue<Rulebook> book;  // of the day: what begins now keeps it
  RegisteredContacts contacts;
  SubscriptionTable subscriptions;
  PassedRequests passed_requests;
  std::vector<Timestamp> udp_only_until;  // by peer
  bool is_draining = false;
  SipMessage stored;                              // a request that is read again for the next target
  std::vector<policy::HeaderView> headers;        // of the request that rules and routes look at
  std::string from, to, call_id, contact, lines;  // of the message that is being built
  std::vector<char> scratch;                      // where answers are built
};

// The part of the tokens that the one at that end is shown.
[[nodiscard]] constexpr std::uint16_t part_for(End end) noexcept {
  return end == End::Subscriber ? kSubscriberPart : kNotifierPart;
}
// The body as it came, whatever it is.
[[nodiscard]] BodyPart body_of(const SipMessage& message) noexcept;

}  // namespace sallyport::sip
