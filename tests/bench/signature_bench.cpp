// signature_bench.cpp — what signatures cost a message: read alone, and read and held against the shipped set
// (the goal is at most 1 us more), for messages that match nothing, and for one that matches.
#include <benchmark/benchmark.h>

#include <string>

#include "mgmt/config/load_signatures.h"
#include "policy/signatures/rule_file.h"
#include "sipalg/engine/signature_view.h"

namespace sallyport {
namespace {

constexpr std::string_view kHead =
    "Via: SIP/2.0/UDP 192.0.2.17:5060;branch=z9hG4bK776asdhds;rport\r\nMax-Forwards: 70\r\n"
    "From: \"Alice Example\" <sip:alice@example.net>;tag=1928301774\r\nTo: <sip:+4930123456@example.net>\r\n"
    "Call-ID: a84b4c76e66710@192.0.2.17\r\nContact: <sip:alice@192.0.2.17:5060;transport=udp>\r\n"
    "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, REFER, NOTIFY, MESSAGE\r\n"
    "Supported: replaces, timer, 100rel\r\n";
constexpr std::string_view kOffer =
    "v=0\r\no=- 20518 0 IN IP4 192.0.2.17\r\ns=-\r\nc=IN IP4 192.0.2.17\r\nt=0 0\r\n"
    "m=audio 54400 RTP/AVP 9 0 8 18 101\r\na=rtpmap:9 G722/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 "
    "PCMA/8000\r\n"
    "a=rtpmap:18 G729/8000\r\na=fmtp:18 annexb=no\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"
    "a=ptime:20\r\na=sendrecv\r\n";

std::string request(std::string_view method, std::string_view agent, std::string_view body = "") {
  return std::string(method) + " sip:+4930123456@example.net SIP/2.0\r\n" + std::string(kHead) +
         "CSeq: 314159 " + std::string(method) + "\r\nUser-Agent: " + std::string(agent) + "\r\n" +
         (body.empty() ? "" : "Content-Type: application/sdp\r\n") +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

const std::string& message(std::int64_t which) {
  static const std::string kMessages[] = {request("INVITE", "Yealink SIP-T46S 66.86.0.15", kOffer),
                                          request("REGISTER", "Yealink SIP-T46S 66.86.0.15"),
                                          request("BYE", "Yealink SIP-T46S 66.86.0.15"),
                                          request("OPTIONS", "friendly-scanner")};
  return kMessages[which];
}

SharedValue<policy::SignatureSet> shipped() {
  std::vector<policy::SignatureSource> sources(1);
  sources[0].signatures = policy::parse_rule_file(mgmt::shipped_signatures()).signatures;
  std::vector<policy::SourceProblem> problems;
  return policy::SignatureSet::compile(std::move(sources), problems);
}

void read_messages(benchmark::State& state, bool has_signatures) {
  policy::SignatureScanner scanner(HashKey{1, 2});
  if (has_signatures) scanner.adopt(shipped());
  sip::SignatureView view;
  sip::SipMessage read;
  sip::MessageInput input;
  const std::string& bytes = message(state.range(0));
  Timestamp now{};
  for (auto _ : state) {
    now += 1us;
    if (sip::parse_message(bytes, {}, read) != sip::ParseStatus::Complete) state.SkipWithError("not read");
    if (scanner.looks_at(true)) benchmark::DoNotOptimize(scanner.scan(now, view.look_at(input, read)));
    benchmark::DoNotOptimize(read);
  }
  state.SetLabel(bytes.substr(0, bytes.find(' ')) + ", " + std::to_string(bytes.size()) + " octets");
}

void BM_WithoutSignatures(benchmark::State& state) { read_messages(state, false); }
void BM_WithShippedSignatures(benchmark::State& state) { read_messages(state, true); }
BENCHMARK(BM_WithoutSignatures)->DenseRange(0, 3);
BENCHMARK(BM_WithShippedSignatures)->DenseRange(0, 3);

void BM_CompileShippedSignatures(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(shipped());
}
BENCHMARK(BM_CompileShippedSignatures)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sallyport

BENCHMARK_MAIN();
