// call_engine.h — the B2BUA: takes each call apart and builds it anew on the other side. RFC 3261 §6 (B2BUA),
// §9, §12 to §15; RFC 3311 (UPDATE), RFC 6026.
//
//   (new)     INVITE, admitted and routed: 100, INVITE to the first target                 -> Trying
//   Trying    1xx of a target: 18x to the caller in a dialog of its own
//   Trying    failure, or silence for `setup`: next target; none: the answer to the caller
//   Trying    2xx of a target: record `start`; when journalled: 200                        -> Answered
//   Trying    CANCEL, early BYE, ring or early-media time: 487 or 408, CANCEL to the target -> Ended
//   Answered  request within the dialog: passed on as a request of the other dialog
//   Answered  BYE, lost dialog, call time, hangup, no ACK: record `end`; when journalled: 200; BYE -> Ended
//   Ended     the last transaction of the call ends                                        -> (gone)
//   any       2xx of a target that is not wanted any more: ACK and BYE (§13.2.2.4)
// A request within a dialog that the state has no place for gets 481, 491 or 500 as the RFC says (threats
// D11).
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "sipalg/call/call.h"
#include "sipalg/call/call_engine_parts.h"
#include "sipalg/call/call_spares.h"
#include "sipalg/call/given_leg.h"
#include "sipalg/call/refer_target.h"
#include "sipalg/engine/arrival.h"
#include "sipalg/engine/call_view.h"
#include "sipalg/media/media_negotiator.h"
#include "sipalg/registrar/binding.h"
#include "sipalg/token/token.h"

namespace sallyport::sip {

class CallerChallenge;

class CallEngine {
 public:
  explicit CallEngine(const CallEngineParts& parts);
  ~CallEngine();

  // An INVITE without To tag, a new transaction, past the checks of request_policy.
  void on_invite(const Arrival& arrival, EngineOutput& out);
  // Any request with a To tag but ACK and CANCEL; a new transaction.
  void on_request_in_dialog(const Arrival& arrival, EngineOutput& out);
  // An ACK that belongs to no failure. False: it names no dialog of ours.
  bool on_ack(const Arrival& arrival, EngineOutput& out);
  // A CANCEL was answered: 200 when it means the INVITE of `user`; 481 when it means none, or when it names
  // that of `user` without right.
  enum class CancelFate : std::uint8_t { Taken, Unmatched };
  void on_cancel(const Arrival& arrival, const TransactionUser& user, CancelFate fate, EngineOutput& out);
  // A response that must be delivered. It came over `path` and was matched to client transaction `number`.
  void on_response(const ResponseMatch& match, const SipMessage& response, const Path& path, Timestamp now,
                   EngineOutput& out);
  void on_transaction_end(const TransactionEvent& event, Timestamp now, EngineOutput& out);
  // One of its requests met a challenge and is sent once more as transaction `again`, with `credentials`: its
  // new CSeq number. Nothing: nobody waits for it any more. RFC 3261 §22.1
  [[nodiscard]] std::optional<std::uint32_t> take_repeat(const RepeatableRequest& met, std::uint64_t number,
                                                         std::uint64_t again, std::string_view credentials,
                                                         Timestamp now);
  // What the rim tells besides messages and time.
  struct Journalled {
    std::uint64_t sequence = 0;
  };
  struct Unreachable {
    const Path& path;
  };
  // From another engine: about dialogs that change from one call to another.
  struct Letter {
    EngineLetter& letter;
  };
  // A rulebook: what begins from now on begins under it; what is up keeps what it has.
  using News =
      std::variant<Journalled, const media::MediaNotice*, Unreachable, Letter, SharedValue<Rulebook>>;
  void on_news(Timestamp now, const News& news, EngineOutput& out);
  // Of a transaction or a call; never the same twice.
  [[nodiscard]] std::uint64_t take_number() noexcept;
  // Fires at most a bounded number of timers.
  void on_deadline(Timestamp now, EngineOutput& out);

  bool hang_up(Timestamp now, std::uint64_t call, EngineOutput& out);
  void drain() noexcept { draining_ = true; }

  // The table of live calls says when the next deadline is.
  [[nodiscard]] CallTables tables() const noexcept { return {calls_, ended_, strays_}; }
  [[nodiscard]] CallView view_of(const Call& call) const;
  // False: the bytes are wrong, there is no room, or the configuration has no longer what it needs; nothing
  // of it remains.
  [[nodiscard]] bool restore(SavedKind kind, ArchiveReader& archive, Timestamp now, EngineOutput& out);

