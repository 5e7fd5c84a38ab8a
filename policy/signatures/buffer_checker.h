// buffer_checker.h — whether all that a rule asks of one text holds in it, exactly and in linear time.
//
// Conditions that count from the match before them are a chain: all places where the chain may end so far are
// kept, in order, and each further condition keeps those that it can go on from. So there is no going back,
// and the answer is the same as if every combination had been tried.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "policy/signatures/signature_set.h"

namespace sallyport::policy {

// Of one thread.
class BufferChecker {
 public:
  struct Patterns {
    std::span<const PatternDatabase> pcres;
    std::span<const Pattern> relative_pcres;
    const PatternScratch& scratch;
  };
  [[nodiscard]] bool holds(const BufferCheck& check, std::string_view text, const Patterns& patterns);

 private:
  [[nodiscard]] bool holds(const ContentCheck& check, std::string_view text);
  [[nodiscard]] bool holds_in_place(const ContentCheck& check, std::string_view text);
  [[nodiscard]] bool goes_on(const ContentCheck& check, std::string_view text);
  [[nodiscard]] bool is_missing_behind(const ContentCheck& check, std::string_view text);
  [[nodiscard]] bool holds(const PcreCheck& check, std::string_view text, const Patterns& patterns) const;
  [[nodiscard]] bool holds(const ReachMatch& check, std::string_view text);
  // Where the content may begin; empty when nowhere.
  void find_starts(const ContentCheck& check, std::string_view text);

  std::vector<std::size_t> ends_;    // where the chain may end, in order
  std::vector<std::size_t> starts_;  // of the content that is looked at, in order
};

}  // namespace sallyport::policy
