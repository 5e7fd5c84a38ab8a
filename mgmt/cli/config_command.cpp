// config_command.cpp — see config_command.h.
#include "mgmt/cli/config_command.h"

#include "mgmt/cli/control_protocol.h"
#include "mgmt/config/json_schema.h"
#include "mgmt/config/manual.h"
#include "mgmt/log/log_line.h"
#include "mgmt/metrics/observation.h"

namespace sallyport::mgmt {

ConfigReport config_command(Command command, const std::string& key) {
  if (command == Command::ConfigSchema) return {json_schema(), {}, kExitOk};
  if (command == Command::ConfigManual) return {manual_page(kVersion), {}, kExitOk};
  auto explained = explain_key(key);
  if (explained) return {std::move(*explained), {}, kExitOk};
  return {{}, "sallyport: " + escaped(explained.error()) + '\n', kExitNoSuchThing};
}

}  // namespace sallyport::mgmt
