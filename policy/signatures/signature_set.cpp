// signature_set.cpp — compiles signatures: which pattern lets a rule be looked at closer, and what holds
// then.
#include "policy/signatures/signature_set.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

namespace sallyport::policy {
namespace {

// The longer, the rarer; a method is in every message, and all of a message is long.
[[nodiscard]] std::size_t rarity(SipBuffer buffer, std::size_t bytes) noexcept {
  constexpr std::size_t kLongest = 16, kShortText = 8;
  if (buffer == SipBuffer::Method || buffer == SipBuffer::Protocol) return 1;
  return std::min(bytes, kLongest) + (buffer == SipBuffer::Message ? 2 : kShortText);
}

[[nodiscard]] ScannedPattern scanned(const PcreMatch& pcre) {
  return {pcre.is_extended ? "(?x)" + pcre.pattern : pcre.pattern, pcre.is_caseless, pcre.dot_is_all,
          pcre.is_multi_line};
}

[[nodiscard]] std::string relative_expression(const PcreMatch& pcre) {
  std::string flags = pcre.is_caseless ? "i" : "";
  if (pcre.is_multi_line) flags += "m";
  // Pattern's dot takes every octet; without the flag s it must not take the end of a line.
  flags += pcre.dot_is_all ? "" : "-s";
  return flags.empty() ? pcre.pattern : "(?" + flags + ")" + pcre.pattern;
}

constexpr std::size_t kWholeTextsMax = 16;  // of one buffer

// What a rule is found by.
struct Filter {
  SipBuffer buffer;
  ScannedPattern pattern;
  std::string whole_text{};  // not empty: may be compared in place of the pattern
};

[[nodiscard]] bool is_whole_text(const ContentMatch& content) noexcept {
  return content.is_at_end && content.offset == 0 && content.depth == content.bytes.size() &&
         !content.is_nocase && !content.is_relative();
}

[[nodiscard]] std::optional<Filter> filter_of(const Signature& signature) {
  std::optional<Filter> best;
  std::size_t best_rarity = 0;
  for (const BufferMatch& match : signature.matches) {
    for (const SignatureCondition& one : match.conditions) {
      std::size_t rare = 0;
      Filter filter{match.buffer, {}};
      if (const auto* const content = std::get_if<ContentMatch>(&one); content && !content->is_negated) {
        rare = content->is_fast ? ~std::size_t{0} : rarity(match.buffer, content->bytes.size());
        filter.pattern = {expression_of(content->bytes), content->is_nocase, false, false};
        if (is_whole_text(*content) && match.buffer != SipBuffer::Message) filter.whole_text = content->bytes;
      } else if (const auto* const pcre = std::get_if<PcreMatch>(&one);
                 pcre && !pcre->is_negated && !pcre->is_relative) {
        rare = 2;  // only where there is nothing else but a method
        filter.pattern = scanned(*pcre);
      }
      if (rare <= best_rarity) continue;
      best_rarity = rare;
      best = std::move(filter);
    }
  }
  return best;
}

}  // namespace

// Used once.
class SignatureCompiler {
 public:
  SignatureCompiler(std::vector<SourceProblem>& problems, const SignatureSet* before)
      : problems_(problems), before_(before), set_(make_value<SignatureSet>()) {}

  void add(std::size_t source, Signature signature, const SignatureSource& from) {
    if (!numbers_.emplace(number_of(signature), source).second)
      return say(source, signature, {"another file has a rule with this sid", "give it another one"});
    if (set_->rules_.size() == kSignaturesMax)
      return say(source, signature,
                 {"more than " + std::to_string(kSignaturesMax) + " rules in all files", "leave some out"});
    SignatureRule rule;
    for (const BufferMatch& match : signature.matches)
      if (const auto fault = add_checks(match, rule); !fault.what.empty())
        return say(source, signature, fault);
    rule.applies_to_all = from.applies_to_all;
    rule.is_dry_run = std::ranges::find(from.dry_run, signature.sid) != from.dry_run.end();
    set_->applies_to_all_ = set_->applies_to_all_ || rule.applies_to_all;
    if (signature.threshold)
      longest_ = std::max(longest_, Duration(std::chrono::seconds(signature.threshold->seconds)));
    add_filter(signature);
    rule.signature = std::move(signature);
    rule.signature.matches.clear();
    set_->rules_.push_back(std::move(rule));
  }

