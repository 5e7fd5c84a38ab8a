// What must hold of every datagram that goes into and comes out of the border: nothing of one side on the
// other, one answer to each request, no endless retransmission; and of every record. It sees bytes only.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "policy/record/call_record.h"
#include "tests/sim/judge.h"
#include "tests/sim/sip_text.h"

namespace sallyport::sim {

inline constexpr std::size_t kSideCount = 2;  // 0 outside, 1 inside
// What every text of an agent holds, and the beginnings of its side's addresses.
inline constexpr std::array<std::string_view, kSideCount> kMarkers{"x0o9q", "x0i9k"};
inline constexpr std::array<std::array<std::string_view, 2>, kSideCount> kAddresses{
    {{"198.18.1.", "fd18:1:"}, {"198.18.2.", "fd18:2:"}}};
inline constexpr std::string_view kBehindRouters = "10.77.";  // on the outer side

// What the border said to one request that it got.
struct BorderAnswer {
  int final_code = 0;
  Timestamp final_at{};
  std::string final_to_tag;
  unsigned provisionals = 0;
};

// One call as the records tell it.
struct RecordedCall {
  unsigned starts = 0, ends = 0;
  CallRecord end;
};

class BorderChecks {
 public:
  explicit BorderChecks(Judge& judge) : judge_(judge) {}

  void on_in(std::size_t side, std::string_view bytes);
  void on_out(std::size_t side, const Endpoint& remote, std::string_view bytes);
  void on_record(const CallRecord& record);

  // Of a request with that branch and method; null: not a word.
  [[nodiscard]] const BorderAnswer* answer_to(const std::string& branch, const std::string& method) const;
  [[nodiscard]] const std::map<std::uint64_t, RecordedCall>& records() const noexcept { return records_; }
  // Call-ID of the caller's leg -> what the border told the caller last about its first INVITE.
  [[nodiscard]] int caller_code(const std::string& call_id) const;
  [[nodiscard]] bool told_success(const std::string& call_id) const { return successes_.contains(call_id); }

 private:
  void check_hidden(std::size_t side, std::string_view bytes, const SipText& message);
  [[nodiscard]] bool is_excused(const BorderAnswer& before, const SipText& response) const;
  void forget_answer(const SipText& request);
  void check_response(const SipText& response);
  void check_request(const SipText& request, std::string_view bytes, const Endpoint& remote);
  void learn(std::size_t side, const SipText& message);

  struct SentRequest {
    std::string bytes;
    unsigned count = 0;
  };

  struct CallerCode {
    std::string branch;  // of the first INVITE
    int code = 0;
  };

  Judge& judge_;
  std::array<std::unordered_set<std::string>, kSideCount> identifiers_;
  std::unordered_set<std::string> keys_;  // that agents gave
  std::unordered_map<std::string, BorderAnswer> answers_;
  std::unordered_map<std::string, SentRequest> requests_;
  std::unordered_map<std::string, CallerCode> caller_codes_;
  std::unordered_set<std::string> successes_;
  std::map<std::uint64_t, RecordedCall> records_;
};

}  // namespace sallyport::sim
