// blocks_json.cpp — writes blocked prefixes.
#include "mgmt/blocks/blocks_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "mgmt/log/log_line.h"

namespace sallyport::mgmt {
namespace {

using Json = nlohmann::ordered_json;

[[nodiscard]] std::string_view touched(const policy::Block& block) {
  if (policy::touches(block, TrustClass::Known)) return "all";
  return policy::touches(block, TrustClass::Trusted) ? "unconfigured" : "untrusted";
}

[[nodiscard]] std::string_view touched_words(const policy::Block& block) {
  if (policy::touches(block, TrustClass::Known)) return "touches everybody there";
  return policy::touches(block, TrustClass::Trusted) ? "leaves configured peers alone"
                                                     : "touches untrusted sources only";
}

[[nodiscard]] std::string_view who(policy::BlockOrigin origin) {
  switch (origin) {
    case policy::BlockOrigin::Feed:
      return "feed";
    case policy::BlockOrigin::Detector:
      return "a detector";
    default:
      return "the operator";
  }
}

}  // namespace

Json block_json(const policy::BlockView& view, const ClockPair& clocks) {
  const policy::Block& block = view.block;
  const bool ends = block.until != Timestamp::max();
  const auto left = std::chrono::ceil<std::chrono::seconds>(ends ? block.until - clocks.core : Duration{});
  return {{"prefix", to_string(block.prefix)},
          {"origin", policy::to_string(block.origin)},
          {"reason", block.reason.empty() ? Json(nullptr) : Json(block.reason)},
          {"touches", touched(block)},
          {"since", iso_8601(clocks.wall_at(block.since))},
          {"until", ends ? Json(iso_8601(clocks.wall_at(block.until))) : Json(nullptr)},
          {"expires_in_s",
           ends ? Json(static_cast<std::uint64_t>(std::max<std::int64_t>(left.count(), 0))) : Json(nullptr)},
          {"hits", view.hits},
          {"last_hit",
           view.last_hit == Timestamp{} ? Json(nullptr) : Json(iso_8601(clocks.wall_at(view.last_hit)))}};
}

Json blocks_json(const policy::Blocklist::Page& page, const BlockDesk& desk) {
  const ClockPair clocks = desk.clocks();
  Json list = Json::array();
  for (const policy::BlockView& view : page.blocks) list.push_back(block_json(view, clocks));
  return {{"blocked", std::move(list)},
          {"prefixes", desk.prefixes()},
          {"capacity", desk.capacity()},
          {"next", page.next == 0 ? Json(nullptr) : Json(std::to_string(page.next))}};
}

std::string block_text(const policy::BlockView& view, const ClockPair& clocks) {
  const policy::Block& block = view.block;
  const bool is_feed = block.origin == policy::BlockOrigin::Feed;
  std::string text =
      fmt::format("{} is blocked by {}{}{} since {}", to_string(block.prefix), who(block.origin),
                  is_feed ? " " : "", is_feed ? block.reason : "", iso_8601(clocks.wall_at(block.since)));
  text += block.until == Timestamp::max()
              ? std::string(is_feed ? ", for as long as the feed names it" : ", until it is unblocked")
              : ", until " + iso_8601(clocks.wall_at(block.until));
  if (!is_feed && !block.reason.empty()) text += fmt::format(" ({})", block.reason);
  text += fmt::format("; that {}, {} packets were dropped", touched_words(block), view.hits);
  if (view.last_hit != Timestamp{}) text += ", the last at " + iso_8601(clocks.wall_at(view.last_hit));
  return text;
}

}  // namespace sallyport::mgmt