 private:
  // kSettled: the transaction's answer was taken, or is not wanted any more; part is the tag's hash.
  enum Purpose : std::uint32_t { kInvite, kExchange, kBye, kSettled };
  struct DialogPlace {
    Call* call = nullptr;
    Fork* fork = nullptr;
    Side side = Side::Caller;
  };
  struct Turn {
    Timestamp now;
    EngineOutput& out;
  };
  // What rules and identity made of the caller's INVITE for one target.
  struct FarInvite {
    policy::RuleSubject subject;
    policy::RuleEdits edits;
    bool hides_caller = false;
    bool rewrites_diversion = false;  // the number in `subject` is another one
  };

  // What the routes are asked.
  struct RouteQuestion {
    const Rulebook& book;
    PeerIndex peer;
    RealmIndex realm;
    const Uri& request_uri;
    Timestamp now;
  };

  // call_setup.cpp: from the caller's INVITE to INVITEs for targets
  [[nodiscard]] policy::RuleSubject subject_of(const Rulebook& book, const SipMessage& request,
                                               std::string_view redirected);
  [[nodiscard]] policy::RouteDecision route(const RouteQuestion& question, policy::RuleSubject& subject);
  void refuse_new(const Arrival& arrival, std::uint16_t code, EngineOutput& out);
  [[nodiscard]] Call* admit(const Arrival& arrival, const policy::RouteDecision& decision, bool passes_limits,
                            EngineOutput& out);
  void refuse_unmade(const Arrival& arrival, EngineOutput& out);
  [[nodiscard]] Call* make_call(const Arrival& arrival, const policy::RouteDecision& decision,
                                policy::AdmissionTicket ticket, EngineOutput& out);
  [[nodiscard]] bool has_room_for_call(bool is_emergency) const noexcept;
  void take_targets(Call& call, const policy::RouteDecision& decision, Timestamp now);
  [[nodiscard]] std::uint64_t chance(Timestamp now) const noexcept;
  [[nodiscard]] SharedValue<policy::BoardTarget> on_board(PeerIndex peer, const Endpoint& address,
                                                          Transport transport) const;
  // 0: it may be tried; else the answer that the caller gets when no other target takes the call.
  [[nodiscard]] std::uint16_t take_place_at(Call& call, const NextTarget& target, Timestamp now);
  void try_next_target(Call& call, Timestamp now, EngineOutput& out);
  [[nodiscard]] bool try_target(Call& call, const NextTarget& target, Timestamp now, EngineOutput& out);
  struct NextHop {
    PeerIndex peer;
    bool is_emergency_target;
  };
  void rewrite(const Call& call, NextHop hop, const SipMessage& request, FarInvite& far);
  [[nodiscard]] FarInvite far_invite(const Call& call, const Attempt& attempt, const SipMessage& request);
  void name_dialog(Call& call, Attempt& attempt, const FarInvite& far, const SipMessage& request);
  [[nodiscard]] const SipMessage* invite_of(const Call& call);
  // 0: it is on its way; else the answer that the caller gets when no other target takes the call.
  [[nodiscard]] std::uint16_t send_invite(Call& call, Attempt& attempt, Timestamp now, EngineOutput& out);

  // call_screen.cpp: what detectors say of calls
  void note_ruling(Call* call, const policy::Actor& caller, const DetectorRuling& ruling, Turn turn);
  [[nodiscard]] DetectorRuling screen(Call& call, const policy::Actor& caller,
                                      const policy::DetectorBoard::Attempt& attempt, Turn turn);
  void refuse_detected(const Arrival& arrival, const policy::RouteDecision* decision,
                       const policy::Actor& caller, const DetectorRuling& ruling, EngineOutput& out);
  void refuse_detected(Call& call, const DetectorRuling& ruling, Turn turn);
  // False: there is nobody to be asked.
  [[nodiscard]] bool challenge(const Arrival& arrival, const CallerChallenge& asked, EngineOutput& out);

