// config_text.h — configurations for tests: a whole one that is right, and folders to put them in.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "mgmt/config/load_config.h"

namespace sallyport::mgmt {

// A folder that is gone after the test.
class TestFolder {
 public:
  TestFolder() {
    std::string name =
        (std::filesystem::temp_directory_path() / "sallyport-config-").string() + std::string(6, 'X');
    path_ = ::mkdtemp(name.data()) == nullptr ? std::string{} : name;
  }
  ~TestFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  std::filesystem::path write(const std::string& name, std::string_view text) const {
    const std::filesystem::path file = path_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
    return file;
  }

 private:
  std::filesystem::path path_;
};

// Lines 1 to 12, each of its own concern, so that a test can exchange one.
inline const std::vector<std::string> kGoodLines{
    "version: 1",
    "node: { name: edge-1 }",
    "ports:",
    "  - { name: outside, device: \"af_packet:s-out\", addresses: [198.18.1.1/24, \"fd18:1::1/64\"] }",
    "  - { name: inside, device: \"af_packet:s-in\", addresses: [198.18.2.1/24] }",
    "realms:",
    "  - { name: outside, port: outside, listen: [{ transport: udp, port: 5060 }] }",
    "  - { name: inside, port: inside, trust: trusted, listen: [{ transport: udp, port: 5060 }] }",
    "peers:",
    "  - { name: carrier, realm: outside, targets: [{ address: \"198.18.1.2:5060\" }] }",
    "  - { name: pbx, realm: inside, targets: [{ address: \"198.18.2.2:5060\" }] }",
    "routes: [{ name: inbound, match: { peer: [carrier] }, to: [pbx] }]",
};

inline std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

// The good configuration with one line exchanged; a line beyond the last is added as line 13.
inline std::string with_line(std::size_t line, const std::string& text) {
  std::vector<std::string> lines = kGoodLines;
  if (line > lines.size()) {
    lines.push_back(text);
  } else {
    lines[line - 1] = text;
  }
  return joined(lines);
}

inline LoadedConfig load_text(std::string_view text, bool check_files = false) {
  const TestFolder folder;
  return load_config(folder.write("c.yaml", text), {.check_files = check_files});
}

// Problems as printed, the folder taken off; errors only, or warnings only.
inline std::vector<std::string> printed(const LoadedConfig& loaded, ConfigProblem::Severity severity) {
  std::vector<std::string> lines;
  for (ConfigProblem problem : loaded.problems) {
    if (problem.severity != severity) continue;
    problem.file = std::filesystem::path(problem.file).filename();
    lines.push_back(to_string(problem));
  }
  return lines;
}
inline std::vector<std::string> errors_of(const LoadedConfig& loaded) {
  return printed(loaded, ConfigProblem::Severity::Error);
}
inline std::vector<std::string> warnings_of(const LoadedConfig& loaded) {
  return printed(loaded, ConfigProblem::Severity::Warning);
}

inline std::string read_file(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

}  // namespace sallyport::mgmt
