// sip_calls_fuzz.cpp — dialogs and calls with time: the input chooses what agents do, which earlier datagrams
// come again with other tags, numbers and sources, how time passes and how late the journal is. The border
// must not crash, must say a bounded number of things to each input, and is empty when all is over.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "tests/sim/sip_world.h"

namespace {

using namespace sallyport;
using namespace sallyport::sim;

constexpr std::size_t kStepsMax = 100;
constexpr std::size_t kSendsMax = 48;  // eight forks, each with ACK and BYE on both sides, and their answers

class Choices {
 public:
  Choices(const std::uint8_t* bytes, std::size_t size) : bytes_(bytes), left_(size) {}
  [[nodiscard]] bool empty() const { return left_ == 0; }
  std::size_t next() {
    if (left_ == 0) return 0;
    --left_;
    return *bytes_++;
  }
  std::string_view text() {
    const std::size_t size = std::min(left_, next() * 4);
    const std::string_view text(reinterpret_cast<const char*>(bytes_), size);
    bytes_ += size;
    left_ -= size;
    return text;
  }

 private:
  const std::uint8_t* bytes_;
  std::size_t left_;
};

void replace(std::string& text, std::string_view from, std::string_view to) {
  const auto at = text.find(from);
  if (at != std::string::npos) text.replace(at, from.size(), to);
}

// One earlier datagram, not quite as it was.
std::string changed(const SipWorld& world, Choices& choices) {
  const auto& seen = world.last_seen();
  if (seen.empty()) return {};
  std::string text = seen[choices.next() % seen.size()];
  for (std::size_t count = choices.next() % 4; count != 0 && !text.empty(); --count) {
    const std::size_t way = choices.next() % 10, argument = choices.next();
    const auto number = std::to_string(argument % 8);
    switch (way) {
      case 0:
        replace(text, "CSeq: ", "CSeq: " + number);
        break;
      case 1:
        replace(text, ";branch=z9hG4bK", ";branch=z9hG4bK" + number);
        break;
      case 2:
        replace(text, ";tag=", ";tag=" + number);
        break;
      case 3: {
        constexpr std::array<std::string_view, 6> kMethods{"INVITE", "ACK",    "BYE",
                                                           "CANCEL", "UPDATE", "INFO"};
        const std::string_view from = kMethods[argument % 6], to = kMethods[(argument / 6) % 6];
        replace(text, from, to);
        replace(text, " " + std::string(from) + "\r", " " + std::string(to) + "\r");
        break;
      }
      case 4:
        replace(text, "SIP/2.0 2", "SIP/2.0 " + std::to_string(1 + argument % 6));
        break;
      case 5:
        replace(text, "SIP/2.0 1", "SIP/2.0 " + std::to_string(1 + argument % 6));
        break;
      case 6:
        text.resize(text.size() * argument / 256);
        break;
      case 7:
        text[argument * text.size() / 256] = static_cast<char>(choices.next());
        break;
      case 8:
        replace(text, "Contact:", "Record-Route: <sip:198.18.2.10;lr>\r\nContact:");
        break;
      default:
        replace(text, "\r\n\r\n", "\r\nContent-Type: application/sdp\r\n\r\n");
        break;
    }
  }
  return text;
}

void inject(SipWorld& world, Choices& choices, std::string_view bytes) {
  constexpr std::array<std::string_view, 9> kSources{
      "198.18.1.2:5060",  "[fd18:1::2]:5060", "198.18.2.2:5060",  "198.18.2.3:5070", "[fd18:2::2]:5060",
      "198.18.2.10:5060", "198.18.2.11:5060", "198.18.2.77:5060", "198.18.1.2:9999"};
  const Endpoint from = *parse_endpoint(kSources[choices.next() % kSources.size()], 0);
  const std::string side = to_string(from.address);
  const bool outer = side.starts_with("198.18.1.") || side.starts_with("fd18:1:");
  const bool v4 = from.address.is_v4();
  const std::string_view to =
      outer ? (v4 ? "198.18.1.1:5060" : "[fd18:1::1]:5060") : (v4 ? "198.18.2.1:5060" : "[fd18:2::1]:5060");
  world.inject(from, *parse_endpoint(to, 0), bytes);
}

void step(SipWorld& world, Choices& choices) {
  auto& agents = world.agents();
  const std::size_t action = choices.next() % 10, who = choices.next() % agents.size();
  switch (action) {
    case 0:
    case 1:
      world.place_call(who, static_cast<char>('0' + (who < 2 ? 2 + choices.next() % 3 : choices.next() % 2)),
                       action == 0);
      break;
    case 2:
      agents[who]->hang_up_at(choices.next());
      break;
    case 3:
      agents[who]->change_at(choices.next(), static_cast<Change>(choices.next() % 5));
      break;
    case 4:
      agents[who]->cancel_at(choices.next());
      break;
    case 5:
      world.run_for(std::chrono::milliseconds(10 * choices.next()));
      break;
    case 6:
      world.run_for(std::chrono::milliseconds(250 * choices.next()));
      break;
    case 7:
    case 8:
      inject(world, choices, changed(world, choices));
      break;
    default:
      inject(world, choices, choices.text());
      break;
  }
}

void demand(bool condition, const std::string& what) {
  if (condition) return;
  std::fprintf(stderr, "sip_calls_fuzz: %s\n", what.c_str());
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Choices choices(data, size);
  WorldSettings settings;
  settings.seed = 1 + choices.next();
  settings.engines = choices.next() % 4 == 0 ? 2 : 1;
  settings.journal = static_cast<JournalPace>(choices.next() % 3);
  settings.snapshot = choices.next() % 16 == 0;
  settings.link.delay_min = 1ms;
  settings.link.delay_max = std::chrono::milliseconds(1 + choices.next() % 64);
  settings.link.loss = static_cast<double>(choices.next() % 4) * 0.1;
  SipWorld world(settings);
  world.expect_nonsense();
  for (std::size_t i = 0; i < kStepsMax && !choices.empty(); ++i) step(world, choices);
  world.calm_down();
  world.run_for(10min);
  demand(world.most_sends() <= kSendsMax, "one input made too many datagrams");
  demand(world.left_behind().empty(), "left behind: " + world.left_behind());
  return 0;
}
