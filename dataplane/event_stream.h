// event_stream.h — how management hears what the SIP engines tell (records, alarms, detections), and how it
// tells them that records are on disk. Part of the door: mgmt/ may include it as it may data_plane.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "policy/base/time.h"
#include "sipalg/engine/engine_event.h"

namespace sallyport::dataplane {

// For one thread: the one that may wait for a disk. Only wake() is for any thread.
//
// Records of one engine come in the order of their sequence and are never skipped while the engine's share of
// memory lasts; other events may be, when nobody takes them. Whatever was told before DataPlane::stop() can
// still be taken afterwards.
class EventStream {
 public:
  virtual ~EventStream() = default;
  [[nodiscard]] virtual std::size_t engines() const noexcept = 0;
  // Waits until there is something to take, or wake() was called, or the time is up. True: take.
  [[nodiscard]] virtual bool wait(Duration longest) noexcept = 0;
  // Sleeps for that time though there may be something to take, so that nobody has to wake this thread for
  // each event when it would only collect them; wake() ends it.
  virtual void rest(Duration time) noexcept { static_cast<void>(wait(time)); }
  // Null: nothing more of this engine now.
  [[nodiscard]] virtual std::unique_ptr<sip::EngineEvent> take(std::size_t engine) noexcept = 0;
  // One that was taken, when nothing of it is needed any more: its engine's thread made it, and uses its
  // memory again.
  virtual void give_back(std::size_t engine, std::unique_ptr<sip::EngineEvent> event) noexcept = 0;
  // The journal holds every record of this engine up to this sequence.
  virtual void journalled(std::size_t engine, std::uint64_t sequence) noexcept = 0;
  // Ends the present or the next wait() or rest().
  virtual void wake() noexcept = 0;
};

}  // namespace sallyport::dataplane
