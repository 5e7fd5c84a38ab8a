// named_peers_watch.h — notices that a peer's name stands for other addresses than before, and has those told
// who judge sources: a flood of strangers must not starve a carrier that is known by name. RFC 3263.
//
// A part of the stream thread. It looks at the board's version once in kPause while there are such peers, so
// the rules of the lcores are made anew no more often than that, however often DNS changes its mind.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

#include "dataplane/net/unique_fd.h"
#include "dataplane/stream/turn_taker.h"
#include "policy/route/target_board.h"

namespace sallyport::dataplane {

class NamedPeersWatch final : public TurnTaker {
 public:
  static constexpr Duration kPause = 1s;

  // `board` outlives it. `follow`: false: not now, it is asked again.
  NamedPeersWatch(const policy::TargetBoard& board, std::function<bool(Timestamp now)> follow);

  // Whether any peer has a name; at first none has.
  void set_has_names(bool has_names) noexcept { has_names_ = has_names; }

  [[nodiscard]] int fd() const noexcept override { return fd_.get(); }  // never readable
  bool run_once(Timestamp now) override;
  [[nodiscard]] bool has_mail() const noexcept override { return false; }
  [[nodiscard]] std::optional<Timestamp> next_deadline() const noexcept override {
    return has_names_ ? std::optional(look_at_) : std::nullopt;
  }
  void begin_stop(Timestamp) override { has_names_ = false; }

 private:
  const policy::TargetBoard& board_;
  std::function<bool(Timestamp now)> follow_;
  UniqueFd fd_;
  bool has_names_ = false;
  std::uint64_t version_ = 0;  // of the board, that is followed
  Timestamp look_at_{};
};

}  // namespace sallyport::dataplane
