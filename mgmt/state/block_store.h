// block_store.h — blocks of the operator and of detectors on the disk (node.state/blocks.db), so that a
// restart finds them. What the files of feeds say is read again from them.
//
// Whoever blocks says it from any thread and waits for nothing; the thread that may wait for a disk writes it
// within 20 ms (binding_store.h: a full or failing disk, a damaged file).
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "mgmt/log/wall_clock.h"
#include "mgmt/state/binding_store.h"
#include "policy/base/keyed_hash.h"
#include "policy/decide/blocklist.h"

namespace sallyport::mgmt {

// As it is kept: by the calendar, because the core's clock starts anew with the machine.
struct SavedBlock {
  Prefix prefix;
  policy::BlockOrigin origin = policy::BlockOrigin::Operator;
  bool is_proved = true;
  WallTime since{};
  std::optional<WallTime> until;  // nothing: for ever
  std::string reason;
};

// JSON, so that another version can read what it knows of it. Nothing: it is none.
[[nodiscard]] std::string encode_block(const SavedBlock& block);
[[nodiscard]] std::optional<SavedBlock> decode_block(std::string_view bytes);

class BlockStore {
 public:
  // Changes that wait; beyond them they are lost, and the log says so.
  static constexpr std::size_t kWaitingMax = 500'000;

  // `key`: the node's own, the same at each start. The others must outlive it.
  BlockStore(const std::string& folder, const HashKey& key, AlarmRegistry& alarms, EventLog& log);

  // At the start: all that is in the file.
  [[nodiscard]] std::vector<SavedBlock> load();
  // Any thread.
  void save(const SavedBlock& block);
  void forget(const Prefix& prefix, policy::BlockOrigin origin);
  // `wake` is called, on whichever thread, when there is something to write. Before the first step().
  void on_change(std::function<void()> wake);

  // The thread that may wait for a disk. How long until it wants to be asked again.
  [[nodiscard]] Duration step(Timestamp now, bool is_last);

 private:
  [[nodiscard]] std::uint64_t number_of(const Prefix& prefix, policy::BlockOrigin origin) const;
  void add(std::uint64_t number, std::string bytes);

  const HashKey key_;
  EventLog& log_;
  BindingStore rows_;                                       // of the thread that may wait
  std::mutex mutex_;                                        // guards what follows
  std::unordered_map<std::uint64_t, std::string> changes_;  // by number; empty: it goes
  std::uint64_t lost_ = 0;
  std::function<void()> wake_;
};

}  // namespace sallyport::mgmt
