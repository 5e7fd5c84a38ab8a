// memif_rejoin.cpp — the ticks, as EAL alarms.
#include "dataplane/dpdk/memif_rejoin.h"

#include <rte_alarm.h>

namespace sallyport::dataplane {

MemifRejoin::MemifRejoin(Device& device)
    : device_(device), state_(device.is_started() ? State::Joined : State::Apart) {
  arm();
}

MemifRejoin::~MemifRejoin() { rte_eal_alarm_cancel(&MemifRejoin::on_alarm, this); }

void MemifRejoin::arm() noexcept {
  const auto tick = std::chrono::duration_cast<std::chrono::microseconds>(kTick).count();
  rte_eal_alarm_set(static_cast<std::uint64_t>(tick), &MemifRejoin::on_alarm, this);
}

void MemifRejoin::on_alarm(void* self) noexcept {
  auto& rejoin = *static_cast<MemifRejoin*>(self);
  rejoin.tick();
  rejoin.arm();
}

void MemifRejoin::tick() noexcept {
  if (state_ == State::Joined) watch_link();
  if (state_ == State::Leaving) leave();
  if (state_ == State::Apart) join();
}

void MemifRejoin::watch_link() noexcept {
  if (device_.is_link_up()) {
    patience_ = kPatienceForLoss;
    return;
  }
  if (--patience_ > 0) return;
  device_.gate()->close();
  state_ = State::Leaving;
}

void MemifRejoin::leave() noexcept {
  if (!device_.gate()->is_left()) return;
  device_.pause();
  state_ = State::Apart;
}

void MemifRejoin::join() noexcept {
  if (!device_.join()) return;
  patience_ = kPatienceForHandshake;
  state_ = State::Joined;
}

}  // namespace sallyport::dataplane
