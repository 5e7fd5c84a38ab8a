// node_state.h — the folder node.state as this process holds it: locked against a second one, with the secret
// that outlives restarts (tokens of live dialogs are made with it) and files sealed under it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "mgmt/log/wall_clock.h"
#include "mgmt/records/disk.h"
#include "mgmt/state/seal.h"
#include "policy/base/keyed_hash.h"
#include "policy/base/result.h"

namespace sallyport::mgmt {

class NodeState {
 public:
  // Makes the secret when there is none (`node.secret`: mode 0600, on the disk before this returns). The
  // error is a sentence for people: the folder is in use, the secret is damaged or open to others. A secret
  // is never replaced: that would orphan what was made with it. `disk` must outlive it.
  [[nodiscard]] static Result<std::unique_ptr<NodeState>, std::string> open(Disk& disk,
                                                                            const std::string& folder);
  ~NodeState();
  NodeState(const NodeState&) = delete;
  NodeState& operator=(const NodeState&) = delete;

  // 128 bits for one purpose ("tokens", ...), the same after each restart.
  [[nodiscard]] HashKey key(std::string_view purpose) const;

  // A number for this start, greater than at any start before, whatever the clock says: seconds since 1970
  // when it can be. It is on the disk before this returns.
  [[nodiscard]] Result<std::uint32_t, std::string> next_epoch(WallTime now);

  // Seals `bytes` into a file of that name, in place of the one before: after a crash there is the old or the
  // new one. Empty: it is on the disk.
  [[nodiscard]] std::string save_sealed(const std::string& name, std::string_view bytes);
  // Its bytes, or nothing when there is no such file. The file is gone from the disk before this returns, so
  // what was restored from it once is never restored again, whatever happens next. A file that can't be
  // unsealed is kept as NAME.bad and is an error; so is one that can't be removed.
  [[nodiscard]] Result<std::optional<std::string>, std::string> take_sealed(const std::string& name);

 private:
  NodeState(Disk& disk, std::string folder, int lock, const NodeSecret& secret);
  // Empty: the file has these bytes and no others, and they are on the disk.
  [[nodiscard]] std::string replace_file(const std::string& path, std::string_view bytes);
  [[nodiscard]] std::string path_of(const std::string& name) const { return folder_ + "/" + name; }

  Disk& disk_;
  std::string folder_;
  int lock_;
  NodeSecret secret_;
};

}  // namespace sallyport::mgmt
