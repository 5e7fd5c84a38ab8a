// saved_calls.cpp — version, number of calls, then shard, kind and bytes of each.
#include "mgmt/daemon/saved_calls.h"

#include "mgmt/records/byte_code.h"

namespace sallyport::mgmt {
namespace {

constexpr std::uint32_t kVersionOfFile = 1;

}  // namespace

std::string encode_saved_calls(const std::vector<sip::SipEngine::SavedCall>& calls) {
  std::string out;
  put(out, kVersionOfFile);
  put(out, static_cast<std::uint64_t>(calls.size()));
  for (const sip::SipEngine::SavedCall& call : calls) {
    put(out, call.shard);
    put(out, static_cast<std::uint8_t>(call.is_call));
    put(out, std::string_view(call.bytes));
  }
  return out;
}

std::optional<std::vector<sip::SipEngine::SavedCall>> decode_saved_calls(std::string_view bytes) {
  ByteTaker taker(bytes);
  if (taker.take<std::uint32_t>() != kVersionOfFile) return std::nullopt;
  const auto count = taker.take<std::uint64_t>();
  std::vector<sip::SipEngine::SavedCall> calls;
  for (std::uint64_t i = 0; i < count && taker.is_good(); ++i) {
    const auto shard = taker.take<std::uint8_t>();
    const bool is_call = taker.take<std::uint8_t>() != 0;
    calls.push_back({shard, std::string(taker.take_text()), is_call});
  }
  if (!taker.is_good() || !taker.rest().empty()) return std::nullopt;
  return calls;
}

}  // namespace sallyport::mgmt
