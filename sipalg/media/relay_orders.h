// relay_orders.h — what the relay is told of a stream: RFC 3264 §5.1, §8; threats M1, M8, D9.
#pragma once

#include <cstdint>

#include "policy/model/sbc_config.h"
#include "sipalg/media/media_negotiator.h"

namespace sallyport::sip {

// Adds an order of this kind, as the state has it, to those of the context. `is_answered`: silence counts,
// UDPTL may flow.
void give_order(media::MediaCommand::Kind kind, const StreamState& stream, const MediaContext& context,
                const SbcConfig& config, bool is_answered);

}  // namespace sallyport::sip
