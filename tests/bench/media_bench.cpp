// media_bench.cpp — what the signalling side pays for a call's media: offer, answer and close of a session,
// orders to the relay included. Goal: at most 20 us.
#include <benchmark/benchmark.h>

#include "tests/support/media_fixture.h"

namespace {

using namespace sallyport;
using namespace sallyport::sip;

constexpr std::string_view kOffer =
    "v=0\r\no=- 1188340656 1188340656 IN IP4 192.0.2.10\r\ns=Asterisk\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\n"
    "m=audio 11424 RTP/AVP 0 8 3 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
    "a=rtpmap:3 GSM/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\n"
    "a=maxptime:150\r\na=sendrecv\r\n";
constexpr std::string_view kAnswer =
    "v=0\r\no=- 2087462217 1413873893 IN IP4 192.0.2.20\r\ns=-\r\nc=IN IP4 192.0.2.20\r\nt=0 0\r\n"
    "m=audio 23406 RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
    "a=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n";

void offer_answer_close(benchmark::State& state) {
  tests::MediaFixture call;
  call.profiles[1].media.codecs = {"PCMA", "PCMU", "telephone-event"};
  std::vector<char> room(65536);
  for (auto _ : state) {
    MediaSession session;
    std::uint16_t streams_made = 0;
    MediaContext context{1, 0, streams_made, call.context().legs, call.orders};
    SdpIdentity caller{1, 0, 0}, callee{2, 0, 0};
    const auto offer = call.negotiator->cross(
        session, {media::StreamSide::Caller, SdpStep::Offer, kOffer, callee, room}, context);
    const auto answer = call.negotiator->cross(
        session, {media::StreamSide::Callee, SdpStep::Answer, kAnswer, caller, room}, context);
    benchmark::DoNotOptimize(call.negotiator->close(session, context));
    if (offer.refusal != 0 || answer.refusal != 0 || call.orders.size() != 3) {
      state.SkipWithError("refused");
      break;
    }
    for (const auto& side : call.orders.back().sides) call.pool->give_back(side.realm, side.local);
    call.orders.clear();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(offer_answer_close)->MinTime(2);

}  // namespace

BENCHMARK_MAIN();
