// relay_orders.h — what the relay is told of a stream: RFC 3264 §5.1, §8; threats M1, M8, D9.
#pragma once

#include <cstdint>

#include "policy/model/sbc_config.h"
#include "sipalg/media/media_negotiator.h"

namespace sallyport::sip {

// An order of this kind as the state has it. `is_answered`: silence counts, UDPTL may flow.
[[nodiscard]] media::MediaCommand relay_order(media::MediaCommand::Kind kind, const StreamState& stream,
                                              const MediaContext& context, const SbcConfig& config,
                                              bool is_answered) noexcept;

}  // namespace sallyport::sip
