// capture_hub.h — hands copies of the engines' messages to those who asked for them: captures and the sender
// of HEP. Used by the management thread alone.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "mgmt/calls/call_engines.h"
#include "mgmt/capture/message_lane.h"

namespace sallyport::mgmt {

// The engines may see it until they have stopped: it must outlive them.
class CaptureHub {
 public:
  using Taker = std::function<void(const CapturedMessage& message)>;

  // `engines` must live as long as open() is called.
  explicit CaptureHub(CallEngines& engines, const MessageLane::Bounds& bounds = {});

  // From now on `taker` gets what passes the filter, at each poll(); of a call what the rings still hold of
  // it comes first. Nothing: too many look already, or an engine does not answer.
  [[nodiscard]] std::optional<std::size_t> open(const MessageFilter& filter, Taker taker);
  void close(std::size_t taker) noexcept;
  // Now and then: takes what the lanes hold, the oldest first.
  void poll();
  [[nodiscard]] std::uint64_t dropped(std::size_t taker) const noexcept;

 private:
  CallEngines& engines_;
  std::vector<std::unique_ptr<MessageLane>> lanes_;  // by engine
  std::array<Taker, MessageLane::kTakersMax> takers_;
};

}  // namespace sallyport::mgmt
