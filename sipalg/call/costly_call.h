// costly_call.h — one leg to a costly number (`security.detectors.toll_fraud`), counted for whoever pays for
// it from the moment that it is tried until it is over. Threats I7.
#pragma once

#include <cstdint>
#include <utility>

#include "policy/detect/detector_board.h"

namespace sallyport::sip {

// Counted for as long as it lives; whoever it is moved to has it. `board` outlives it.
class CostlyCall {
 public:
  CostlyCall() noexcept = default;
  CostlyCall(policy::DetectorBoard& board, std::uint64_t account) noexcept : account_(account) {
    count_at(board);
  }
  CostlyCall(CostlyCall&& other) noexcept
      : board_(std::exchange(other.board_, nullptr)), account_(std::exchange(other.account_, 0)) {}
  CostlyCall& operator=(CostlyCall&& other) noexcept {
    std::swap(board_, other.board_);
    std::swap(account_, other.account_);
    return *this;
  }
  ~CostlyCall() {
    if (board_ != nullptr) board_->end_costly(account_);
  }

  [[nodiscard]] explicit operator bool() const noexcept { return account_ != 0; }
  // What was read from an archive counts from now on.
  void count_at(policy::DetectorBoard& board) noexcept {
    if (account_ == 0 || board_ != nullptr) return;
    board_ = &board;
    board.begin_costly(account_);
  }
  template <class Archive>
  void archive(Archive& a) {
    a(account_);
  }

 private:
  policy::DetectorBoard* board_ = nullptr;
  std::uint64_t account_ = 0;  // 0: it is not costly
};

}  // namespace sallyport::sip