  // call_answer.cpp: responses to our INVITEs
  void on_invite_response(Call& call, Attempt& attempt, const SipMessage& response, Timestamp now,
                          EngineOutput& out);
  void on_provisional(Call& call, Attempt& attempt, const SipMessage& response, Timestamp now,
                      EngineOutput& out);
  void on_answer(Call& call, Attempt& attempt, const SipMessage& response, Timestamp now, EngineOutput& out);
  // The 2xx to the caller, which leaves when its record is on disk. `far_cseq`: of the INVITE whose ACK waits
  // for the caller's; 0: there is none.
  void answer_caller(Call& call, Fork& fork, ResponseParts& parts, std::uint32_t far_cseq, Turn turn);
  void shed_setup(Call& call);
  void on_failure(Call& call, Attempt& attempt, std::uint16_t code, const SipMessage* response, Turn turn);
  [[nodiscard]] bool is_lost(const Attempt& attempt) const;
  bool follow_redirect(Call& call, const SipMessage& response, Turn turn);
  [[nodiscard]] Fork* fork_for(Call& call, const Attempt& attempt, const SipMessage& response);
  void on_unwanted_answer(Call* call, const SipMessage& response, const Path& path, Timestamp now,
                          EngineOutput& out);
  void end_stray_dialog(Call* call, const SipMessage& response, const Path& path, Timestamp now,
                        EngineOutput& out);
  [[nodiscard]] Fork stray_fork(const SipMessage& response, const Path& path) const;
  [[nodiscard]] std::uint32_t tag_name(std::string_view tag) const noexcept;
  void on_repeated_answer(Call* call, const SipMessage& response, const Path& path, Turn turn);
  void on_missing_ack(Call& call, Fork& fork, Side side, Turn turn);
  void acknowledge_stray(const SipMessage& response, const Path& path, Turn turn);
  void settle_transactions(const Call& call);
  [[nodiscard]] std::string redirect_contact(const Call& call, const SipMessage* response) const;
  void refuse(Call& call, std::uint16_t code, const SipMessage* response, Timestamp now, EngineOutput& out);
  void begin_for_caller(const Call& call, const Fork& fork, ResponseParts& parts, const SipMessage* response);

  // call_endpoint.cpp: calls of endpoints that register here
  struct EndpointCall {
    std::uint16_t refusal = 0;     // 0: go on
    SharedValue<Binding> binding;  // the Request-URI is our Contact for it; null: it is not
    SharedValue<Binding> sender;   // by which the caller speaks; null: it is no endpoint
  };
  [[nodiscard]] EndpointCall judge_endpoints(const Arrival& arrival) const;
  [[nodiscard]] static NextTarget target_of(const Binding& binding);
  static void call_endpoint(const Binding& binding, policy::RouteDecision& decision);
  [[nodiscard]] std::string called_user(const SipMessage& request) const;
  [[nodiscard]] bool spread_bindings(Call& call, const NextTarget& target, Timestamp now);
  static void follow_binding(const Binding& binding, Attempt& attempt);
  [[nodiscard]] std::string host_for(const Call& call, const NextTarget& target);
  [[nodiscard]] static std::string_view own_host(const Call& call, const Attempt& attempt,
                                                 const SipMessage& request, const Place& place) noexcept;

  // call_dialog.cpp: requests within dialogs
  [[nodiscard]] DialogPlace find_dialog(const SipMessage& request);
  static void follow(Dialog& dialog, const Arrival& arrival) noexcept;
  [[nodiscard]] DialogPlace dialog_named(std::uint64_t number, const DialogNames& name);
  void act_in_dialog(const Arrival& arrival, const DialogPlace& place, EngineOutput& out);
  [[nodiscard]] std::uint16_t refusal_in_dialog(const Arrival& arrival, const DialogPlace& place) noexcept;
  // False: it was answered here.
  bool pass_on(const Arrival& arrival, const DialogPlace& place, EngineOutput& out);
  // 0: it is on its way; else the answer to it.
  [[nodiscard]] std::uint16_t send_passed_on(const Arrival& arrival, const DialogPlace& place,
                                             Exchange& exchange, EngineOutput& out);
  // Contact, what we support, and the way: the last touches to a request of an exchange, and off it goes.
  // 0: it is on its way; else the answer to it.
  [[nodiscard]] std::uint16_t launch(Call& call, Fork& fork, Exchange& exchange, RequestParts& parts,
                                     Turn turn);
  // A request of our own within a dialog; on_own_answer() hears what becomes of it.
  struct OwnRequest {
    std::string_view method;  // of kMethodNames; no ACK, no BYE
    Errand errand = Errand::None;
    std::uint32_t about = 0;
    std::string_view lines{};  // whole header lines
    BodyPart body{};           // as that side is to see it
  };
  // False: it can't be sent now (too many of the call's requests are open, the tables are full, our listener
  // is gone).
  bool send_own(Call& call, Fork& fork, Side to, const OwnRequest& what, Turn turn);
  // The final answer to it; null: none came, or it could not be delivered, and `code` says so (408, 503).
  // The exchange is over and no longer among the call's. The call may have ended meanwhile.
  void on_own_answer(Call& call, const Exchange& exchange, std::uint16_t code, const SipMessage* response,
                     Turn turn);