  [[nodiscard]] UnsharedValue<SignatureSet> take() {
    take_counts();
    for (std::size_t buffer = 0; buffer < kSipBufferCount; ++buffer) compile_filters(buffer);
    return std::move(set_);
  }

 private:
  [[nodiscard]] static std::uint64_t number_of(const Signature& signature) noexcept {
    return std::uint64_t{signature.gid} << 32 | signature.sid;
  }
  struct Fault {
    std::string what, instead;
  };
  void say(std::size_t source, const Signature& signature, Fault fault) {
    problems_.push_back(
        {source, {signature.line, signature.sid, std::move(fault.what), std::move(fault.instead)}});
  }

  void take_counts() {
    std::unordered_map<std::uint64_t, std::size_t> places;  // in the set before
    for (std::size_t i = 0; before_ != nullptr && i < before_->rules_.size(); ++i)
      places.emplace(number_of(before_->rules_[i].signature), i);
    for (const SignatureRule& rule : set_->rules_) {
      const auto known = places.find(number_of(rule.signature));
      set_->counts_.push_back(known != places.end() ? before_->counts_[known->second]
                                                    : make_value<SignatureCounts>());
    }
    if (longest_ == Duration::zero()) return;
    if (before_ != nullptr) set_->thresholds_ = before_->thresholds_;
    if (set_->thresholds_ == nullptr)
      set_->thresholds_ = make_value<ThresholdTable>(kThresholdPlaces, longest_);
    set_->thresholds_->set_longest(longest_);
  }

  // A fault without words: none.
  [[nodiscard]] Fault add_checks(const BufferMatch& match, SignatureRule& rule) {
    BufferCheck check{match.buffer, {}};
    std::optional<std::size_t> base;  // a place in the checks
    for (const SignatureCondition& one : match.conditions) {
      bool is_relative = false;
      if (const auto* const content = std::get_if<ContentMatch>(&one)) {
        is_relative = content->is_relative();
        ContentMatch terms = *content;
        terms.bytes.clear();
        check.checks.emplace_back(
            ContentCheck{{content->bytes, content->is_nocase}, std::move(terms), false});
      } else if (const auto* const pcre = std::get_if<PcreMatch>(&one)) {
        is_relative = pcre->is_relative;
        auto place = is_relative ? relative_place(*pcre) : pcre_place(*pcre);
        if (!place)
          return {
              "the pcre can't be compiled: " + place.error(),
              "patterns run in linear time here: no look-around, no back references, nothing that matches an "
              "empty text"};
        check.checks.emplace_back(PcreCheck{*place, pcre->is_negated, is_relative});
      } else if (const auto* const reach = std::get_if<ReachMatch>(&one)) {
        is_relative = reach->is_relative;
        check.checks.emplace_back(*reach);
      } else {
        check.checks.emplace_back(std::get<SizeRange>(one));
      }
      if (is_relative && base) std::get<ContentCheck>(check.checks[*base]).is_base = true;
      const auto* const content = std::get_if<ContentCheck>(&check.checks.back());
      if (content != nullptr && !content->terms.is_negated) base = check.checks.size() - 1;
    }
    rule.checks.push_back(std::move(check));
    return {};
  }

