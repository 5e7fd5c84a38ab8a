// load_config.h — from a configuration file to plain values, or to the list of all that is wrong with it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "mgmt/config/problem.h"
#include "policy/model/sbc_config.h"

namespace sallyport::mgmt {

struct LoadOptions {
  bool check_files = true;  // read certificates, keys, tables and what else the configuration names
};

struct LoadedConfig {
  SbcConfig config;  // to be used only when !has_errors()
  std::vector<ConfigProblem> problems;
  std::uint64_t memory_bytes_needed = 0;

  [[nodiscard]] bool has_errors() const noexcept;
  [[nodiscard]] bool has_warnings() const noexcept;
  // `run` must not start: an error, or a warning that would leave a door open.
  [[nodiscard]] bool is_refused_by_run() const noexcept;
};

// Never throws for what a file says. Paths in the file are relative to the folder of the file they stand in.
[[nodiscard]] LoadedConfig load_config(const std::filesystem::path& file, LoadOptions options = {});

}  // namespace sallyport::mgmt