  // call_judge.cpp: who may act, and doubts
  [[nodiscard]] Standing standing_at(const Dialog& dialog, const MessageInput& input) const noexcept;
  [[nodiscard]] bool is_from_neighbour(const Dialog& dialog, const MessageInput& input) const noexcept;
  [[nodiscard]] bool names_contact(const Arrival& arrival, const DialogPlace& place) noexcept;
  void note_forgery(const Arrival& arrival, Call& call, Side side, EngineOutput& out);
  void blame(Call& call, Side side, const Blame& what, Turn turn);
  void on_request_from_elsewhere(const Arrival& arrival, const DialogPlace& place, EngineOutput& out);
  void on_ack_from_elsewhere(const Arrival& arrival, const DialogPlace& place, EngineOutput& out);
  [[nodiscard]] bool is_registered_at(const Call& call, const Dialog& dialog, const Arrival& arrival) const;
  [[nodiscard]] Credentials ask_for_credentials(const Arrival& arrival, const DialogPlace& place,
                                                EngineOutput& out);
  void believe(const Arrival& arrival, const DialogPlace& place, Settled by, EngineOutput& out);
  void open_doubt(const Arrival& arrival, const DialogPlace& place, EngineOutput& out);
  void ask_figures(Call& call, Side side, Turn turn);
  static void hear_figures(Call& call, const media::MediaNotice& notice) noexcept;
  void on_probe_answered(Call& call, const Exchange& exchange, std::uint16_t code, Turn turn);
  void on_doubt_times(Call& call, Turn turn);
  void weigh_doubt(Call& call, Side side, Turn turn);
  void end_doubt(Call& call, Side side, Judgement judgement, Turn turn);
  void forget_doubt(Call& call, std::uint32_t exchange);
  void drop_doubt(Call& call, Side side);
  void hear_neighbour(Call& call, Side side, Turn turn);
  static void keep_doubt_times(const Call& call, std::optional<Timestamp>& earliest);
  [[nodiscard]] bool goes_on_after_bye(const CallRecord& record, const media::MediaNotice& notice, Turn turn);

  // call_session.cpp: session timers (RFC 4028) and names (RFC 7989) of both legs
  [[nodiscard]] bool is_refresh_for_us(const SipMessage& request, const DialogPlace& place) const noexcept;
  // Begins the timer of that side, or ends it; lines for our 2xx.
  [[nodiscard]] std::string agree_session(Call& call, Fork& fork, Side with, const SessionWish& wish,
                                          Timestamp now);
  // The same by the 2xx to a request of ours.
  void take_session(Call& call, Fork& fork, Side of, const SipMessage& response, Timestamp now);
  // 422 to a request that was passed on: what its sender is told.
  [[nodiscard]] static std::uint16_t on_small_interval(Fork& fork, Side of, const SipMessage* response);
  // 422 to an INVITE: true when the same target is sent another one.
  [[nodiscard]] bool try_longer_session(Call& call, Attempt& attempt, const SipMessage& response, Turn turn);
  void on_session_times(Call& call, Turn turn);
  void refresh_session(Call& call, Fork& fork, Side side, Turn turn);
  void on_refreshed(Call& call, const Exchange& exchange, std::uint16_t code, const SipMessage* response,
                    Turn turn);
  void end_session(Call& call, Fork& fork, Side side, Turn turn);
  // What a side says of itself; for one that is silent we say it (`speaks_for`), else it stays as it was.
  void hear_session_id(Call& call, Side side, const SipMessage& message, bool speaks_for);
  // The line for the message that is being built for that side.
  [[nodiscard]] std::string_view session_id_to(const Call& call, Side side) noexcept;
  // The part of the tokens that name this dialog towards its other end.
  [[nodiscard]] std::uint16_t part_of(const Dialog& dialog) const noexcept;
  void on_exchange_response(Call& call, std::uint32_t id, const SipMessage& response, Timestamp now,
                            EngineOutput& out);
  void answer_exchange(Call& call, Exchange& exchange, std::uint16_t code, const SipMessage* response,
                       Turn turn);
  struct AckOf {
    std::uint32_t cseq;
    BodyPart body{};
  };
  void send_ack(Call& call, Fork& fork, Side to, AckOf what, Turn turn);
  [[nodiscard]] RequestParts in_dialog_request(const Call& call, const Dialog& dialog,
                                               const DialogRoute& route);

