// sip_engine.cpp — from datagram to answer: RFC 3261 §8.2, §17.2, §18.2; RFC 3581.
#include "sipalg/engine/sip_engine.h"

#include <array>
#include <vector>

#include "policy/base/check.h"
#include "sipalg/engine/neighbour.h"
#include "sipalg/engine/request_policy.h"
#include "sipalg/engine/response_builder.h"
#include "sipalg/message/sip_message.h"
#include "sipalg/transaction/transaction_table.h"

namespace sallyport::sip {
namespace {

static_assert(static_cast<unsigned>(Method::Other) == static_cast<unsigned>(MethodLabel::Other),
              "Method and MethodLabel name the same methods in the same order");

constexpr unsigned kTimersPerCall = 64;

// Keep-alives of RFC 5626 §3.5.1 and of devices that send NULs instead.
bool is_keepalive(std::string_view bytes) noexcept {
  for (const char c : bytes)
    if (c != '\r' && c != '\n' && c != '\0') return false;
  return true;
}

const ProfileConfig& default_profile(const SbcConfig& config, const ProfileConfig& fallback) noexcept {
  for (const ProfileConfig& profile : config.profiles)
    if (profile.name == "default") return profile;
  return fallback;
}

// Does the Request-URI name this node, as the realm that it came from sees it?
bool names_us(const HostPort& host, const RealmConfig& realm, const IpAddress& local) noexcept {
  if (!realm.advertise.domain.empty() && host.host == realm.advertise.domain) return true;
  const auto address = literal_address(host.host);
  if (!address) return false;
  return *address == local || address == realm.advertise.ipv4 || address == realm.advertise.ipv6;
}

}  // namespace

struct SipEngine::State {
  State(const SbcConfig& config_in, const SipEngineSettings& settings_in)
      : config(config_in),
        settings(settings_in),
        stranger_profile(default_profile(config_in, ProfileConfig{})),
        counters(config_in.realms.size()),
        transactions(settings_in.transactions_max) {
    neighbours.reserve(config.peers.size());
    for (const PeerConfig& peer : config.peers) neighbours.emplace_back(peer.profile);
  }

  void on_message(Timestamp now, const DatagramInput& input, EngineOutput& out) noexcept;
  void on_request(Timestamp now, const DatagramInput& input, EngineOutput& out) noexcept;
  void answer_malformed(const DatagramInput& input, EngineOutput& out) noexcept;
  void answer_without_state(const DatagramInput& input, std::uint16_t code, EngineOutput& out) noexcept;
  bool resend_kept(const DatagramInput& input, const TransactionKey& key, EngineOutput& out) noexcept;
  void send(const DatagramInput& input, const Endpoint& to, std::string_view bytes,
            EngineOutput& out) noexcept;
  // The response and where it goes; drops and counts when either can't be had.
  std::optional<TransactionTable::Kept> make_response(const DatagramInput& input,
                                                      std::uint16_t code) noexcept;

  const Neighbour& neighbour_of(const DatagramInput& input) const noexcept {
    const std::size_t peer = to_position(input.peer);
    return peer < neighbours.size() ? neighbours[peer] : stranger_profile;
  }
  RealmSipCounters& counters_of(const DatagramInput& input) noexcept {
    const std::size_t realm = to_position(input.realm);
    SALLYPORT_CHECK(realm < counters.size());
    return counters[realm];
  }
  void drop(const DatagramInput& input, SipDropReason reason) noexcept {
    counters_of(input).dropped.add(reason);
  }

