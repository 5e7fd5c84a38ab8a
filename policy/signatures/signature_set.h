// signature_set.h — all signatures of a configuration, compiled once and never altered, shared by all threads
// that scan. What they count is in it too; a set that takes the place of another goes on with its counts.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "policy/base/shared_value.h"
#include "policy/decide/threshold_table.h"
#include "policy/route/pattern.h"
#include "policy/signatures/content_search.h"
#include "policy/signatures/pattern_database.h"
#include "policy/signatures/signature.h"

namespace sallyport::policy {

inline constexpr std::size_t kSignaturesMax = 20'000;  // of all files
inline constexpr std::size_t kThresholdPlaces = 65'536;

struct ContentCheck {
  ContentSearch search;
  ContentMatch terms;    // without its bytes
  bool is_base = false;  // something counts from where it ends
};
struct PcreCheck {
  std::uint32_t pattern = 0;  // a place in the databases; of a relative one, in the patterns
  bool is_negated = false, is_relative = false;
};
using SignatureCheck = std::variant<ContentCheck, PcreCheck, ReachMatch, SizeRange>;
struct BufferCheck {
  SipBuffer buffer = SipBuffer::Message;
  std::vector<SignatureCheck> checks;
};

// Written by any thread that scans.
struct SignatureCounts {
  std::atomic<std::uint64_t> matches{0};   // that were acted on
  std::atomic<std::uint64_t> dry_runs{0};  // that would have been
};

struct SignatureRule {
  Signature signature;  // its matches are in `checks`
  std::vector<BufferCheck> checks;
  bool applies_to_all = false;  // else to strangers
  bool is_dry_run = false;
};

// What one file gives.
struct SignatureSource {
  std::vector<Signature> signatures;
  bool applies_to_all = false;
  std::vector<std::uint32_t> dry_run;  // sids
};
struct SourceProblem {
  std::size_t source = 0;
  RuleProblem problem;
};

class SignatureSet {
 public:
  // What can't be taken is named, the rest is in the set. `before`: the set whose place it takes: rules that
  // both have, by gid and sid, go on counting, and so do their thresholds where those are the same. Null:
  // all counts begin at nothing.
  [[nodiscard]] static UnsharedValue<SignatureSet> compile(std::vector<SignatureSource> sources,
                                                           std::vector<SourceProblem>& problems,
                                                           const SignatureSet* before = nullptr);
  [[nodiscard]] std::span<const SignatureRule> rules() const noexcept { return rules_; }
  [[nodiscard]] const SignatureCounts& counts(std::size_t rule) const noexcept { return *counts_[rule]; }
  // Whether there is a rule about such a source at all.
  [[nodiscard]] bool looks_at(bool is_stranger) const noexcept {
    return is_stranger ? !rules_.empty() : applies_to_all_;
  }

 private:
  friend class SignatureCompiler;
  friend class SignatureScanner;
  std::vector<SignatureRule> rules_;
  std::vector<UnsharedValue<SignatureCounts>> counts_;  // of each rule; sets have those of a rule in common
  UnsharedValue<ThresholdTable> thresholds_;            // the same; null: no rule counts
  // What a rule must have in common with a message before it is looked at closer: by buffer, all rules'.
  std::array<std::optional<PatternDatabase>, kSipBufferCount> filters_;
  // The same for texts that must be whole: a method, a status code. Comparing them is quicker.
  struct WholeText {
    std::string text;
    std::uint32_t id = 0;
  };
  std::array<std::vector<WholeText>, kSipBufferCount> whole_texts_;
  std::vector<std::vector<std::uint32_t>> rules_of_;  // by the numbers that the filters give
  std::vector<std::uint32_t> unfiltered_;             // rules that are always looked at
  std::vector<PatternDatabase> pcres_;
  std::vector<Pattern> relative_pcres_;
  bool applies_to_all_ = false;
};

}  // namespace sallyport::policy