  // call_reliable.cpp: provisional responses that are acknowledged, RFC 3262
  struct HeardProvisional {
    bool is_dropped = false;
    std::uint32_t rseq = 0;         // of the callee's; 0: it is not reliable
    bool goes_on_reliably = false;  // to the caller
  };
  struct EarlyPlace {
    Call& call;
    Attempt& attempt;
    Fork& fork;
  };
  [[nodiscard]] static bool takes_reliable(const Call& call) noexcept;
  [[nodiscard]] static OptionTags options_for(const Call& call, const Attempt& attempt) noexcept;
  [[nodiscard]] ReliableAnswers& reliable_of(const Call& call, Fork& fork);
  [[nodiscard]] HeardProvisional hear_provisional(const EarlyPlace& place, const SipMessage& response,
                                                  Turn turn);
  [[nodiscard]] HeardProvisional hear_unreliable(const EarlyPlace& place);
  // 0; else the callee's description can't be used: why not.
  [[nodiscard]] std::uint16_t send_reliable(const EarlyPlace& place, std::uint32_t heard,
                                            ResponseParts& parts, const SipMessage& response, Turn turn);
  [[nodiscard]] std::uint16_t carry_early_sdp(const EarlyPlace& place, ReliableAnswer& answer,
                                              const SipMessage& response, BodyPart& body, Turn turn);
  void send_first_waiting(const Call& call, ReliableAnswers& reliable, Turn turn);
  bool send_prack(Call& call, Fork& fork, std::uint32_t rseq, Turn turn);
  void on_prack(const Arrival& arrival, const DialogPlace& place, EngineOutput& out);
  void pass_prack(const Arrival& arrival, const DialogPlace& place, EngineOutput& out);
  [[nodiscard]] static bool may_offer_early(const DialogPlace& place) noexcept;
  void go_on_after_prack(Call& call, std::uint16_t fork, Turn turn);
  void turn_to(const EarlyPlace& place, Turn turn);
  void settle_early_offers(const EarlyPlace& place, const SipMessage& answer, Turn turn);
  [[nodiscard]] static bool waits_for_prack(Fork& fork, const SipMessage& answer);
  static void hush_reliable(Fork& fork);
  // False: the call was refused.
  bool resend_reliable(Call& call, Turn turn);
  void leave_waiting_answers(Call& call, Turn turn);

  // call_update.cpp: UPDATE where one side does not take it, RFC 3311
  [[nodiscard]] static bool takes_update(const Call& call, const Dialog& dialog) noexcept;
  void answer_update(const Arrival& arrival, const DialogPlace& place, EngineOutput& out);

  // call_transfer.cpp: a new target for one side of the call, RFC 3515, RFC 5589
  [[nodiscard]] static bool is_wanted(const Call& call, const Attempt& attempt) noexcept;
  // Whose rules and routes an INVITE of ours goes by.
  [[nodiscard]] static PeerIndex asker_of(const Call& call) noexcept;
  [[nodiscard]] std::uint16_t refusal_of_refer(const Arrival& arrival,
                                               const DialogPlace& place) const noexcept;
  void on_refer(const Arrival& arrival, const DialogPlace& place, EngineOutput& out);
  [[nodiscard]] std::uint16_t begin_transfer(const Arrival& arrival, const DialogPlace& place,
                                             const ReferTarget& target, policy::RouteDecision& decision,
                                             EngineOutput& out);
  static void open_transfer(const Arrival& arrival, const DialogPlace& place, const ReferTarget& target,
                            TransferStage stage);
  bool accept_refer(const Arrival& arrival, const DialogPlace& place, EngineOutput& out);
  [[nodiscard]] std::string invite_for_transfer(const Fork& fork, const DialogPlace& asker,
                                                const ReferTarget& target) const;
  void tell_transferor(Call& call, std::uint16_t code, bool is_last, Turn turn);
  void on_transfer_ringing(Call& call, const Attempt& attempt, std::uint16_t code, Turn turn);
  void on_transfer_answer(Call& call, Attempt& attempt, const SipMessage& response, Turn turn);
  [[nodiscard]] std::uint16_t take_target(Call& call, Attempt& attempt, Fork& fork,
                                          const SipMessage& response, Turn turn);
  void offer_transfer(Call& call, Turn turn);
  void on_transfer_offered(Call& call, const Exchange& exchange, std::uint16_t code,
                           const SipMessage* response, Turn turn);
  [[nodiscard]] bool take_transferee(Call& call, const Exchange& exchange, const SipMessage& response,
                                     Turn turn);
  void finish_transfer(Call& call, Turn turn);
  void fail_transfer(Call& call, std::uint16_t code, Turn turn);
  // The call has ended.
  void drop_transfer(Call& call, Turn turn);
  void leave_target(Call& call, Turn turn);
  void end_transfer(Call& call, std::uint16_t code);
  // True: it was no end of the call.
  bool on_bye_in_transfer(const Arrival& arrival, const DialogPlace& place, EngineOutput& out);
  void on_transfer_deadline(Call& call, Turn turn);

