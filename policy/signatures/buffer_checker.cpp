// buffer_checker.cpp — see buffer_checker.h.
#include "policy/signatures/buffer_checker.h"

#include <algorithm>
#include <limits>

namespace sallyport::policy {
namespace {

using Place = std::int64_t;

// What a relative content may span, counted from the end `base` of the match before it.
struct Span {
  Place first, last;  // where it begins at the earliest, where it ends at the latest
};
[[nodiscard]] Span span_behind(std::size_t base, const ContentMatch& terms) noexcept {
  const Place from = static_cast<Place>(base) + terms.distance.value_or(0);
  return {from, terms.within ? from + Place{*terms.within} : std::numeric_limits<Place>::max()};
}

}  // namespace

void BufferChecker::find_starts(const ContentCheck& check, std::string_view text) {
  starts_.clear();
  const std::size_t size = check.search.size();
  if (check.terms.is_at_end) {
    if (text.size() >= size && check.search.is_at(text, text.size() - size))
      starts_.push_back(text.size() - size);
    return;
  }
  check.search.each(text, [this](std::size_t start) {
    starts_.push_back(start);
    return true;
  });
}

bool BufferChecker::holds_in_place(const ContentCheck& check, std::string_view text) {
  const ContentMatch& terms = check.terms;
  const std::size_t size = check.search.size();
  const std::size_t begin = std::min<std::size_t>(terms.offset, text.size());
  const std::size_t end =
      terms.depth ? std::min<std::size_t>(begin + *terms.depth, text.size()) : text.size();
  if (terms.is_at_end && end != text.size()) return terms.is_negated;
  const std::string_view window = text.substr(begin, end - begin);
  if (check.is_base) {
    find_starts(check, window);
    ends_.clear();
    for (const std::size_t start : starts_) ends_.push_back(begin + start + size);
    return !ends_.empty();
  }
  const bool is_there = terms.is_at_end
                            ? window.size() >= size && check.search.is_at(window, window.size() - size)
                            : check.search.find(window) != ContentSearch::kNone;
  return is_there != terms.is_negated;
}

// Keeps the ends of those occurrences that some end so far leads to. For each the ends that may lead to it
// are a stretch of the list, and both of its borders only move on.
bool BufferChecker::goes_on(const ContentCheck& check, std::string_view text) {
  find_starts(check, text);
  const Place size = static_cast<Place>(check.search.size());
  std::size_t kept = 0, nearest = 0;
  for (const std::size_t start : starts_) {
    // The first end from which the content would not lie too far away.
    while (nearest < ends_.size() &&
           span_behind(ends_[nearest], check.terms).last < static_cast<Place>(start) + size)
      ++nearest;
    if (nearest == ends_.size()) break;
    if (span_behind(ends_[nearest], check.terms).first <= static_cast<Place>(start)) starts_[kept++] = start;
  }
  starts_.resize(kept);
  ends_.clear();
  for (const std::size_t start : starts_) ends_.push_back(start + check.search.size());
  return !ends_.empty();
}

// Keeps the ends that the content does not follow.
bool BufferChecker::is_missing_behind(const ContentCheck& check, std::string_view text) {
  find_starts(check, text);
  const Place size = static_cast<Place>(check.search.size());
  std::size_t kept = 0, next = 0;
  for (const std::size_t end : ends_) {
    const Span span = span_behind(end, check.terms);
    while (next < starts_.size() && static_cast<Place>(starts_[next]) < span.first) ++next;
    const bool follows = next < starts_.size() && static_cast<Place>(starts_[next]) + size <= span.last;
    if (!follows) ends_[kept++] = end;
  }
  ends_.resize(kept);
  return kept != 0;
}

bool BufferChecker::holds(const ContentCheck& check, std::string_view text) {
  if (!check.terms.is_relative()) return holds_in_place(check, text);
  return check.terms.is_negated ? is_missing_behind(check, text) : goes_on(check, text);
}

// A pattern that is found behind one end is found behind all before it.
bool BufferChecker::holds(const PcreCheck& check, std::string_view text, const Patterns& patterns) const {
  if (!check.is_relative)
    return patterns.pcres[check.pattern].matches(text, patterns.scratch) != check.is_negated;
  if (ends_.empty()) return false;
  const Pattern& pattern = patterns.relative_pcres[check.pattern];
  return pattern.matches(text.substr(check.is_negated ? ends_.back() : ends_.front())) != check.is_negated;
}

bool BufferChecker::holds(const ReachMatch& check, std::string_view text) {
  if (!check.is_relative) return (text.size() > check.octets) != check.is_negated;
  std::erase_if(ends_,
                [&](std::size_t end) { return (text.size() - end > check.octets) == check.is_negated; });
  return !ends_.empty();
}

bool BufferChecker::holds(const BufferCheck& check, std::string_view text, const Patterns& patterns) {
  ends_.clear();
  for (const SignatureCheck& one : check.checks) {
    bool is_good = false;
    if (const auto* const content = std::get_if<ContentCheck>(&one))
      is_good = holds(*content, text);
    else if (const auto* const pcre = std::get_if<PcreCheck>(&one))
      is_good = holds(*pcre, text, patterns);
    else if (const auto* const reach = std::get_if<ReachMatch>(&one))
      is_good = holds(*reach, text);
    else
      is_good = std::get<SizeRange>(one).contains(text.size());
    if (!is_good) return false;
  }
  return true;
}

}  // namespace sallyport::policy
