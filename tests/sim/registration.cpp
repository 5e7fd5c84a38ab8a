// RFC 3261 §10.2.1 to §10.2.7, §22.2, §22.3; RFC 7616 §3.3
#include "tests/sim/registration.h"

#include <fmt/format.h>

#include <cstdlib>

#include "tests/sim/agent_digest.h"

namespace sallyport::sim {
namespace {

constexpr unsigned kChallengesMax = 6, kFailuresMax = 12;
constexpr Duration kGrace = 45s;  // while it is being asked for, a binding may be kept a little longer

}  // namespace

Registration::Registration(UserAgent& phone, const RegistrationPlan& plan)
    : phone_(phone), transactions_(phone.transactions()), plan_(plan) {}

std::string Registration::contact() const {
  return fmt::format("sip:line-{}@{}", phone_.settings().marker, to_string(phone_.settings().own));
}

void Registration::begin() {
  SimRandom& random = transactions_.random();
  call_id_ = fmt::format("{}-{}", random.letters(12), phone_.settings().name);
  tag_ = phone_.settings().name + random.letters(6);
  (void)transactions_.network().after(plan_.start, [this] { send({}); });
  (void)transactions_.network().after(plan_.stop, [this] {
    wish_ = plan_.unregisters ? Wish::Unbound : Wish::Silent;
    if (plan_.unregisters) send({});
  });
}

void Registration::send(const std::string& credentials) {
  if (wish_ == Wish::Silent || (under_way_ && credentials.empty())) return;
  under_way_ = true;
  ends_ = wish_ == Wish::Unbound;
  SipText request;
  request.method = "REGISTER";
  request.uri = "sip:" + plan_.domain;
  request.add("Max-Forwards", "70");
  request.add("From", fmt::format("<sip:{}>;tag={}", aor(), tag_));
  request.add("To", fmt::format("<sip:{}>", aor()));
  request.add("Call-ID", call_id_).add("CSeq", fmt::format("{} REGISTER", ++cseq_));
  const bool star = ends_ && plan_.by_star;
  request.add("Contact", star ? "*" : fmt::format("<{}>", contact()));
  request.add("Expires", std::to_string(ends_ ? 0 : plan_.seconds));
  request.add("User-Agent", fmt::format("Phone-{}/1.0", phone_.settings().marker));
  // As phones do: what they say is longer than what a stranger is answered.
  request.add("Allow",
              "INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, NOTIFY, REFER, SUBSCRIBE, UPDATE, PRACK, MESSAGE");
  request.add("Allow-Events", "talk, hold, conference, refer, check-sync, dialog, message-summary");
  if (!credentials.empty()) request.add("Authorization", credentials);
  transactions_.request(
      std::move(request), phone_.settings().border,
      [this, at = transactions_.network().now()](const SipText* response) { on_answer(response, at); });
}

void Registration::on_answer(const SipText* response, Timestamp sent_at) {
  if (response != nullptr && response->code < 200) return;
  const int code = response == nullptr ? 0 : response->code;
  if (code == 401) {
    on_challenge(*response);
    return;
  }
  under_way_ = false;
  if (code / 100 == 2) {
    challenges_ = failures_ = 0;
    on_granted(*response, sent_at);
    return;
  }
  if (transactions_.judge().is_calm() && !phone_.settings().peer_restarts)
    transactions_.blame(fmt::format("REGISTER of {} got {}", aor(), code));
  // Whether it was bound nobody can say here; refused it certainly was not made to last.
  if (ends_) surely_until_ = {};
  perhaps_until_ =
      std::max(perhaps_until_, transactions_.network().now() + std::chrono::seconds(plan_.seconds));
  if (++failures_ < kFailuresMax) later(5s);
}

void Registration::later(Duration wait) {
  (void)transactions_.network().after(wait, [this, turn = ++turn_] {
    if (turn == turn_) send({});
  });
}

void Registration::on_challenge(const SipText& response) {
  if (++challenges_ > kChallengesMax) {
    if (!phone_.settings().peer_restarts)
      transactions_.blame("right credentials are not taken: " + response.summary());
    under_way_ = false;
    return;
  }
  std::vector<DigestParams> offers;
  for (const std::string& value : response.values("WWW-Authenticate"))
    if (DigestParams params = digest_params(value); params["realm"] == plan_.domain) offers.push_back(params);
  if (offers.empty()) {
    transactions_.blame("401 without a challenge of our domain: " + response.summary());
    under_way_ = false;
    return;
  }
  const DigestParams& challenge = offers[transactions_.random().below(offers.size())];
  const std::string uri = "sip:" + plan_.domain;
  send(digest_credentials(challenge, {plan_.user, plan_.password}, {"REGISTER", uri}, 1,
                          transactions_.random().letters(8)));
}

// RFC 3261 §10.3 step 8: what is bound, each with its time.
void Registration::on_granted(const SipText& response, Timestamp sent_at) {
  unsigned granted = 0;
  for (const std::string& value : response.values("Contact")) {
    if (uri_of(value) != contact())
      transactions_.blame(fmt::format("a binding that is not ours, {}: {}", value, response.summary()));
    else
      granted = static_cast<unsigned>(std::atoi(param_of(value, "expires").c_str()));
  }
  if (ends_) {
    if (granted != 0) transactions_.blame("still bound: " + response.summary());
    surely_until_ = perhaps_until_ = {};
    return;
  }
  if (granted == 0 || granted > plan_.seconds)
    transactions_.blame(fmt::format("bound for {} s: {}", granted, response.summary()));
  was_bound_ = true;
  if (sent_at >= moved_at_)
    surely_until_ = std::max(surely_until_, sent_at + std::chrono::seconds(granted) - 1s);
  perhaps_until_ = transactions_.network().now() + std::chrono::seconds(granted);
  if (wish_ == Wish::Unbound) {
    send({});
    return;
  }
  const Duration whole = std::chrono::seconds(granted);
  later(transactions_.random().between(whole / 4, whole / 2));
}

bool Registration::is_bound(Timestamp now) const noexcept {
  return wish_ != Wish::Unbound && now < surely_until_;
}

bool Registration::is_gone(Timestamp now) const noexcept {
  return !under_way_ && now > perhaps_until_ + kGrace && (cseq_ == 0 || wish_ != Wish::Bound);
}

}  // namespace sallyport::sim