  // call_join.cpp: a target whom the one who asks has called already, and transfers that others carry out
  void on_refer_to_dialog(const Arrival& arrival, const DialogPlace& place, const ReferTarget& target,
                          EngineOutput& out);
  [[nodiscard]] static LegAsker asker_at(const DialogPlace& place, std::uint32_t refer_cseq);
  [[nodiscard]] std::uint16_t refusal_of_join(const LegAsker& asker, const DialogPlace& replaced,
                                              const Replaces& name) const;
  // The other end's dialog; the call that it was of ends.
  [[nodiscard]] GivenLeg give_leg(const DialogPlace& replaced, Turn turn);
  // It is the target's of the transfer that is on its way.
  void take_leg(Call& call, GivenLeg&& leg, Turn turn);
  void drop_leg(GivenLeg&& leg, Turn turn);
  void on_letter(EngineLetter& letter, Turn turn);
  void on_leg_asked(const LegLetter::Ask& ask, Turn turn);
  void on_leg_given(LegLetter::Answer& answer, Turn turn);
  void offer_to_target(Call& call, std::string_view offer, Turn turn);
  void on_target_offered(Call& call, const Exchange& exchange, std::uint16_t code, const SipMessage* response,
                         Turn turn);
  // 0: `lines` are those of the REFER on the other leg; else the answer to it.
  [[nodiscard]] std::uint16_t write_refer(const Arrival& arrival, const DialogPlace& place,
                                          std::string& lines) const;
  void tell_of_lost_refers(Call& call, Fork& fork, Turn turn);

  // call_replaces.cpp: a new caller in the place of whoever its INVITE names, RFC 3891
  void on_replaces(const Arrival& arrival, EngineOutput& out);
  [[nodiscard]] DialogPlace dialog_replaced(const Replaces& name, bool& was_told);
  [[nodiscard]] bool may_replace(const Arrival& arrival, const Dialog& replaced, bool was_told) const;
  [[nodiscard]] std::uint16_t refusal_of_replacing(const Arrival& arrival, const DialogPlace& replaced,
                                                   const Replaces& name) const;
  // Its side of a call that it is not in yet. Nothing: it was refused.
  struct Newcomer {
    StoredInvite invite;
    Attempt attempt;
    Fork fork;
    policy::AdmissionTicket ticket;
  };
  [[nodiscard]] std::optional<Newcomer> admit_newcomer(const Arrival& arrival, Call& call, EngineOutput& out);
  void take_newcomer(const Arrival& arrival, const DialogPlace& replaced, EngineOutput& out);
  void open_newcomers_transfer(const Arrival& arrival, const DialogPlace& replaced, Newcomer& newcomer);
  // While the one that it replaces rings.
  void pick_up(const Arrival& arrival, const DialogPlace& replaced, EngineOutput& out);
  [[nodiscard]] std::uint16_t cross_offers(Call& call, Newcomer& newcomer, std::string_view theirs,
                                           std::array<std::string, 2>& told, Turn turn);
  struct NewcomerAnswer {
    const StoredInvite& invite;
    BodyPart body;
    std::uint32_t far_cseq;  // of the INVITE whose ACK waits for that of the newcomer; 0: none
    bool owes_answer;        // the newcomer does
  };
  void send_newcomer(Call& call, Fork& fork, const NewcomerAnswer& answer, Turn turn);
  // Its 2xx, of what whoever remains has answered. False: that can't be used.
  [[nodiscard]] bool answer_newcomer(Call& call, const Exchange& exchange, const SipMessage& response,
                                     Turn turn);
  void refuse_newcomer(Call& call, std::uint16_t code, Turn turn);
  // As Replaces in a URI, for whoever is told to call in our name; empty: it is no dialog of ours.
  [[nodiscard]] std::string replaces_for_others(const Replaces& name) const;

  [[nodiscard]] static BodyPart status_only(const SipMessage& notify, BodyPart body, std::string& room);

