// init_command.h — `sallyport init`: asks, checks what the answers make, and writes the first configuration.
// A file that is there already is never touched.
#pragma once

#include <cstdio>
#include <istream>
#include <string>

#include "mgmt/setup/first_config.h"

namespace sallyport::mgmt {

inline constexpr const char* kUsualConfigFile = "/etc/sallyport/sallyport.yaml";

struct InitQuestion {
  std::string file = kUsualConfigFile;
  SetupAnswers given;  // by the command line, as they were written
  // Somebody types: what is wrong is asked again. Else it ends the command.
  bool is_terminal = false;
};

// The rest of the answers is read from `in`, one a line; an empty line takes the answer in brackets. 0; 64:
// an answer is missing or wrong, or what they make together is; 71: the file is there, or can't be written.
[[nodiscard]] int init_command(const InitQuestion& question, std::istream& in, std::FILE* out,
                               std::FILE* error);

}  // namespace sallyport::mgmt
