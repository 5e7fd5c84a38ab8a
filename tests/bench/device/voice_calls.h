// voice_calls.h — both ends of calls with voice for a load generator: a caller outside, a callee inside, in
// one process, over any wire. Each call is INVITE, 180, 200, ACK, so many packets of voice each way (PCMA,
// 20 ms), BYE, 200. Sallyport gives each leg its own Call-ID, so the number of a call travels in the number
// that is called and in the tags. RFC 3261 §13, §15, §17; RFC 3264; RFC 3550.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <queue>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "policy/base/ip_address.h"

namespace sallyport::bench {

inline constexpr std::int64_t kSecond = 1'000'000'000;  // times are nanoseconds

enum class Side : std::uint8_t { Outside, Inside };

// UDP, over IPv4 or IPv6.
struct Datagram {
  Side side = Side::Outside;
  IpAddress source, destination;
  std::uint16_t source_port = 0, destination_port = 0;
  std::string_view payload;
};

// Who speaks on one side, and to whom.
struct CallEnd {
  IpAddress own, server;
};

struct VoiceCounts {
  std::uint64_t begun = 0, made = 0, failed = 0, resent = 0;
  std::array<std::uint64_t, 2> voice_sent{}, voice_heard{};  // by the side that spoke
  std::uint64_t voice_strange = 0;                           // to a call that it is not of, or twice
  std::vector<std::int64_t> setup;  // from INVITE to 200, of calls that were answered
  std::string refusal;              // why the first of the failed ones failed
};

class VoiceCalls {
 public:
  using Send = std::function<void(const Datagram&)>;
  // `run`: in what must never be the same twice.
  VoiceCalls(CallEnd outside, CallEnd inside, Send send, std::string run);

  // A call with that much voice each way, at 50 packets a second.
  void begin(std::int64_t now, std::uint32_t voice_packets);
  // What came to one of the ends.
  void on_datagram(const Datagram& heard, std::int64_t now);
  // Says again what is due, speaks, hangs up.
  void on_time(std::int64_t now);

  [[nodiscard]] std::uint64_t in_flight() const noexcept { return calls_.size(); }
  // Gives up what is in flight. Counts since the last time.
  [[nodiscard]] VoiceCounts take_counts();

 private:
  enum class State : std::uint8_t { Inviting, Up, Leaving };
  struct Voice {
    std::uint32_t left = 0;
    std::uint16_t sequence = 0, heard = 0;  // next to send; highest heard
    IpAddress to;
    std::uint16_t to_port = 0;
  };
  struct Call {
    State state = State::Inviting;
    bool is_acknowledged = false;
    std::int64_t begun = 0;
    std::string request;      // of the caller: what has no answer yet
    std::string ok;           // of the callee
    std::string ack;          // of the caller, once it is answered
    std::string to, contact;  // of the answer
    std::array<Voice, 2> voice;
  };
  enum class What : std::uint8_t { Request, Ok, Speak, HangUp };
  struct Due {
    std::int64_t at = 0;
    std::uint32_t number = 0;
    What what = What::Request;
    Side side = Side::Outside;
    std::int64_t step = 0;  // when it was said again the last time: twice as long until the next
    bool operator<(const Due& other) const noexcept { return at > other.at; }
  };
  void say(Side side, std::string_view message) const;
  void speak(std::uint32_t number, Call& call, const Due& due);
  void on_due(const Due& due);
  void on_request(Side side, std::string_view message, std::int64_t now);
  void on_invite(std::string_view message, std::int64_t now);
  void on_ack(std::string_view message, std::int64_t now);
  void on_answer(std::string_view message, std::int64_t now);
  void on_invite_answered(std::uint32_t number, Call& call, std::string_view message, std::int64_t now);
  void on_voice(const Datagram& heard);
  void begin_to_speak(std::uint32_t number, Call& call, Side side, std::string_view sdp, std::int64_t now);
  void fail(std::uint32_t number, std::string_view why);
  [[nodiscard]] std::string request(std::string_view method, std::uint32_t number, const Call& call) const;

  std::array<CallEnd, 2> ends_;
  Send send_;
  std::string run_;
  std::uint32_t next_ = 0;
  std::unordered_map<std::uint32_t, Call> calls_;
  std::priority_queue<Due> due_;
  VoiceCounts counts_;
};

}  // namespace sallyport::bench