  // call_media.cpp: session descriptions, streams, and what the relay tells of them
  struct SdpWay {  // one description on its way through
    Call& call;
    Attempt& attempt;
    Side from;
    SdpStep step;
    SdpIdentity& identity;  // of what the other side is sent
    AttributeEdits edits{};
    bool is_of_invite = false;  // see SdpInput
  };
  [[nodiscard]] std::string media_warning(const Call& call, const Path& path) const;
  [[nodiscard]] static BodyPart plain_body(const SipMessage& message) noexcept;
  [[nodiscard]] MediaLeg media_leg(const Call& call, const Dialog& dialog) const noexcept;
  static void note_security(Dialog& dialog, const Attempt* attempt, Side side) noexcept;
  [[nodiscard]] MediaContext media_context(Call& call, const Attempt& attempt,
                                           EngineOutput& out) const noexcept;
  [[nodiscard]] static Attempt* attempt_numbered(Call& call, std::uint16_t number) noexcept;
  [[nodiscard]] std::uint16_t carry_sdp(const SdpWay& way, std::string_view sdp, BodyPart& body, Turn turn);
  [[nodiscard]] std::uint16_t carry_body(const SdpWay& way, const SipMessage& message, BodyPart& body,
                                         Turn turn);
  void carry_preview(const SdpWay& way, const SipMessage& response, Fork& fork, BodyPart& body, Turn turn);
  [[nodiscard]] std::uint16_t carry_answer(const SdpWay& way, const SipMessage& response, const Fork& fork,
                                           BodyPart& body, Turn turn);
  [[nodiscard]] std::uint16_t carry_exchange_answer(const DialogPlace& asked, bool has_offer,
                                                    const SipMessage& response, BodyPart& body, Turn turn);
  [[nodiscard]] bool carry_ack(const DialogPlace& place, const SipMessage& ack, BodyPart& body, Turn turn);
  [[nodiscard]] bool hear_refresh(const DialogPlace& place, const SipMessage& response, EngineOutput& out);
  void drop_offer(Call& call, Attempt& attempt, EngineOutput& out);
  void close_media(Call& call, Attempt& attempt, EngineOutput& out);
  void end_media(Call& call, EngineOutput& out);
  void reopen_media(Call& call, Turn turn);
  static void count_closed(Call& call, std::size_t before, EngineOutput& out) noexcept;
  void on_final(Call* call, const media::MediaNotice& notice, Turn turn);
  void take_report(Call& call, const media::MediaNotice& notice, Turn turn);
  void on_silence(Call& call, const Attempt& attempt, const media::MediaNotice& notice, Turn turn);
  void set_silent_emergency(Call& call, bool is_silent, Turn turn);
  void show_media(const Call& call, std::vector<MediaRecord>& media) const;

  // What a side was sent last is kept while it may have to be sent once more, to refresh the session.
  [[nodiscard]] static bool may_need_sdp(const Call& call, Side side) noexcept;
  static void keep_sdp(const SdpWay& way, std::string_view sdp);
  // What a side has said, where a transfer may need it.
  static void hear_sdp(const SdpWay& way, std::string_view sdp);
  [[nodiscard]] static std::string referred_by(const Call& call, const Place& place);
  static void shed_sdp(Call& call, const Fork& fork);

  // call_dtmf.cpp: digits between a side that has them in RTP and one that has them in INFO
  [[nodiscard]] static bool takes_digit(const SipMessage& request, const DialogPlace& place) noexcept;
  void take_digit(const Arrival& arrival, const DialogPlace& place, EngineOutput& out);
  void on_digit(Call& call, const media::MediaNotice& notice, Turn turn);
  [[nodiscard]] static Fork* fork_for_digits(Call& call, Side to);
  void send_digits(Call& call, Turn turn);
  void on_digit_answered(Call& call, const Exchange& exchange, std::uint16_t code, Turn turn);

  // call_end.cpp: ends, records and time
  void on_bye(const Arrival& arrival, const DialogPlace& place, EngineOutput& out);
  struct EndCause {
    EndedBy by;
    std::string_view reason;
    const SipMessage* bye = nullptr;  // that ends it, if any
  };
  void end_call(Call& call, const EndCause& cause, Turn turn);
  void send_bye(Call& call, Fork& fork, Side to, const SipMessage* bye, Turn turn);
  enum class Which : std::uint8_t { All, OfLostForks };
  void close_exchanges(Call& call, Which which, Turn turn);
  void cancel_late_exchanges(Call& call, Turn turn);
  void give_up_setup(Call& call, EndedBy by, std::string_view reason, Timestamp now);
  void cancel_attempts(Call& call, Timestamp now, EngineOutput& out);
  std::uint64_t write_start(Call& call, Timestamp now, EngineOutput& out);
  std::uint64_t write_end(Call& call, Timestamp now, EngineOutput& out);
  void hold(Call& call, HeldAnswer&& answer, Timestamp now);
  void release(Call& call, std::uint64_t sequence, Timestamp now, EngineOutput& out);
  void on_call_deadline(Call& call, Timestamp now, EngineOutput& out);
  void resend_answers(Call& call, Timestamp now, EngineOutput& out);
  void forget_acks(Call& call, Timestamp now);
  void settle(Call& call);
  static void keep_setup_times(const Call& call, std::optional<Timestamp>& earliest);
  void count_dialogs(Call& call, std::uint32_t dialogs);
  void count_end(const Call& call);

  // call_rebook.cpp: calls that outlive many reloads
  void let_go_of_old_books(Timestamp now);

  [[nodiscard]] bool restore_strays(ArchiveReader& archive);
  [[nodiscard]] bool restore_with_transactions(ArchiveReader& archive, Turn turn);
  [[nodiscard]] Call* restore_call(ArchiveReader& archive, Turn turn);
  void leave_lost_call(Call& call, Turn turn);
  void forget_what_is_gone(Call& call) const;
  [[nodiscard]] bool is_sane(const Call& call) const noexcept;

