// The border in its world: steering, timers, journal, restart.
#include "tests/sim/sip_world.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "tests/sim/world_places.h"

namespace sallyport::sim {
namespace {

constexpr std::size_t kTargetDown = 2;  // of the agents, the PBX's first target
constexpr HashKey kTokenKey{0x1122334455667788u, 0x99aabbccddeeff00u};

// What can be read of it.
std::string printable(std::string_view bytes) {
  std::string text;
  for (const char c : bytes.substr(0, 400))
    if (c >= ' ' && c <= '~')
      text += c;
    else if (!text.ends_with(' '))
      text += ' ';
  return text;
}

}  // namespace

SipWorld::SipWorld(const WorldSettings& settings)
    : settings_(settings),
      random_(settings.seed),
      network_(random_.next(), settings.link, judge_),
      border_(judge_),
      media_(judge_, random_.fork(98)),
      config_(world_config(settings.passes_refer)),
      output_(std::make_unique<sip::EngineOutput>()) {
  if (settings.tight)
    for (RealmConfig& realm : config_.realms) realm.media.ports = {20000, 20127};
  judge_.set_calm(settings.calm);
  judge_.set_tight(settings.tight);
  if (settings.keep_trace) network_.keep_trace();
  for (const char* listener : kListeners)
    network_.attach(place_at(listener), [this](const Endpoint& from, const Endpoint& to,
                                               std::string_view bytes) { arrive(from, to, bytes); });
  if (settings.icmp)
    network_.on_unreachable([this](const Endpoint& from, const Endpoint& to) {
      const sip::Path path{RealmIndex{static_cast<std::uint16_t>(side_of(from.address))}, from, to};
      for (std::size_t i = 0; i < engines_.size(); ++i)
        drive(i, Cause::Input, [&](sip::SipEngine& engine, sip::EngineOutput& out) {
          engine.on_unreachable(border_now(), path, out);
        });
    });
  make_engines(settings.engines);
  make_agents();
}

void SipWorld::make_agents() {
  for (std::size_t i = 0; i < kPlaces.size(); ++i) {
    const AgentPlace& place = kPlaces[i];
    UserAgentSettings agent{place.name,
                            std::string(kMarkers[place.side]),
                            place_at(place.own),
                            place_at(place.border),
                            settings_.snapshot,
                            place.behind_proxy,
                            {},
                            [this](const Endpoint& shown, unsigned far_port) {
                              return nonsense_ ||
                                     media_.leads_to(shown, static_cast<std::uint16_t>(far_port));
                            }};
    agent.takes_refer = settings_.passes_refer;
    if (place.registers()) agent.identity = fmt::format("<sip:{}@{}>", place.user, place.domain);
    if (settings_.routers && *place.behind != '\0') {
      agent.own = place_at(place.behind);
      network_.put_behind(agent.own, seen_of(i, 0));
    }
    // One that is down is made all the same, at a place where nothing arrives.
    if (settings_.target_down && i == kTargetDown) agent.own = place_at("198.18.2.99:5060");
    agents_.push_back(std::make_unique<UserAgent>(agent, network_, judge_, plans_, random_.fork(100 + i)));
  }
  proxy_ =
      std::make_unique<ForkingProxy>("proxy-x0i9k", place_at(kProxy), network_, judge_, random_.fork(99));
  const std::uint64_t leaves = 2 + random_.below(2);
  for (std::size_t i = 0; i < leaves; ++i) proxy_->add_target(place_at(kPlaces[5 + i].own));
  make_phones();
}

void SipWorld::make_engines(unsigned count) {
  engines_.clear();
  timers_.assign(count, {});
  clock_base_ = random_.between(0s, 100h);
  policy_ = std::make_unique<sip::SharedPolicy>(config_, HashKey{random_.next(), random_.next()});
  ++generation_;
  for (unsigned i = 0; i < count; ++i) {
    sip::SipEngineSettings settings;
    settings.transactions_max = settings_.tight ? 24 : 512;
    settings.calls_max = settings_.tight ? 4 : 128;
    settings.message_ring_bytes = 64 * 1024;
    settings.table_key = {random_.next(), random_.next()};
    settings.utc_at_zero = 1000h - clock_base_;
    settings.token_key = kTokenKey;
    settings.first_number = (generation_ << 32) + i + 1;
    settings.number_stride = count;
    settings.engines = count;
    settings.place = i;
    settings.engines = count;
    settings.place = i;
    settings.owns_trunks = false;  // the agents know nothing of probes
    settings.utc_at_zero = 1'000'000h - clock_base_;
    engines_.push_back(std::make_unique<sip::SipEngine>(config_, *policy_, settings));
  }
}

void SipWorld::inject(const Endpoint& from, const Endpoint& to, std::string_view bytes) {
  arrive(from, to, bytes);
}

void SipWorld::arrive(const Endpoint& from, const Endpoint& to, std::string_view bytes) {
  const auto side = static_cast<std::uint16_t>(side_of(to.address));
  remember(bytes);
  if (!nonsense_) {
    border_.on_in(side, bytes);
    expect_trying(from, bytes);
  }
  sip::MessageInput input;
  input.listener = ListenerIndex{side};
  input.realm = RealmIndex{side};
  input.peer = peer_of(from.address);
  input.trust = input.peer == PeerIndex::kNone ? (side == 0 ? TrustClass::Untrusted : TrustClass::Trusted)
                                               : TrustClass::Known;
  input.local = to;
  input.remote = from;
  input.bytes = bytes;
  drive(sip::shard_of_datagram(kTokenKey, bytes) % engines_.size(), Cause::Input,
        [&](sip::SipEngine& engine, sip::EngineOutput& out) { engine.on_message(border_now(), input, out); });
}

// RFC 3261 §17.2.1: some response within 200 ms. But a phone whose router has forgotten it is a stranger at
// its new place until it registers there, and strangers hear nothing.
void SipWorld::expect_trying(const Endpoint& from, std::string_view bytes) {
  if (!bytes.starts_with("INVITE ")) return;
  for (std::size_t i = kFirstPhone; i < kFirstPhone + registrations_.size(); ++i) {
    const Registration* const registration = registration_of(i);
    const bool is_its_place = network_.seen_as(agents_[i]->transactions().own()) == from;
    if (is_its_place && registration != nullptr && !registration->is_bound(network_.now())) return;
  }
  const std::string branch = parse_sip_text(bytes).message.branch();
  (void)network_.after(200ms + 1us, [this, branch] {
    if (border_.answer_to(branch, "INVITE") == nullptr)
      judge_.blame("no response to an INVITE within 200 ms, branch " + branch);
  });
}

void SipWorld::drive(std::size_t engine, Cause why, const Work& work) {
  ++drives_;
  Letters letters;
  do_work(engine, work, letters);
  const bool was_heard = !output_->sends().empty() || !output_->events().empty();
  while (!letters.empty()) {
    const std::unique_ptr<sip::EngineLetter> letter = std::move(letters.front());
    letters.pop_front();
    const std::size_t receiver = letter->shard % engines_.size();
    do_work(
        receiver, [&](sip::SipEngine& e, sip::EngineOutput& o) { e.on_letter(border_now(), *letter, o); },
        letters);
    arm(receiver);
  }
  if (settings_.reloads && ++steps_ % 7 == 0) reload();
  // A timer at which nothing was said may have been for the wheel's own ends: saving there again and again
  // would never let time pass.
  if (settings_.snapshot && letters_ == 0 && random_.chance(settings_.snapshot_chance) &&
      (why == Cause::Input || was_heard))
    restart();
  else
    arm(engine);
}

void SipWorld::do_work(std::size_t engine, const Work& work, Letters& letters) {
  output_->clear();
  const std::uint64_t lost = output_->overflowed();
  work(*engines_[engine], *output_);
  if (output_->overflowed() != lost) judge_.blame("a message found no room in the output");
  media_.carry_out(*output_, border_now(), policy_->media_ports);
  for (const media::MediaNotice& final : media_.take_finals())
    (void)network_.after(media::kFinalAfter, [this, final, generation = generation_] {
      if (generation == generation_) tell(final);
    });
  send_all(*output_);
  post_letters(*output_);
  take_events(engine, *output_);
  for (auto& letter : output_->letters()) letters.push_back(std::move(letter));
}

// From engine to engine of the node; all have arrived before anything is saved.
void SipWorld::post_letters(sip::EngineOutput& out) {
  for (std::unique_ptr<sip::EngineLetter>& each : out.letters()) {
    ++letters_;
    (void)network_.after(random_.between(0ms, 1ms),
                         [this, letter = std::shared_ptr<sip::EngineLetter>(std::move(each))] {
                           --letters_;
                           drive(letter->shard % engines_.size(), Cause::Input,
                                 [&](sip::SipEngine& engine, sip::EngineOutput& reply) {
                                   engine.on_letter(border_now(), *letter, reply);
                                 });
                         });
  }
  out.letters().clear();
}

void SipWorld::send_all(sip::EngineOutput& out) {
  for (const sip::SendMessage& send : out.sends()) {
    const std::size_t side = side_of(send.path.local.address);
    const bool is_ours = std::ranges::any_of(
        kListeners, [&](const char* listener) { return place_at(listener) == send.path.local; });
    if (!is_ours || side != side_of(send.path.remote.address) || side != to_position(send.path.realm) ||
        send.path.local.address.is_v4() != send.path.remote.address.is_v4())
      judge_.blame(fmt::format("a path that can't be: {} to {}", to_string(send.path.local),
                               to_string(send.path.remote)));
    if (!nonsense_) border_.on_out(side, send.path.remote, send.bytes);
    remember(send.bytes);
    network_.send(send.path.local, send.path.remote, send.bytes);
  }
  most_sends_ = std::max(most_sends_, out.sends().size());
}

void SipWorld::remember(std::string_view bytes) {
  constexpr std::size_t kRemembered = 32;
  if (!nonsense_) return;
  last_seen_.emplace_back(bytes);
  if (last_seen_.size() > kRemembered) last_seen_.erase(last_seen_.begin());
}

void SipWorld::take_events(std::size_t engine, sip::EngineOutput& out) {
  for (const sip::EngineEvent& event : out.events()) {
    if (const auto* report = std::get_if<sip::MediaReportEvent>(&event.what)) media_.on_report(*report);
    const auto* record = std::get_if<sip::RecordEvent>(&event.what);
    if (record == nullptr) continue;
    if (!nonsense_) border_.on_record(record->record);
    media_.on_record(record->record);
    const Duration pace = settings_.journal == JournalPace::Fast   ? random_.between(0ms, 10ms)
                          : settings_.journal == JournalPace::Slow ? random_.between(0ms, 400ms)
                                                                   : Duration{-1};
    if (pace < Duration{0}) continue;
    (void)network_.after(pace, [this, engine, sequence = record->sequence, generation = generation_] {
      if (generation != generation_) return;  // that engine is gone
      drive(engine, Cause::Input,
            [&](sip::SipEngine& e, sip::EngineOutput& o) { e.on_journalled(border_now(), sequence, o); });
    });
  }
}

void SipWorld::tell(const media::MediaNotice& notice) {
  drive(notice.shard % engines_.size(), Cause::Input,
        [&](sip::SipEngine& e, sip::EngineOutput& o) { e.on_media(border_now(), notice, o); });
}

void SipWorld::tell_of_media() {
  for (const media::MediaNotice& notice : media_.draw_notices(settings_.operator_hangs_up)) tell(notice);
  if (network_.now() < Timestamp{} + 1h + 2min)
    (void)network_.after(random_.between(100ms, 5s), [this] { tell_of_media(); });
}

void SipWorld::arm(std::size_t engine) {
  network_.cancel(timers_[engine]);
  const auto deadline = engines_[engine]->next_deadline();
  if (!deadline) return;
  const Duration wait = std::max(*deadline - border_now(), Duration{0});
  timers_[engine] = network_.after(wait, [this, engine, generation = generation_] {
    if (generation == generation_) on_timer(engine);
  });
}

void SipWorld::on_timer(std::size_t engine) {
  const auto before = engines_[engine]->next_deadline();
  drive(engine, Cause::Time,
        [&](sip::SipEngine& e, sip::EngineOutput& o) { e.on_deadline(border_now(), o); });
  // Also where every step brings other engines, of which none can be asked twice.
  constexpr unsigned kWakesAtOnce = 10'000;
  woken_ = std::exchange(woken_at_, network_.now()) == network_.now() ? woken_ + 1 : 0;
  if (woken_ >= kWakesAtOnce) {
    woken_ = 0;
    judge_.blame("the engines are woken for ever, and no time passes");
  }
  if (settings_.snapshot) return;
  const auto later = engines_[engine]->next_deadline();
  if (before && later && *later <= *before && output_->sends().empty() && output_->events().empty())
    judge_.blame(fmt::format("a deadline that nothing is done about: before {} ns, after {} ns",
                             (*before - border_now()).count(), (*later - border_now()).count()));
}

// Everything is written, thrown away and read again by other engines with another clock.
void SipWorld::restart() {
  std::vector<sip::SipEngine::SavedCall> saved;
  for (std::size_t i = 0; i < engines_.size(); ++i) {
    network_.cancel(timers_[i]);
    for (sip::SipEngine::SavedCall& call : engines_[i]->save(border_now())) saved.push_back(std::move(call));
  }
  constexpr std::array<unsigned, 3> kCounts{1, 2, 4};
  const auto count = kCounts[random_.below(kCounts.size())];
  // Full tables go into no fewer ones.
  make_engines(settings_.tight ? static_cast<unsigned>(engines_.size()) : count);
  media_.restart();
  sip::EngineOutput again;
  for (const sip::SipEngine::SavedCall& call : saved) {
    if (!engines_[call.shard % engines_.size()]->restore(border_now(), call.bytes, again))
      judge_.blame(
          fmt::format("{} saved octets could not be restored: {}", call.bytes.size(), printable(call.bytes)));
    media_.carry_out(again, border_now(), policy_->media_ports);
    if (!again.sends().empty()) judge_.blame("a message left while calls were restored");
    again.clear();
  }
  for (std::size_t i = 0; i < engines_.size(); ++i) arm(i);
  ++restarts_;
}

// Nothing that matters changes, but routes stand elsewhere: who confuses the rulebook that a call began with
// and that of the day sends it to the wrong place.
void SipWorld::reload() {
  SbcConfig next = config_;
  RouteConfig nobody;
  nobody.name = "nobody";
  nobody.match.called = {"^nobody$"};
  nobody.to = {RouteReject{}};
  if (++reloads_ % 2 == 0) next.routes.insert(next.routes.begin(), nobody);
  policy_->adopt(make_value<sip::Rulebook>(make_value<SbcConfig>(next), policy_->targets));
  sip::EngineOutput out;
  for (std::size_t i = 0; i < engines_.size(); ++i) {
    engines_[i]->adopt(border_now(), out);
    arm(i);
  }
  if (!out.sends().empty()) judge_.blame("a message left because of a reload");
}

const CallPlan& SipWorld::place_call(std::size_t caller, char destination, bool simple) {
  const PlanTerms terms{caller, destination, 0s, simple, settings_.calm, settings_.keys};
  const CallPlan& plan = plans_.add(make_plan(planned_++, terms, random_));
  agents_[caller]->dial(plan);
  return plan;
}

void SipWorld::run_for(Duration time) {
  const Timestamp until = network_.now() + time;
  while ((nonsense_ || judge_.violations().size() < 5) && network_.step(until)) {
  }
}

void SipWorld::make_plans() {
  Duration start{};
  for (unsigned i = 0; i < settings_.calls; ++i) {
    const std::uint64_t kind = settings_.simple ? 9 : random_.below(10);
    if (kind < 2)
      plan_phone_call(start);
    else if (kind < 5)
      plan_exchange(start);
    else
      plan_peer_call(start);
    start += random_.between(0s, 3s);
  }
}

void SipWorld::plan_peer_call(Duration start) {
  const bool inwards = random_.chance(0.65);
  const std::size_t first_inside = settings_.target_down ? 3 : 2;
  const std::size_t caller =
      inwards ? random_.below(2) : first_inside + random_.below(kPeerAgents - first_inside);
  const char destination = static_cast<char>(inwards ? '2' + random_.below(3) : '0' + random_.below(2));
  const PlanTerms terms{caller,         destination,    start,          settings_.simple,
                        settings_.calm, settings_.keys, settings_.stale};
  CallPlan drawn = make_plan(planned_++, terms, random_);
  plan_transfer(drawn);
  if (auto newcomer = make_newcomer(drawn, terms); newcomer) {
    plans_.join(drawn.index, newcomer->index);
    (void)plans_.add(std::move(*newcomer));
  }
  const CallPlan& plan = plans_.add(std::move(drawn));
  (void)network_.after(start, [this, &plan] { agents_[plan.caller_agent]->dial(plan); });
}

// Where a transfer without another call leads: somebody who takes the call as any other.
void SipWorld::plan_transfer(CallPlan& plan) {
  if (!plan.transfer_after || plan.attended) return;
  constexpr std::array<char, 3> kTargets{'0', '1', '3'};
  const PlanTerms terms{
      0, kTargets[random_.below(kTargets.size())], 0s, settings_.simple, settings_.calm, settings_.keys};
  CallPlan target = make_plan(planned_++, terms, random_);
  target.is_transfer = true;
  target.transfer_after.reset();
  plan.transfer_to = target.called;
  plans_.join(plan.index, target.index);
  (void)plans_.add(std::move(target));
}

void SipWorld::hang_up_by_operator() {
  const std::size_t engine = random_.below(engines_.size());
  auto live = engines_[engine]->desk().calls(0, 100);
  std::erase_if(live,
                [](const sip::CallView& call) { return call.state == "ending" || call.state == "ended"; });
  if (!live.empty()) {
    const std::uint64_t call = live[random_.below(live.size())].record.call;
    drive(engine, Cause::Input, [&](sip::SipEngine& e, sip::EngineOutput& o) {
      if (!e.desk().hang_up(border_now(), call, o)) judge_.blame("an operator could not end a live call");
    });
  }
  if (network_.now() < Timestamp{} + 1h + 2min)
    (void)network_.after(random_.between(1s, 20s), [this] { hang_up_by_operator(); });
}

void SipWorld::run() {
  begin_registrations();
  make_plans();
  if (settings_.operator_hangs_up)
    (void)network_.after(random_.between(1s, 20s), [this] { hang_up_by_operator(); });
  (void)network_.after(random_.between(100ms, 5s), [this] { tell_of_media(); });
  // Ringing ends after three minutes, a call after five; then five of silence.
  run_for(20min);
  if (!judge_.violations().empty()) return;
  if (const std::string left = left_behind(); !left.empty()) judge_.blame("left behind: " + left);
  check_agreement();
  check_one_phone_rings();
  check_exchanges();
  if (settings_.calm) check_expectations();
}

}  // namespace sallyport::sim