  [[nodiscard]] Result<std::uint32_t, std::string> pcre_place(const PcreMatch& pcre) {
    const ScannedPattern pattern = scanned(pcre);
    if (const auto known = pcres_.find(pattern); known != pcres_.end()) return known->second;
    if (pattern.expression.size() > kPatternBytesMax)
      return fail("it is longer than " + std::to_string(kPatternBytesMax) + " octets");
    constexpr std::uint32_t kOnly = 0;
    auto database = PatternDatabase::compile({&pattern, 1}, {&kOnly, 1});
    if (!database) return fail(database.error());
    const auto place = static_cast<std::uint32_t>(set_->pcres_.size());
    set_->pcres_.push_back(std::move(*database));
    pcres_.emplace(pattern, place);
    return place;
  }

  [[nodiscard]] Result<std::uint32_t, std::string> relative_place(const PcreMatch& pcre) {
    auto pattern = Pattern::compile(relative_expression(pcre));
    if (!pattern) return fail(pattern.error());
    set_->relative_pcres_.push_back(std::move(*pattern));
    return static_cast<std::uint32_t>(set_->relative_pcres_.size() - 1);
  }

  // Of the rule that comes next.
  void add_filter(const Signature& signature) {
    const auto rule = static_cast<std::uint32_t>(set_->rules_.size());
    auto filter = filter_of(signature);
    if (!filter) return set_->unfiltered_.push_back(rule);
    if (!filter->whole_text.empty() && add_whole_text(*filter, rule)) return;
    auto& numbers = filters_[static_cast<std::size_t>(filter->buffer)];
    const auto next = static_cast<std::uint32_t>(set_->rules_of_.size());
    const auto [known, is_new] = numbers.emplace(std::move(filter->pattern), next);
    if (is_new) set_->rules_of_.emplace_back();
    set_->rules_of_[known->second].push_back(rule);
  }

  // False: there are so many that a filter finds them sooner.
  [[nodiscard]] bool add_whole_text(const Filter& filter, std::uint32_t rule) {
    auto& known = set_->whole_texts_[static_cast<std::size_t>(filter.buffer)];
    auto place = std::ranges::find(known, filter.whole_text, &SignatureSet::WholeText::text);
    if (place == known.end()) {
      if (known.size() == kWholeTextsMax) return false;
      place =
          known.insert(known.end(), {filter.whole_text, static_cast<std::uint32_t>(set_->rules_of_.size())});
      set_->rules_of_.emplace_back();
    }
    set_->rules_of_[place->id].push_back(rule);
    return true;
  }

  void compile_filters(std::size_t buffer) {
    if (filters_[buffer].empty()) return;
    std::vector<ScannedPattern> patterns;
    std::vector<std::uint32_t> ids;
    for (const auto& [pattern, id] : filters_[buffer]) {
      patterns.push_back(pattern);
      ids.push_back(id);
    }
    auto database = PatternDatabase::compile(patterns, ids);
    if (database) {
      set_->filters_[buffer] = std::move(*database);
      return;
    }
    // Each alone could be compiled and all together can't: they are looked at without a filter.
    for (const std::uint32_t id : ids)
      set_->unfiltered_.insert(set_->unfiltered_.end(), set_->rules_of_[id].begin(),
                               set_->rules_of_[id].end());
  }

  std::vector<SourceProblem>& problems_;
  const SignatureSet* before_;
  UnsharedValue<SignatureSet> set_;
  std::unordered_map<std::uint64_t, std::size_t> numbers_;  // gid and sid
  std::map<ScannedPattern, std::uint32_t> pcres_;
  std::array<std::map<ScannedPattern, std::uint32_t>, kSipBufferCount> filters_;
  Duration longest_{};
};

UnsharedValue<SignatureSet> SignatureSet::compile(std::vector<SignatureSource> sources,
                                                  std::vector<SourceProblem>& problems,
                                                  const SignatureSet* before) {
  SignatureCompiler compiler(problems, before);
  for (std::size_t i = 0; i < sources.size(); ++i)
    for (Signature& signature : sources[i].signatures) compiler.add(i, std::move(signature), sources[i]);
  return compiler.take();
}

}  // namespace sallyport::policy