  // Small things that all of them use
  void on_good_cancel(const TransactionUser& user, Timestamp now, EngineOutput& out);
  void on_unmatched_cancel(const Arrival& arrival, const TransactionUser& user, EngineOutput& out);
  void on_journalled(Timestamp now, std::uint64_t sequence, EngineOutput& out);
  void on_media(Timestamp now, const media::MediaNotice& notice, EngineOutput& out);
  // No connection could be had: what is too large for UDP goes over it all the same for a while.
  void on_unreachable(Timestamp now, const Path& path) noexcept;
  // Our listeners and realms as the call knows them; what is newer, as it is today.
  [[nodiscard]] const Place* place_of(const Call& call, const Path& path) const noexcept;
  [[nodiscard]] const RealmConfig& realm_of(const Call& call, RealmIndex realm) const noexcept;
  // Good until the next one.
  [[nodiscard]] std::string_view contact_of(const Call& call, const Path& path, std::uint16_t part);
  [[nodiscard]] std::string token(TokenKind kind, const Call& call, std::uint16_t part) const;
  [[nodiscard]] TokenText token_text(TokenKind kind, const Call& call, std::uint16_t part) const;
  [[nodiscard]] static Path way_to(const Call& call, const Dialog& dialog, const DialogRoute& route);
  struct Sending {
    Path path;
    std::string_view bytes;  // in the output
    std::optional<Path> second_way;
    std::string second_via;
  };
  [[nodiscard]] std::optional<Sending> put_request(RequestParts& parts, const Path& path, std::uint64_t call,
                                                   Turn turn);
  [[nodiscard]] const Place* place_for_size(const Path& path, std::size_t bytes,
                                            Timestamp now) const noexcept;
  void note(Call& call, Timestamp now, CallStep step, std::uint16_t a = 0, std::uint16_t b = 0);
  bool respond(Call& call, ServerTransactionId id, const Path& path, const ResponseParts& parts, Turn turn);
  void count_request(RealmIndex realm, Method method) noexcept;
  [[nodiscard]] static Duration call_time_of(const Call& call, PeerIndex peer) noexcept;
  [[nodiscard]] PeerIndex peer_at(const Path& path) const noexcept;
  [[nodiscard]] std::uint64_t sdp_session_id(const Call& call, std::uint16_t part) const noexcept;
  [[nodiscard]] static Fork* fork_numbered(Call& call, std::uint16_t number) noexcept;

  CallEngineParts parts_;
  SharedValue<Rulebook> book_;  // of the day: what begins now keeps it
  MediaNegotiator negotiator_;
  CallTable calls_;
  EndedCalls ended_;
  CallSpares spares_;
  std::uint64_t next_number_;
  std::uint64_t sequence_ = 0;  // of the last record
  std::uint64_t journalled_ = 0;
  std::deque<std::pair<std::uint64_t, std::uint64_t>> waiting_;  // sequence, call
  std::uint64_t dialogs_ = 0;
  std::size_t doubts_ = 0;
  std::uint32_t silent_emergencies_ = 0;  // calls that nothing is heard of
  bool draining_ = false;
  bool journal_is_slow_ = false;
  std::uint32_t retry_after_ = 0;             // of the refusal that is being written
  std::vector<policy::HeaderView> headers_;   // of the request that rules and routes look at
  const SipMessage* fresh_invite_ = nullptr;  // the one that makes a call just now
  SipMessage stored_;                         // an INVITE that is read again for the next target
  std::vector<char> sdp_room_;                // where descriptions are written
  std::vector<char> body_;                    // where bodies of several parts are put together
  std::vector<char> scratch_;                 // where answers are built that must wait
  SessionIdLine session_id_;
  std::string extension_;
  std::string contact_, to_tag_, redirect_, from_, to_, credentials_;  // of the message that is being built
  StrayDialogs strays_;
  std::vector<Timestamp> udp_only_until_;  // by peer
};

// Sets the place of each peer that the call is of.
void mark_peers_of(const Call& call, std::vector<bool>& places);
// Whatever it sends or hears by.
void add_paths_of(const Call& call, std::vector<Path>& paths);
// Has the body a session description in it, or more than one?
[[nodiscard]] bool holds_sdp(const SipMessage& message) noexcept;
// What an answer to the caller says of the attempt's result.
[[nodiscard]] CallResult result_of(std::uint16_t code, bool rang) noexcept;
// Cause of a Reason header field for Q.850; 0: none. RFC 3326 §2
[[nodiscard]] std::uint16_t q850_of(const SipMessage& message) noexcept;
// A From or To rebuilt without its tag and other header parameters.
[[nodiscard]] std::string address_without_tag(const NameAddr& address);

}  // namespace sallyport::sip
