// load_config.cpp — the order of loading: read, check key by key, make values, check them together.
#include "mgmt/config/load_config.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "mgmt/config/build_config.h"
#include "mgmt/config/capacity_memory.h"
#include "mgmt/config/include_files.h"
#include "mgmt/config/load_blocklists.h"
#include "mgmt/config/load_callers.h"
#include "mgmt/config/load_signatures.h"
#include "mgmt/config/load_tables.h"
#include "mgmt/config/load_users.h"
#include "mgmt/config/option_checker.h"
#include "mgmt/config/validate_config.h"

namespace sallyport::mgmt {

bool LoadedConfig::has_errors() const noexcept {
  return std::any_of(problems.begin(), problems.end(),
                     [](const ConfigProblem& problem) { return problem.is_error(); });
}

bool LoadedConfig::has_warnings() const noexcept {
  return std::any_of(problems.begin(), problems.end(),
                     [](const ConfigProblem& problem) { return !problem.is_error(); });
}

bool LoadedConfig::is_refused_by_run() const noexcept {
  return std::any_of(problems.begin(), problems.end(), [](const ConfigProblem& problem) {
    return problem.is_error() || problem.weakens_security;
  });
}

// Twice: every peer may be exchanged for another while calls hold the old ones.
std::size_t peer_places_for(std::size_t peers) noexcept {
  constexpr std::size_t kPlacesMin = 1024;
  return std::max(kPlacesMin, 2 * peers);
}

// Each that is taken out keeps its place.
std::size_t realm_places_for(std::size_t realms) noexcept {
  constexpr std::size_t kPlacesMin = 64;
  return std::max(kPlacesMin, 2 * realms);
}

LoadedConfig load_config(const std::filesystem::path& file, LoadOptions options) {
  LoadedConfig loaded;
  JoinedFiles joined = read_with_includes(file);
  ProblemList problems(joined.files);
  for (YamlProblem& problem : joined.problems)
    problems.error(problem.place, problem.key, {std::move(problem.what), std::move(problem.instead)});
  if (joined.root) {
    OptionChecker checker(problems);
    checker.check(*joined.root);
    const TreeContext context = make_tree_context(checker.bad(), joined.files);
    const Section root(context, {&*joined.root}, "", "");
    loaded.config = build_config(root);
    const Checked checked{root, loaded.config, problems};
    validate_ports(checked);
    validate_realms(checked);
    validate_media(checked);
    validate_neighbours(checked);
    validate_headers(checked);
    validate_routes(checked);
    validate_management(checked);
    if (!problems.has_errors()) validate_unwise(checked);
    // What is wrong with a realm's own keys would be said again of each of its peers.
    if (!problems.has_errors()) validate_trunks(checked);
    if (!problems.has_errors()) validate_srtp(checked);
    if (options.check_files) {
      validate_files(checked);
      load_tables(root, loaded.config, problems);
      load_users(root, loaded.config, problems);
      load_blocklists(root, loaded.config, problems);
      load_callers(root, loaded.config, problems);
      load_signatures(root, loaded.config, problems, options.signatures.get());
      loaded.tokens = load_tokens(root, problems);
    }
    add_registrar_places(root, loaded.config);
    loaded.config.realm_places = realm_places_for(loaded.config.realms.size());
    loaded.config.peer_places = peer_places_for(loaded.config.peers.size());
    loaded.memory_bytes_needed = memory_bytes_needed(loaded.config, std::thread::hardware_concurrency());
  }
  loaded.problems = problems.take();
  loaded.written.files = std::move(joined.files);
  if (joined.root) loaded.written.root = std::move(*joined.root);
  return loaded;
}

}  // namespace sallyport::mgmt
