// peer_answers.h — what is asked about peers over the control socket and over REST, and the answers: one
// place for both, so that they can't differ.
#pragma once

#include <functional>
#include <vector>

#include "dataplane/data_plane_snapshot.h"
#include "mgmt/blocks/block_desk.h"
#include "mgmt/calls/call_desk.h"
#include "mgmt/cli/control_protocol.h"
#include "mgmt/detections/detection_log.h"
#include "mgmt/http/router.h"
#include "mgmt/peers/peer_views.h"
#include "mgmt/registrations/registration_pages.h"

namespace sallyport::mgmt {

struct PeerAnswers {
  // Peers as they are now; Busy: the engine that watches over them does not answer.
  std::function<Result<std::vector<PeerView>, CallDeskFailure>()> peers;
  std::function<SharedValue<SbcConfig>()> config;  // of the day
  // Who registered from an address; null: nobody registers here.
  std::function<Result<EndpointsAt, CallDeskFailure>(const IpAddress& address)> endpoints = {};
  const BlockDesk* blocks = nullptr;         // null: nobody is blocked
  const DetectionLog* detections = nullptr;  // null: nobody looks; else with `blocks`, for its clocks
  // What the data plane drops of an address; null: nobody asks; else with `blocks`, for its clocks.
  std::function<std::vector<dataplane::DroppedSource>(const IpAddress& address)> drops = {};
};

// What the engines say of their trunks; Busy: one does not answer in time.
[[nodiscard]] Result<SeenTrunks, CallDeskFailure> see_trunks(CallEngines& engines, const WallClock& clock);

// `show peers`.
void add_peer_commands(ControlCommands& commands, const PeerAnswers& answers);
// /api/v1/peers
void add_peer_paths(Router& router, const PeerAnswers& answers);
// `explain` of an address, or nothing when `of` is none. With a port behind it, the port is not looked at.
[[nodiscard]] std::optional<ControlResult> explain_if_address(const PeerAnswers& answers,
                                                              const std::string& of);

}  // namespace sallyport::mgmt
