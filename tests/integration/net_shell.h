// net_shell.h — runs the tools that an operator would use, and names namespaces that no other test has.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace sallyport::dataplane {

// True when the command succeeded; what it prints is not shown.
inline bool run(const std::string& command) {
  return std::system(("(" + command + ") >/dev/null 2>&1").c_str()) == 0;
}

inline std::string output_of(const std::string& command) {
  std::string all;
  FILE* const pipe = popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return all;
  char part[512];
  while (std::fgets(part, sizeof part, pipe) != nullptr) all += part;
  pclose(pipe);
  return all;
}

inline std::string unique_name(const std::string& suffix) {
  return "spt" + std::to_string(getpid()) + "-" + suffix;
}

}  // namespace sallyport::dataplane
