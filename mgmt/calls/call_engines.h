// call_engines.h — the SIP engines of the node as the call desk uses them: by number, each on its own thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

#include "policy/base/time.h"
#include "sipalg/engine/call_view.h"

namespace sallyport::mgmt {

class CallEngines {
 public:
  using Work = std::function<void(sip::EngineDesk& desk, Timestamp now, sip::EngineOutput& out)>;

  virtual ~CallEngines() = default;
  [[nodiscard]] virtual std::size_t count() const = 0;
  // The engine to which messages with this Call-ID go. Calls whose other leg has it may live elsewhere.
  [[nodiscard]] virtual std::size_t home_of(std::string_view call_id) const = 0;
  // Runs `work` on the engine's thread and returns when it is done. False: it was not begun in time, and
  // never will be.
  virtual bool run(std::size_t engine, const Work& work) = 0;
  [[nodiscard]] virtual std::uint64_t calls_active() const = 0;
};

}  // namespace sallyport::mgmt
