// config_command.h — `sallyport config schema|explain|manual`: what the table of keys says, for editors and
// people.
#pragma once

#include <string>

#include "mgmt/cli/command_line.h"

namespace sallyport::mgmt {

struct ConfigReport {
  std::string text, error;
  int status = 0;  // 66: there is no such key
};

[[nodiscard]] ConfigReport config_command(Command command, const std::string& key);

}  // namespace sallyport::mgmt
