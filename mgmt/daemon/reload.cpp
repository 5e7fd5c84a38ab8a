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

}  // namespace

Reload::Reload(ReloadPlaces places, WrittenConfig running)
    : places_(std::move(places)), written_(std::move(running)) {}

void Reload::begin(std::string_view by, Told told) {
  if (std::string why = places_.why_not_now ? places_.why_not_now() : std::string(); !why.empty()) {
    const Done not_now = refused(std::move(why));
    tell(by, not_now);
    if (told) told(not_now);
    return;
  }
  next_.push_back({std::string(by), std::move(told)});
  if (under_way_.empty()) begin_next();
}

void Reload::begin_next() {
  under_way_ = std::exchange(next_, {});
  if (places_.monotonic) {
    const auto now = std::chrono::floor<std::chrono::microseconds>(places_.monotonic().time_since_epoch());
    notify("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(now.count()));
  }
  auto loading = std::make_shared<Loading>();
  auto work = [loading, file = places_.file] {
    try {
      loading->loaded = load_config(file);
    } catch (const std::exception& error) {  // no memory, most likely
      loading->failed = std::string("it failed: ") + error.what();
    }
  };
  auto then = [this, loading] {
    end(loading->failed.empty() ? adopt(std::move(loading->loaded)) : refused(std::move(loading->failed)));
  };
  if (places_.aside) return places_.aside(std::move(work), std::move(then));
  work();
  then();
}

void Reload::end(const Done& done) {
  notify("READY=1");
  was_successful_ = done.has_value();
  for (const Asked& asked : std::exchange(under_way_, {})) {
    tell(asked.by, done);
    if (asked.told) asked.told(done);
  }
  if (under_way_.empty() && !next_.empty()) begin_next();
}

Done Reload::adopt(LoadedConfig loaded) try {
  // Perhaps only since it was begun.
  if (std::string why = places_.why_not_now ? places_.why_not_now() : std::string(); !why.empty())
    return refused(std::move(why));
  if (loaded.is_refused_by_run()) return refused(places_.file + " is refused", std::move(loaded.problems));
  ReloadReport report;
  report.changes = config_changes(written_.root, loaded.written.root);
  if (auto problems = restart_needed(report.changes, loaded.written.files); !problems.empty())
    return refused("some of the changes need a restart", std::move(problems));
  const SharedValue<SbcConfig> running = places_.config.read();
  const auto are_idle = idle_places(*running);
  if (!are_idle) return refused(are_idle.error());
  report.passwords = changed_passwords(*running, loaded.config);
  report.tables = take_tables(*running, loaded.config);
  report.users = take_users(*running, loaded.config);
  if (auto aligned = align_peers(*running, *are_idle, loaded.config); !aligned)
    return refused(std::move(aligned.error()));
  report.warnings = std::move(loaded.problems);
  const SharedValue<SbcConfig> next = make_value<SbcConfig>(std::move(loaded.config));
  if (auto adopted = places_.adopt(next); !adopted)
    return refused_by_plane(std::move(adopted.error()), report.changes, loaded.written.files);
  if (places_.adopted) places_.adopted(*running, *next);
  places_.config.put(next);
  written_ = std::move(loaded.written);
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
