// reload.cpp — load, compare, align, adopt, tell.
#include "mgmt/daemon/reload.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <memory>
#include <utility>

#include "mgmt/cli/check_command.h"
#include "mgmt/cli/service_notify.h"
#include "mgmt/config/align_peers.h"
#include "mgmt/config/align_realms.h"
#include "mgmt/config/load_users.h"
#include "policy/route/prefix_table.h"

namespace sallyport::mgmt {
namespace {

using Done = Reload::Done;

// What the thread aside brings: a configuration, or why there is none.
struct Loading {
  LoadedConfig loaded;
  std::string failed;
};

[[nodiscard]] auto refused(std::string why, std::vector<ConfigProblem> problems = {}) {
  return fail(ReloadRefusal{std::move(why), std::move(problems)});
}

// What no reload can change, each where it stands in the files.
[[nodiscard]] std::vector<ConfigProblem> restart_needed(const std::vector<ConfigChange>& changes,
                                                        const std::vector<std::string>& files) {
  std::vector<ConfigProblem> problems;
  for (const ConfigChange& change : changes) {
    if (is_live(change.path)) continue;
    ConfigProblem& problem = problems.emplace_back();
    problem.file = change.place.file < files.size() ? files[change.place.file] : std::string();
    problem.line = change.place.line;
    problem.key = change.key;
    problem.what = change.kind == ConfigChange::Kind::Added     ? "is new, which needs a restart"
                   : change.kind == ConfigChange::Kind::Removed ? "is gone, which needs a restart"
                                                                : "has changed, which needs a restart";
    problem.instead = "restart, or write again what was there";
  }
  sort_problems(problems, files);
  return problems;
}

// The data plane's refusal begins with the key that it is about, if it is about one: that has changed, or
// what it is part of has come or gone.
[[nodiscard]] auto refused_by_plane(std::string why, const std::vector<ConfigChange>& changes,
                                    const std::vector<std::string>& files) {
  const std::string key = why.substr(0, why.find(':'));
  for (const ConfigChange& change : changes) {
    if (why.size() < key.size() + 2 || (key != change.path && !key.starts_with(change.path + "."))) continue;
    ConfigProblem problem;
    problem.file = change.place.file < files.size() ? files[change.place.file] : std::string();
    problem.line = change.place.line;
    problem.key = key;
    problem.what = why.substr(key.size() + 2);
    problem.instead = "restart, or write again what was there";
    return refused("some of the changes need a restart", {problem});
  }
  return refused(std::move(why));
}

[[nodiscard]] const TableConfig* table_named(const SbcConfig& config, const std::string& name) {
  const auto found = std::ranges::find(config.tables, name, &TableConfig::name);
  return found == config.tables.end() ? nullptr : &*found;
}

[[nodiscard]] bool say_the_same(const TableConfig& a, const TableConfig& b) {
  if (!a.content || !b.content) return a.content == b.content;
  return a.peers == b.peers && *a.content == *b.content;
}

// Those that say what they said are kept in the memory where they are.
[[nodiscard]] std::vector<ReloadReport::Table> take_tables(const SbcConfig& running, SbcConfig& next) {
  std::vector<ReloadReport::Table> changed;
  for (TableConfig& table : next.tables) {
    const TableConfig* const before = table_named(running, table.name);
    if (before != nullptr && say_the_same(*before, table))
      table.content = before->content;
    else
      changed.push_back({table.name, table.content ? table.content->lines() : 0});
  }
  return changed;
}

// The same for users of registrars, which a reload can neither add nor take out.
[[nodiscard]] std::vector<ReloadReport::Users> take_users(const SbcConfig& running, SbcConfig& next) {
  std::vector<ReloadReport::Users> changed;
  for (RegistrarConfig& registrar : next.registrars) {
    const auto before = std::ranges::find(running.registrars, registrar.name, &RegistrarConfig::name);
    if (before == running.registrars.end() || !before->users || !registrar.users) continue;
    if (are_same_users(*before->users, *registrar.users))
      registrar.users = before->users;
    else
      changed.push_back({registrar.name, registrar.users->size()});
  }
  return changed;
}

// Peers with the credentials that they had, but for the passwords that the files hold.
[[nodiscard]] std::vector<std::string> changed_passwords(const SbcConfig& running, const SbcConfig& next) {
  std::vector<std::string> changed;
  for (const PeerConfig& peer : next.peers) {
    const auto before = std::ranges::find(running.peers, peer.name, &PeerConfig::name);
    if (before == running.peers.end()) continue;
    const bool is_other = std::ranges::any_of(peer.credentials, [&before](const Credential& one) {
      return std::ranges::any_of(before->credentials, [&one](const Credential& old) {
        return old.password_file == one.password_file && old.password != one.password;
      });
    });
    if (is_other) changed.push_back(peer.name);
  }
  return changed;
}

// Names of those that are new, gone, or say something else.
[[nodiscard]] std::vector<std::string> changed_tokens(const std::vector<AccessToken>& before,
                                                      const std::vector<AccessToken>& now) {
  std::vector<std::string> changed;
  const auto add = [&changed](const std::vector<AccessToken>& these, const std::vector<AccessToken>& others) {
    for (const AccessToken& token : these)
      if (std::ranges::find(others, token) == others.end() &&
          std::ranges::find(changed, token.name) == changed.end())
        changed.push_back(token.name);
  };
  add(now, before);
  add(before, now);
  return changed;
}

[[nodiscard]] bool has_brought_anything(const ReloadReport& report) {
  return !report.changes.empty() || !report.tables.empty() || !report.users.empty() ||
         !report.passwords.empty() || !report.tokens.empty();
}

[[nodiscard]] ReloadReport::Probation probation_of(const WallClock& wall, Duration left) {
  const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(left);
  return {left, wall ? wall() + milliseconds : WallTime{}};
}

}  // namespace

Reload::Reload(ReloadPlaces places, WrittenConfig running, std::vector<AccessToken> tokens)
    : places_(std::move(places)), orphaned_(places_.mark == nullptr ? std::string() : places_.mark->read()) {
  running_.config = *places_.config.read();
  running_.written = std::move(running);
  running_.tokens = std::move(tokens);
  if (places_.wall) last_success_ = places_.wall();
  if (!orphaned_.empty())
    raise("config_unconfirmed",
          "a restart came before it was confirmed; what the files say runs (" + orphaned_ + ")");
}

void Reload::begin(std::string_view by, Told told, std::optional<Duration> confirm_within) {
  if (std::string why = places_.why_not_now ? places_.why_not_now() : std::string(); !why.empty()) {
    const Done not_now = refused(std::move(why));
    tell(by, not_now);
    if (told) told(not_now);
    return;
  }
  next_.push_back({std::string(by), std::move(told), confirm_within});
  if (under_way_.empty()) begin_next();
}

void Reload::begin_next() {
  under_way_ = std::exchange(next_, {});
  if (places_.monotonic) {
    const auto now = std::chrono::floor<std::chrono::microseconds>(places_.monotonic().time_since_epoch());
    notify("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(now.count()));
  }
  auto loading = std::make_shared<Loading>();
  const LoadOptions options{.signatures = places_.config.read()->security.signature_set};
  auto work = [loading, file = places_.file, options] {
    try {
      loading->loaded = load_config(file, options);
    } catch (const std::exception& error) {  // no memory, most likely
      loading->failed = std::string("it failed: ") + error.what();
    }
  };
  auto then = [this, loading] {
    if (!loading->failed.empty()) return end(refused(std::move(loading->failed)));
    std::optional<Duration> within;  // of those who asked together the most careful one
    for (const Asked& asked : under_way_)
      if (asked.confirm_within) within = std::min(*asked.confirm_within, within.value_or(Duration::max()));
    end(load(std::move(loading->loaded), within));
  };
  if (places_.aside) return places_.aside(std::move(work), std::move(then));
  work();
  then();
}

void Reload::end(Done done) {
  notify("READY=1");
  was_successful_ = done.has_value();
  if (done && places_.wall) last_success_ = places_.wall();
  for (const Asked& asked : std::exchange(under_way_, {})) {
    tell(asked.by, done);
    if (asked.told) asked.told(done);
  }
  if (under_way_.empty() && !next_.empty()) begin_next();
}

Done Reload::load(LoadedConfig loaded, std::optional<Duration> confirm_within) {
  LoadedConfig next;
  Done done = adopt(std::move(loaded), next);
  if (!done) return done;
  // A reload that brought nothing is no step that somebody would want to take back.
  if (!confirm_until_ && (confirm_within || has_brought_anything(*done))) former_ = std::move(running_);
  running_ = std::move(next);
  if (places_.alarms != nullptr) places_.alarms->clear("config_rolled_back", "");
  if (confirm_within) begin_probation(*confirm_within, *done);
  if (confirm_until_ && !confirm_within && places_.monotonic) {
    const Duration left = *confirm_until_ - places_.monotonic();
    done->probation = probation_of(places_.wall, std::max(left, Duration{}));
  }
  return done;
}

Done Reload::adopt(LoadedConfig loaded, LoadedConfig& next) try {
  // Perhaps only since it was begun.
  if (std::string why = places_.why_not_now ? places_.why_not_now() : std::string(); !why.empty())
    return refused(std::move(why));
  if (loaded.is_refused_by_run()) return refused(places_.file + " is refused", std::move(loaded.problems));
  ReloadReport report;
  report.changes = config_changes(running_.written.root, loaded.written.root);
  if (auto problems = restart_needed(report.changes, loaded.written.files); !problems.empty())
    return refused("some of the changes need a restart", std::move(problems));
  const SharedValue<SbcConfig> running = places_.config.read();
  const auto are_idle = idle_places(*running);
  if (!are_idle) return refused(are_idle.error());
  const auto in_use = listeners_in_use(*running);
  if (!in_use) return refused(in_use.error());
  report.passwords = changed_passwords(*running, loaded.config);
  report.tables = take_tables(*running, loaded.config);
  report.users = take_users(*running, loaded.config);
  report.tokens = changed_tokens(running_.tokens, loaded.tokens);
  report.warnings = std::move(loaded.problems);
  next.config = loaded.config;
  next.written = std::move(loaded.written);
  next.tokens = std::move(loaded.tokens);
  if (auto aligned = align_realms(*running, *in_use, loaded.config); !aligned)
    return refused_by_plane(std::move(aligned.error()), report.changes, next.written.files);
  if (auto aligned = align_peers(*running, *are_idle, loaded.config); !aligned)
    return refused(std::move(aligned.error()));
  const SharedValue<SbcConfig> adopted_config = make_value<SbcConfig>(std::move(loaded.config));
  if (auto adopted = places_.adopt(adopted_config); !adopted)
    return refused_by_plane(std::move(adopted.error()), report.changes, next.written.files);
  if (places_.adopted) places_.adopted(*running, *adopted_config);
  places_.config.put(adopted_config);
  if (places_.take_tokens) places_.take_tokens(next.tokens);
  if (places_.refresh_certificates) report.certificates = places_.refresh_certificates();
  return report;
} catch (const std::exception& error) {  // no memory, most likely
  return refused(std::string("it failed: ") + error.what());
}

// Of peers that no call needs any more what an earlier reload took from them, or took out altogether.
Result<std::vector<bool>, std::string> Reload::idle_places(const SbcConfig& running) {
  std::vector<bool> are_idle;
  for (const PeerConfig& peer : running.peers)
    are_idle.push_back(peer.is_retired || !peer.former_sources.empty());
  if (std::ranges::find(are_idle, true) == are_idle.end()) return are_idle;
  for (std::size_t engine = 0; engine < places_.engines.count(); ++engine) {
    std::vector<bool> in_use;
    const bool ran = places_.engines.run(
        engine,
        [&in_use](sip::EngineDesk& desk, Timestamp, sip::EngineOutput&) { in_use = desk.peers_in_use(); });
    if (!ran) return fail(std::string("a signalling thread does not answer; try again"));
    for (std::size_t i = 0; i < are_idle.size(); ++i)
      are_idle[i] = are_idle[i] && i < in_use.size() && !in_use[i];
  }
  return are_idle;
}

// Only what an earlier reload took out need be asked for.
Result<std::vector<sip::Path>, std::string> Reload::listeners_in_use(const SbcConfig& running) {
  std::vector<sip::Path> all;
  const bool has_former = std::ranges::any_of(running.realms, [](const RealmConfig& realm) {
    return std::ranges::find(realm.listen, true, &ListenerConfig::is_former) != realm.listen.end();
  });
  if (!has_former) return all;
  for (std::size_t engine = 0; engine < places_.engines.count(); ++engine) {
    const bool ran =
        places_.engines.run(engine, [&all](sip::EngineDesk& desk, Timestamp, sip::EngineOutput&) {
          const std::vector<sip::Path> some = desk.listeners_in_use();
          all.insert(all.end(), some.begin(), some.end());
        });
    if (!ran) return fail(std::string("a signalling thread does not answer; try again"));
  }
  return all;
}

void Reload::begin_probation(Duration within, ReloadReport& report) {
  confirm_until_ = (places_.monotonic ? places_.monotonic() : Timestamp{}) + within;
  report.probation = probation_of(places_.wall, within);
  const std::string until = places_.wall ? iso_8601(report.probation->until) : std::string("its time");
  raise("config_unconfirmed", "taken back at " + until + " unless it is confirmed");
  if (places_.mark == nullptr) return;
  const std::string why = places_.mark->put("to be taken back at " + until);
  if (!why.empty())
    places_.log.write(LogLevel::Warning, "config", "mark_failed",
                      why + "; a restart would not know that the configuration is unconfirmed");
}

// What an earlier run left unconfirmed stays so.
void Reload::end_probation() {
  confirm_until_.reset();
  if (!orphaned_.empty()) return raise("config_unconfirmed", "a restart came before it was confirmed");
  if (places_.alarms != nullptr) places_.alarms->clear("config_unconfirmed", "");
  if (places_.mark == nullptr) return;
  if (const std::string why = places_.mark->remove(); !why.empty())
    places_.log.write(LogLevel::Warning, "config", "mark_failed",
                      why + "; the next start will say that the configuration is unconfirmed");
}

Result<void, ReloadRefusal> Reload::confirm(std::string_view by) {
  if (!confirm_until_ && orphaned_.empty()) return refused("nothing waits to be confirmed");
  orphaned_.clear();
  end_probation();
  places_.log.write(LogLevel::Info, "config", "confirmed", "the configuration that runs was confirmed",
                    {{"by", by}});
  return {};
}

Done Reload::rollback(std::string_view by) {
  if (!under_way_.empty()) return refused("the files are being read just now; try again");
  if (!former_)
    return refused(
        "there is no configuration to go back to: one step is kept, since the start of the daemon");
  return take_back(by);
}

Done Reload::take_back(std::string_view by) {
  LoadedConfig next;
  Done done = adopt(*former_, next);
  if (!done) {
    places_.log.write(LogLevel::Error, "config", "rollback_refused",
                      done.error().why + "; the configuration that runs could not be taken back",
                      {{"by", by}});
    return done;
  }
  running_ = std::move(next);
  former_.reset();
  end_probation();
  was_successful_ = false;
  done->was_taken_back = true;
  raise("config_rolled_back", "taken back by " + std::string(by));
  places_.log.write(LogLevel::Warning, "config", "rolled_back",
                    "the configuration was taken back; the files still say what was taken back",
                    {{"by", by}, {"changes", std::uint64_t{done->changes.size()}}});
  return done;
}

void Reload::tick() {
  constexpr Duration kAgain = std::chrono::seconds(30);
  if (!confirm_until_ || !under_way_.empty() || !places_.monotonic) return;
  const Timestamp now = places_.monotonic();
  if (now < *confirm_until_) return;
  // While it drains nothing is adopted any more, and there is nobody to be told of it again and again.
  const std::string why = places_.why_not_now ? places_.why_not_now() : std::string();
  if (why.empty()) {
    const Done done = take_back("the end of its time");
    if (done) return;
    raise("config_unconfirmed", "it could not be taken back, and is tried again: " + done.error().why);
  }
  confirm_until_ = now + kAgain;
}

void Reload::raise(std::string_view alarm, const std::string& detail) {
  if (places_.alarms != nullptr) places_.alarms->raise(alarm, "", detail);
}

void Reload::notify(const std::string& state) const {
  if (!service_notify(places_.notify_socket, state))
    places_.log.write(LogLevel::Warning, "management", "notify_failed",
                      "the service manager could not be told");
}

void Reload::tell(std::string_view by, const Done& done) const {
  if (done) {
    places_.log.write(LogLevel::Info, "config", "reloaded", "the configuration was read again",
                      {{"by", by},
                       {"changes", std::uint64_t{done->changes.size()}},
                       {"tables", std::uint64_t{done->tables.size()}},
                       {"warnings", std::uint64_t{done->warnings.size()}}});
    return;
  }
  const auto& problems = done.error().problems;
  const auto first = std::ranges::find_if(problems, stops_run);
  const std::string what =
      problems.empty() ? std::string() : to_string(first == problems.end() ? problems[0] : *first);
  places_.log.write(LogLevel::Error, "config", "reload_refused", done.error().why + "; what ran goes on",
                    {{"by", by}, {"first", what}, {"problems", std::uint64_t{problems.size()}}});
}

}  // namespace sallyport::mgmt
