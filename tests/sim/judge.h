// Where every part of the simulator says what went against the rules.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "policy/base/time.h"

namespace sallyport::sim {

struct Violation {
  Timestamp at{};
  std::string text;
};

class Judge {
 public:
  static constexpr std::size_t kViolationsMax = 50;  // of one world; the first are the ones that matter

  void set_now(Timestamp now) noexcept { now_ = now; }
  [[nodiscard]] Timestamp now() const noexcept { return now_; }
  // Nothing was lost, doubled or overtaken: then also what a network may excuse is a fault.
  void set_calm(bool calm) noexcept { calm_ = calm; }
  [[nodiscard]] bool is_calm() const noexcept { return calm_; }
  // Answers may find no room to be kept.
  void set_tight(bool tight) noexcept { tight_ = tight; }
  [[nodiscard]] bool is_tight() const noexcept { return tight_; }
  void blame(std::string text) {
    if (violations_.size() < kViolationsMax) violations_.push_back({now_, std::move(text)});
  }
  [[nodiscard]] const std::vector<Violation>& violations() const noexcept { return violations_; }

 private:
  Timestamp now_{};
  bool calm_ = false, tight_ = false;
  std::vector<Violation> violations_;
};

}  // namespace sallyport::sim