  const SbcConfig& config;
  SipEngineSettings settings;
  std::vector<Neighbour> neighbours;  // as config.peers
  Neighbour stranger_profile;         // of trusted sources that are no configured peer
  std::vector<RealmSipCounters> counters;
  TransactionTable transactions;
  Counter transactions_active;
  SipMessage message;  // the one under examination
  std::array<char, kResponseBytesMax> response;
};

void SipEngine::State::on_message(Timestamp now, const DatagramInput& input, EngineOutput& out) noexcept {
  ParseOptions options;
  options.strictness = neighbour_of(input).strictness;
  const ParseStatus status = parse_message(input.bytes, options, message);
  RealmSipCounters& count = counters_of(input);
  if (message.is_response()) {
    if (status != ParseStatus::Complete) return drop(input, SipDropReason::MalformedResponse);
    count.responses[static_cast<std::size_t>(Direction::In)][code_label(message.start.status_code)].add();
    return drop(input, SipDropReason::UnmatchedResponse);  // RFC 3261 §18.1.2: no client transaction yet
  }
  if (!message.is_request()) return drop(input, SipDropReason::Malformed);
  count.requests[static_cast<std::size_t>(Direction::In)][static_cast<std::size_t>(message.start.method)]
      .add();
  if (status != ParseStatus::Complete) return answer_malformed(input, out);
  on_request(now, input, out);
}

void SipEngine::State::answer_malformed(const DatagramInput& input, EngineOutput& out) noexcept {
  const std::uint16_t code = message.error.answer;
  // An ACK is never answered, RFC 3261 §17.1.1.3; nor is what has no Via to answer to, RFC 3261 §8.2.6.2. The
  // other mandatory fields may be missing: the answer then says so without them, RFC 4475 §3.3.1.
  if (code == 0 || message.start.method == Method::Ack || !message.top_via.answerable)
    return drop(input, SipDropReason::Malformed);
  answer_without_state(input, code, out);
}

void SipEngine::State::on_request(Timestamp now, const DatagramInput& input, EngineOutput& out) noexcept {
  const Neighbour& neighbour = neighbour_of(input);
  const Method method = message.start.method;
  const bool is_for_us = names_us(message.start.request_uri.address, config.realms[to_position(input.realm)],
                                  input.local.address);
  if (method == Method::Ack) return drop(input, SipDropReason::StrayAck);
  // An INVITE needs a transaction of its own kind; until there is one it is refused without state, and the
  // ACK that follows is absorbed. RFC 3261 §8.2.7
  if (method == Method::Invite)
    return answer_without_state(input, answer_to_request(message, neighbour, is_for_us), out);

  const TransactionKey key =
      server_transaction_key(settings.table_key, message, input.realm, input.remote.address);
  if (resend_kept(input, key, out)) return;
  const std::uint16_t code = answer_to_request(message, neighbour, is_for_us);
  const auto made = make_response(input, code);
  if (!made) return;
  // Without room the same bytes go out without state. RFC 3261 §8.2.7
  (void)transactions.answer(key, code, *made, neighbour.timers, now);
  transactions_active.set(transactions.size());
  send(input, made->remote, made->bytes, out);
}

bool SipEngine::State::resend_kept(const DatagramInput& input, const TransactionKey& key,
                                   EngineOutput& out) noexcept {
  const auto kept = transactions.on_request(key, response);
  if (!kept) return false;
  RealmSipCounters& count = counters_of(input);
  count.retransmissions_in.add();
  count.retransmissions_out.add();
  send(input, kept->remote, kept->bytes, out);  // RFC 3261 §17.2.2
  return true;
}

std::optional<TransactionTable::Kept> SipEngine::State::make_response(const DatagramInput& input,
                                                                      std::uint16_t code) noexcept {
  const Neighbour& neighbour = neighbour_of(input);
  const auto to = response_destination(message.top_via, input.remote, neighbour.responses_to,
                                       config.realms[to_position(input.realm)].nat_auto);
  if (!to) {
    drop(input, SipDropReason::ForbiddenTarget);
    return std::nullopt;
  }
  const auto bytes = build_response(response, message, {code, neighbour, input.remote, settings.token_key});
  if (!bytes) {
    drop(input, SipDropReason::TooLarge);
    return std::nullopt;
  }
  counters_of(input).responses[static_cast<std::size_t>(Direction::Out)][code_label(code)].add();
  return TransactionTable::Kept{*bytes, *to};
}

void SipEngine::State::answer_without_state(const DatagramInput& input, std::uint16_t code,
                                            EngineOutput& out) noexcept {
  const auto made = make_response(input, code);
  if (made) send(input, made->remote, made->bytes, out);
}

void SipEngine::State::send(const DatagramInput& input, const Endpoint& to, std::string_view bytes,
                            EngineOutput& out) noexcept {
  // The rim empties `out` before each call, and one datagram makes one message.
  const bool sent = out.push_back({input.realm, input.local, to, bytes});
  SALLYPORT_CHECK(sent);
}

SipEngine::SipEngine(const SbcConfig& config, const SipEngineSettings& settings)
    : state_(std::make_unique<State>(config, settings)) {}

SipEngine::~SipEngine() = default;

void SipEngine::on_datagram(Timestamp now, const DatagramInput& input, EngineOutput& out) noexcept {
  if (is_keepalive(input.bytes)) return state_->drop(input, SipDropReason::Keepalive);
  // Strangers are not even parsed: no answer, no cost, nothing learnt (threats I9, R4).
  if (input.trust < TrustClass::Trusted) return state_->drop(input, SipDropReason::Stranger);
  state_->on_message(now, input, out);
}

void SipEngine::on_deadline(Timestamp now, EngineOutput&) noexcept {
  state_->transactions.on_deadline(now, kTimersPerCall);
  state_->transactions_active.set(state_->transactions.size());
}

std::optional<Timestamp> SipEngine::next_deadline() const noexcept {
  return state_->transactions.next_deadline();
}

const RealmSipCounters& SipEngine::counters(RealmIndex realm) const noexcept {
  SALLYPORT_CHECK(to_position(realm) < state_->counters.size());
  return state_->counters[to_position(realm)];
}

std::uint64_t SipEngine::transactions_active() const noexcept { return state_->transactions_active.value(); }

}  // namespace sallyport::sip
