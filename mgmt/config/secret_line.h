// secret_line.h — what a password file holds: its first line, without white space around it.
#pragma once

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>

namespace sallyport::mgmt {

inline constexpr std::size_t kSecretBytesMax = 1024;

// Empty when the file can't be read, holds nothing there, or begins with a longer line: the checks of files
// have said so.
[[nodiscard]] inline std::string read_secret_line(const std::string& path) {
  std::error_code problem;
  if (!std::filesystem::is_regular_file(path, problem)) return {};  // a pipe could wait for ever
  struct Closer {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
  };
  const std::unique_ptr<std::FILE, Closer> file(std::fopen(path.c_str(), "re"));
  std::array<char, kSecretBytesMax + 2> room{};
  if (!file) return {};
  std::string line(room.data(), std::fread(room.data(), 1, room.size(), file.get()));
  room.fill('\0');
  line.resize(std::min(line.find_first_of("\r\n"), line.size()));
  if (line.size() > kSecretBytesMax || line.find('\0') != std::string::npos) return {};
  const std::size_t start = line.find_first_not_of(" \t");
  if (start == std::string::npos) return {};
  return line.substr(start, line.find_last_not_of(" \t") - start + 1);
}

}  // namespace sallyport::mgmt
