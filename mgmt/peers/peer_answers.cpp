// peer_answers.cpp — questions about peers and addresses. RFC 9457.
#include "mgmt/peers/peer_answers.h"

#include <iterator>
#include <nlohmann/json.hpp>

#include "mgmt/calls/calls_json.h"
#include "mgmt/cli/asked.h"
#include "mgmt/peers/explain_address.h"
#include "mgmt/peers/peers_json.h"

namespace sallyport::mgmt {
namespace {

constexpr std::size_t kDetectionsOfAddress = 20;
constexpr const char* kBusy = "a signalling thread does not answer; try again";

[[nodiscard]] HttpResponse page_of_peers(const PeerAnswers& answers, const Arguments& query) {
  const auto asked = page_asked(query);
  if (!asked) return problem(400, "Bad Request", asked.error().message);
  const auto peers = answers.peers();
  if (!peers) return problem(503, "Service Unavailable", kBusy);
  HttpResponse out;
  out.body = to_text(peers_json(*peers, asked->cursor, asked->limit)) + '\n';
  return out;
}

}  // namespace

Result<SeenTrunks, CallDeskFailure> see_trunks(CallEngines& engines, const WallClock& clock) {
  SeenTrunks seen;
  for (std::size_t engine = 0; engine < engines.count(); ++engine) {
    const bool ran = engines.run(engine, [&](sip::EngineDesk& desk, Timestamp now, sip::EngineOutput&) {
      std::vector<sip::TrunkView> part = desk.trunks(now);
      seen.trunks.insert(seen.trunks.end(), std::make_move_iterator(part.begin()),
                         std::make_move_iterator(part.end()));
      seen.at = now;
      seen.clocks = ClockPair{now, clock()};
    });
    if (!ran) return fail(CallDeskFailure::Busy);
  }
  return seen;
}

void add_peer_commands(ControlCommands& commands, const PeerAnswers& answers) {
  commands.on_show("peers", [answers](const ControlArguments&) -> ControlResult {
    const auto peers = answers.peers();
    if (!peers) return fail(ControlFailure{kExitNoDaemon, kBusy});
    return to_text(peers_json(*peers, 0, peers->size()));
  });
}

void add_peer_paths(Router& router, const PeerAnswers& answers) {
  router.on("GET", "/api/v1/peers",
            [answers](const PathArguments& given) { return page_of_peers(answers, given.query); });
}

std::optional<ControlResult> explain_if_address(const PeerAnswers& answers, const std::string& of) {
  std::optional<IpAddress> address = IpAddress::parse(of);
  if (const auto endpoint = parse_endpoint(of, 0); !address && endpoint) address = endpoint->address;
  if (!address) return std::nullopt;
  const auto peers = answers.peers();
  if (!peers) return ControlResult(fail(ControlFailure{kExitNoDaemon, kBusy}));
  EndpointsAt endpoints;
  if (answers.endpoints) {
    auto found = answers.endpoints(*address);
    if (!found) return ControlResult(fail(ControlFailure{kExitNoDaemon, kBusy}));
    endpoints = std::move(*found);
  }
  AddressFacts facts{*peers, endpoints};
  if (answers.blocks != nullptr) {
    const Prefix host{*address, static_cast<std::uint8_t>(address->is_v4() ? 32 : 128)};
    facts.blocks = answers.blocks->around(host);
    facts.clocks = answers.blocks->clocks();
    if (answers.drops) facts.drops = answers.drops(*address);
    if (answers.detections != nullptr)
      facts.detections = answers.detections->page(
          {.detector = {}, .source = host, .before = 0, .limit = kDetectionsOfAddress});
  }
  return ControlResult(to_text(explain_address(*address, *answers.config(), facts)));
}

}  // namespace sallyport::mgmt
