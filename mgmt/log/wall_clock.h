// wall_clock.h — the time of day for log lines; everything that needs it takes a WallClock as an argument.
#pragma once

#include <chrono>
#include <functional>

namespace sallyport::mgmt {

using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;
using WallClock = std::function<WallTime()>;

// The only reader of a clock in mgmt/: calendar time, for people; nothing is measured with it.
[[nodiscard]] WallTime system_wall_time();

}  // namespace sallyport::mgmt
