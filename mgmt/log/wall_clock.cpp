// wall_clock.cpp — reads the calendar clock of the machine.
#include "mgmt/log/wall_clock.h"

namespace sallyport::mgmt {

WallTime system_wall_time() {
  return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

}  // namespace sallyport::mgmt
