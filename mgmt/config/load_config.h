// load_config.h — from a configuration file to plain values, or to the list of all that is wrong with it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "mgmt/config/load_tokens.h"
#include "mgmt/config/problem.h"
#include "mgmt/config/yaml_node.h"
#include "policy/model/sbc_config.h"

namespace sallyport::mgmt {

struct LoadOptions {
  bool check_files = true;  // read certificates, keys, tables and what else the configuration names
  // Of the configuration that runs, whose place this one may take: its counts go on. Null: none does.
  SharedValue<policy::SignatureSet> signatures = nullptr;
};

// The tree as it was read, for a later one to be compared with (config_changes.h).
struct WrittenConfig {
  std::vector<std::string> files;  // that the places of the tree count
  YamlNode root;                   // a scalar when the main file could not be read
};

struct LoadedConfig {
  SbcConfig config;  // to be used only when !has_errors()
  WrittenConfig written;
  std::vector<AccessToken> tokens;  // of REST
  std::vector<ConfigProblem> problems;
  std::uint64_t memory_bytes_needed = 0;

  [[nodiscard]] bool has_errors() const noexcept;
  [[nodiscard]] bool has_warnings() const noexcept;
  // `run` must not start: an error, or a warning that would leave a door open.
  [[nodiscard]] bool is_refused_by_run() const noexcept;
};

// How many peers (registrars among them) a reload may bring such a configuration to. Tables by PeerIndex are
// made once: some 200 octets a place, and 420 more of each signalling thread: less than a megabyte for the
// 1024 that are the least.
[[nodiscard]] std::size_t peer_places_for(std::size_t peers) noexcept;
[[nodiscard]] std::size_t realm_places_for(std::size_t realms) noexcept;

// Never throws for what a file says. Paths in the file are relative to the folder of the file they stand in.
[[nodiscard]] LoadedConfig load_config(const std::filesystem::path& file, LoadOptions options = {});

}  // namespace sallyport::mgmt
