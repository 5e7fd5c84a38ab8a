// stream_digits.h — the digits of one stream, where one of its sides has them by signalling. Most streams
// have none: it is touched when the first one comes.
#pragma once

#include <array>
#include <cstdint>

#include "media-relay/digits/event_receiver.h"
#include "media-relay/digits/event_sender.h"

namespace sallyport::media {

struct StreamDigits {
  std::array<EventReceiver, 2> heard;                             // by the StreamSide that sent them
  std::array<EventSender, 2> sent;                                // by the StreamSide that they go to
  std::uint32_t next_busy = 0xffffffffu, next_due = 0xffffffffu;  // slots
  bool is_in_busy = false, is_in_due = false;
  std::array<bool, 2> is_due{};  // by the StreamSide that the packet goes to
};

}  // namespace sallyport::media
