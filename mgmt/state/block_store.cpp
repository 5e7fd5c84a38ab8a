// block_store.cpp — see block_store.h.
#include "mgmt/state/block_store.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace sallyport::mgmt {
namespace {

using Json = nlohmann::ordered_json;

[[nodiscard]] std::optional<policy::BlockOrigin> origin_named(const std::string& name) {
  for (std::size_t i = 0; i < policy::kBlockOriginNames.size(); ++i)
    if (policy::kBlockOriginNames[i] == name) return static_cast<policy::BlockOrigin>(i);
  return std::nullopt;
}

[[nodiscard]] std::int64_t milliseconds(WallTime time) { return time.time_since_epoch().count(); }
[[nodiscard]] WallTime wall_time(std::int64_t milliseconds) {
  return WallTime(std::chrono::milliseconds(milliseconds));
}

}  // namespace

std::string encode_block(const SavedBlock& block) {
  const Json json{{"prefix", to_string(block.prefix)},
                  {"origin", policy::to_string(block.origin)},
                  {"proved", block.is_proved},
                  {"since", milliseconds(block.since)},
                  {"until", block.until ? Json(milliseconds(*block.until)) : Json(nullptr)},
                  {"reason", block.reason}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::optional<SavedBlock> decode_block(std::string_view bytes) try {
  const Json json = Json::parse(bytes);
  const auto prefix = parse_prefix(json.at("prefix").get<std::string>());
  const auto origin = origin_named(json.at("origin").get<std::string>());
  if (!prefix || !origin) return std::nullopt;
  SavedBlock block;
  block.prefix = *prefix;
  block.origin = *origin;
  block.is_proved = json.at("proved").get<bool>();
  block.since = wall_time(json.at("since").get<std::int64_t>());
  if (!json.at("until").is_null()) block.until = wall_time(json.at("until").get<std::int64_t>());
  block.reason = json.at("reason").get<std::string>();
  return block;
} catch (const Json::exception&) {
  return std::nullopt;
}

BlockStore::BlockStore(const std::string& folder, const HashKey& key, AlarmRegistry& alarms, EventLog& log)
    : key_(key),
      log_(log),
      rows_({.folder = folder, .file = "blocks.db", .alarm = "blocks_not_saved", .rows = "blocks"}, alarms,
            log) {}

std::vector<SavedBlock> BlockStore::load() {
  std::vector<SavedBlock> blocks;
  for (const BindingRow& row : rows_.load()) {
    auto block = decode_block(row.bytes);
    if (block && number_of(block->prefix, block->origin) == row.number)
      blocks.push_back(std::move(*block));
    else
      rows_.forget(row.number);
  }
  return blocks;
}

std::uint64_t BlockStore::number_of(const Prefix& prefix, policy::BlockOrigin origin) const {
  std::string name = to_string(prefix);
  name += ' ';
  name += policy::to_string(origin);
  return keyed_hash(key_, std::string_view(name));
}

void BlockStore::save(const SavedBlock& block) {
  add(number_of(block.prefix, block.origin), encode_block(block));
}
void BlockStore::forget(const Prefix& prefix, policy::BlockOrigin origin) {
  add(number_of(prefix, origin), {});
}

void BlockStore::add(std::uint64_t number, std::string bytes) {
  const std::lock_guard lock(mutex_);
  const auto known = changes_.find(number);
  if (known == changes_.end() && changes_.size() >= kWaitingMax) {
    ++lost_;
    return;
  }
  const bool was_empty = changes_.empty();
  changes_.insert_or_assign(number, std::move(bytes));
  if (was_empty && wake_) wake_();
}

void BlockStore::on_change(std::function<void()> wake) {
  const std::lock_guard lock(mutex_);
  wake_ = std::move(wake);
}

Duration BlockStore::step(Timestamp now, bool is_last) {
  std::unordered_map<std::uint64_t, std::string> changes;
  std::uint64_t lost = 0;
  {
    const std::lock_guard lock(mutex_);
    changes.swap(changes_);
    std::swap(lost, lost_);
  }
  for (auto& [number, bytes] : changes) rows_.add({number, 0, std::move(bytes)});
  if (lost != 0)
    log_.write(LogLevel::Error, "blocks", "blocks_lost",
               "more was blocked and unblocked than the disk took: some of it is not saved",
               {{"count", lost}});
  return rows_.step(now, is_last);
}

}  // namespace sallyport::mgmt
