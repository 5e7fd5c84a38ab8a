// signalling_threads_bench.cpp — whole calls through two engines at once, a thread and a processor each, no
// I/O: engines that share one SharedPolicy, as the signalling threads of a node do, beside engines that have
// one each, as two nodes would. What they share may cost at most 0.15 of what both do together.
//
// The phones' part is recorded before: with the same settings an engine says the same words again, so that
// nothing but the engines is timed. All calls go between the same two peers, which is the worst case.
//
// Each thread has an engine of either kind. Short turns of both alternate, so that what else the machine does
// falls on both.
//
//   signalling_threads_bench [TURNS OF EACH KIND [CALLS OF A TURN]]
#include <pthread.h>
#include <sched.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <barrier>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/call_fixture.h"

namespace {

using namespace sallyport;
using tests::CallFixture;
using tests::SentMessage;

constexpr std::size_t kThreads = 2;
constexpr RealmIndex kOutside{0}, kInside{1};
constexpr std::string_view kContact = "Contact: <sip:desk-contact@198.18.2.2:5060>\r\n";

[[noreturn]] void give_up(const char* why) {
  std::fprintf(stderr, "signalling_threads_bench: %s\n", why);
  std::exit(1);
}

double seconds_of(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

SbcConfig make_config(const CallFixture& fixture) {
  SbcConfig config = fixture.config;
  for (RealmConfig& realm : config.realms) {
    // The threads' clocks run apart by seconds: no bucket may mind.
    realm.limits = {1'000'000, {1'000'000'000, 24h}};
    realm.media.ports = {10000, 59999};
  }
  return config;
}

// One thing that happens to an engine.
struct Step {
  enum class Kind : std::uint8_t { Message, Journalled, Deadline } kind = Kind::Message;
  RealmIndex realm = kOutside;
  Timestamp now;
  std::size_t begin = 0, size = 0;  // of the message, in Script::bytes
};
struct Script {
  std::vector<Step> steps;
  std::vector<std::size_t> begins;   // of each call, in `steps`; one more
  std::vector<std::uint64_t> sends;  // messages that came out before each call; one more
  std::string bytes;
};

// An engine and what stands around it.
class Running {
 public:
  Running(const SbcConfig& config, sip::SharedPolicy& shared, std::size_t place) : shared_(shared) {
    sip::SipEngineSettings settings;
    settings.transactions_max = 200'000;
    settings.calls_max = 10'000;
    settings.table_key = {1, 2};
    settings.token_key = {3, 4};
    settings.first_number = 1001 + place;
    settings.number_stride = kThreads;
    settings.owns_trunks = false;
    engine_ = std::make_unique<sip::SipEngine>(config, shared, settings);
    for (std::size_t realm = 0; realm < inputs_.size(); ++realm) {
      sip::MessageInput& input = inputs_[realm];
      input.realm = RealmIndex(realm);
      input.peer = PeerIndex(realm);
      input.trust = TrustClass::Known;
      input.local = {config.realms[realm].listen[0].addresses[0], 5060};
      input.remote = *config.peers[realm].targets[0].address;
    }
  }

  // What comes out is there until the next step.
  const sip::EngineOutput& take(const Script& script, const Step& step) {
    out_.clear();
    switch (step.kind) {
      case Step::Kind::Message: {
        sip::MessageInput& input = inputs_[to_position(step.realm)];
        input.bytes = std::string_view(script.bytes).substr(step.begin, step.size);
        engine_->on_message(step.now, input, out_);
        break;
      }
      case Step::Kind::Journalled:
        engine_->on_journalled(step.now, sequence_, out_);
        break;
      case Step::Kind::Deadline:
        if (const auto due = engine_->next_deadline(); due && *due <= step.now)
          engine_->on_deadline(step.now, out_);
        break;
    }
    settle();
    return out_;
  }
  [[nodiscard]] std::uint64_t sends() const noexcept { return sends_; }
  [[nodiscard]] std::uint64_t calls_up() const noexcept { return engine_->counters().calls_active.value(); }

 private:
  void settle() {
    sends_ += out_.sends().size();
    for (const sip::EngineEvent& event : out_.events())
      if (const auto* const record = std::get_if<sip::RecordEvent>(&event.what)) sequence_ = record->sequence;
    for (const media::MediaCommand& order : out_.media())
      if (order.kind == media::MediaCommand::Kind::Close)
        for (const media::MediaSideSettings& side : order.sides)
          shared_.media_ports.give_back(side.realm, side.local);
  }

  sip::SharedPolicy& shared_;
  std::unique_ptr<sip::SipEngine> engine_;
  std::array<sip::MessageInput, 2> inputs_;
  sip::EngineOutput out_;
  std::uint64_t sequence_ = 0, sends_ = 0;
};

// Plays both phones once and keeps what they say.
class Recorder {
 public:
  Recorder(CallFixture& fixture, const SbcConfig& config, std::size_t place)
      : fixture_(fixture), shared_(config, {5, 6}), running_(config, shared_, place), place_(place) {
    invite_ = fixture.invite().build();
  }
  void call(std::uint64_t number) {
    mark();
    now_ += 1ms;
    const SentMessage out = say(kOutside, fresh(number), "INVITE");
    (void)say(kInside, CallFixture::answer(out, 180, "pbxtag", kContact), {});
    (void)say(kInside, CallFixture::answer(out, 200, "pbxtag", kContact, CallFixture::kSdp), {});
    const SentMessage answer = put({Step::Kind::Journalled, kOutside, now_}, "200");
    (void)say(kOutside, fixture_.in_dialog("ACK", 1, answer), {});
    const SentMessage bye = say(kOutside, fixture_.in_dialog("BYE", 2, answer), "BYE");
    (void)put({Step::Kind::Journalled, kOutside, now_}, {});
    (void)say(kInside, CallFixture::answer(bye, 200, ""), {});
    now_ += 1ms;
    (void)put({Step::Kind::Deadline, kOutside, now_}, {});
  }
  [[nodiscard]] Script take() {
    mark();
    if (running_.calls_up() != 0) give_up("calls were left over");
    return std::move(script_);
  }

 private:
  void mark() {
    script_.begins.push_back(script_.steps.size());
    script_.sends.push_back(running_.sends());
  }
  [[nodiscard]] std::string fresh(std::uint64_t number) const {
    std::string text = invite_;
    const std::string mark = std::to_string(place_) + "x" + std::to_string(number);
    for (const std::string_view name : {"callertag", "callerbranch", "near-call-id"})
      for (std::size_t at = text.find(name); at != std::string::npos; at = text.find(name, at + 1))
        text.insert(at + name.size(), mark);
    return text;
  }
  SentMessage say(RealmIndex realm, std::string_view bytes, std::string_view wanted) {
    const Step step{Step::Kind::Message, realm, now_, script_.bytes.size(), bytes.size()};
    script_.bytes += bytes;
    return put(step, wanted);
  }
  SentMessage put(const Step& step, std::string_view wanted) {
    script_.steps.push_back(step);
    SentMessage found;
    for (const sip::SendMessage& send : running_.take(script_, step).sends())
      if (!wanted.empty() && send.bytes.find(wanted) < 9)
        found = {std::string(send.bytes), send.path, send.is_again};
    if (!wanted.empty() && found.bytes.empty()) give_up("a call does not go on");
    return found;
  }

  CallFixture& fixture_;
  sip::SharedPolicy shared_;
  Running running_;
  std::size_t place_;
  std::string invite_;
  Timestamp now_{1h};
  Script script_;
};

// Of one turn: calls, and how long they took by the clock and of the processor.
struct Turn {
  double calls = 0, wall = 0, processor = 0;
};
enum Kind : std::size_t { kSharing, kApart, kKinds };

struct Plan {
  std::size_t warm = 16'000;  // until the first transactions have ended: memory is touched for the first time
  std::size_t turns = 200, calls = 200;
  std::size_t turns_alone = 50;
  // The first of a turn to end stops the others, so none needs more.
  [[nodiscard]] std::size_t calls_in_all() const noexcept { return warm + (turns + turns_alone) * calls; }
};

class Match {
 public:
  Match(const SbcConfig& config, const std::vector<Script>& scripts, const Plan& plan)
      : config_(config), scripts_(scripts), plan_(plan) {
    turns_.fill(std::vector<Turn>(plan.turns));
    for (std::unique_ptr<sip::SharedPolicy>& policy : policies_)
      policy = std::make_unique<sip::SharedPolicy>(config, HashKey{5, 6});
  }
  void run() {
    std::vector<std::thread> threads;
    for (std::size_t place = 0; place < kThreads; ++place)
      threads.emplace_back([this, place] { play(place); });
    for (std::thread& thread : threads) thread.join();
  }
  // Calls a second of all threads together, turn by turn.
  [[nodiscard]] std::vector<double> speeds(Kind kind) const {
    std::vector<double> out(plan_.turns);
    for (std::size_t place = 0; place < kThreads; ++place)
      for (std::size_t i = 0; i < plan_.turns; ++i) {
        const Turn& one = turns_[place * kKinds + kind][i];
        out[i] += one.calls / one.wall;
      }
    return out;
  }
  // Which pairs of turns had a processor for each thread nearly all the time.
  [[nodiscard]] std::vector<bool> undisturbed() const {
    std::vector<bool> out(plan_.turns, true);
    for (const std::vector<Turn>& turns : turns_)
      for (std::size_t i = 0; i < plan_.turns; ++i)
        if (turns[i].processor < 0.97 * turns[i].wall) out[i] = false;
    return out;
  }
  [[nodiscard]] const std::vector<Turn>& alone() const noexcept { return alone_; }

 private:
  struct Track {
    Running running;
    const Script& script;
    std::size_t next = 0;
    void call() {
      for (std::size_t i = script.begins[next]; i < script.begins[next + 1]; ++i)
        (void)running.take(script, script.steps[i]);
      ++next;
    }
  };

  void play(std::size_t place) {
    stay_on(place);
    std::array<Track, kKinds> tracks{Track{Running(config_, *policies_[kThreads], place), scripts_[place]},
                                     Track{Running(config_, *policies_[place], place), scripts_[place]}};
    for (Track& track : tracks)
      while (track.next < plan_.warm) track.call();
    for (std::size_t i = 0; i < 2 * plan_.turns; ++i) {
      const std::size_t kind = (i % 4 == 1 || i % 4 == 2) ? kApart : kSharing;  // each as often first
      begin_.arrive_and_wait();
      if (place == 0) is_over_ = false;
      begin_.arrive_and_wait();
      turns_[place * kKinds + kind][i / 2] = turn(tracks[kind]);
    }
    begin_.arrive_and_wait();
    for (std::size_t i = 0; place == 0 && i < plan_.turns_alone; ++i) {
      is_over_ = false;
      alone_.push_back(turn(tracks[kApart]));
    }
    begin_.arrive_and_wait();
    for (const Track& track : tracks) check(track);
  }
  // Until somebody has made all his calls.
  Turn turn(Track& track) {
    const double wall = seconds_of(CLOCK_MONOTONIC), processor = seconds_of(CLOCK_THREAD_CPUTIME_ID);
    std::size_t done = 0;
    for (; done < plan_.calls && !is_over_.load(std::memory_order_relaxed); ++done) track.call();
    is_over_ = true;
    return {static_cast<double>(done), seconds_of(CLOCK_MONOTONIC) - wall,
            seconds_of(CLOCK_THREAD_CPUTIME_ID) - processor};
  }
  static void check(const Track& track) {
    if (track.running.calls_up() != 0 || track.running.sends() != track.script.sends[track.next])
      give_up("a replay went another way");
  }
  static void stay_on(std::size_t place) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(place % std::max(1u, std::thread::hardware_concurrency()), &set);
    pthread_setaffinity_np(pthread_self(), sizeof set, &set);
  }

  const SbcConfig& config_;
  const std::vector<Script>& scripts_;
  Plan plan_;
  std::array<std::unique_ptr<sip::SharedPolicy>, kThreads + 1> policies_;  // the last is everybody's
  std::barrier<> begin_{kThreads};
  std::atomic<bool> is_over_ = false;
  std::array<std::vector<Turn>, kThreads * kKinds> turns_;
  std::vector<Turn> alone_;
};

double share(std::vector<double> values, double part) {
  std::ranges::sort(values);
  return values[static_cast<std::size_t>(part * static_cast<double>(values.size() - 1))];
}

void print(const char* what, const std::vector<double>& values, int digits) {
  std::printf("%-50s median %.*f, middle half %.*f to %.*f\n", what, digits, share(values, 0.5), digits,
              share(values, 0.25), digits, share(values, 0.75));
}

std::vector<double> chosen(const std::vector<double>& values, const std::vector<bool>& which) {
  std::vector<double> out;
  for (std::size_t i = 0; i < values.size(); ++i)
    if (which[i]) out.push_back(values[i]);
  return out;
}

void report(const Match& match) {
  const std::vector<double> sharing = match.speeds(kSharing), apart = match.speeds(kApart);
  std::vector<double> alone, ratio;
  for (const Turn& turn : match.alone()) alone.push_back(turn.calls / turn.wall);
  for (std::size_t i = 0; i < sharing.size(); ++i) ratio.push_back(sharing[i] / apart[i]);
  print("calls/s of two threads that share", sharing, 0);
  print("calls/s of two threads apart", apart, 0);
  print("calls/s of one thread alone", alone, 0);
  print("sharing beside apart (goal 0.85)", ratio, 3);
  // Of other programs only; what waits for another thread is not disturbed by much either.
  const std::vector<double> undisturbed = chosen(ratio, match.undisturbed());
  std::printf("undisturbed: %zu of %zu pairs of turns\n", undisturbed.size(), ratio.size());
  if (!undisturbed.empty()) print("sharing beside apart of those", undisturbed, 3);
}

}  // namespace

int main(int argc, char** argv) {
  Plan plan;
  if (argc > 1) plan.turns = std::strtoull(argv[1], nullptr, 10);
  if (argc > 2) plan.calls = std::strtoull(argv[2], nullptr, 10);
  if (plan.turns == 0 || plan.calls == 0) give_up("no turns, no calls");
  CallFixture fixture;
  const SbcConfig config = make_config(fixture);
  std::vector<Script> scripts;
  for (std::size_t place = 0; place < kThreads; ++place) {
    Recorder recorder(fixture, config, place);
    for (std::size_t number = 0; number < plan.calls_in_all(); ++number) recorder.call(number);
    scripts.push_back(recorder.take());
  }
  Match match(config, scripts, plan);
  match.run();
  report(match);
  return 0;
}
