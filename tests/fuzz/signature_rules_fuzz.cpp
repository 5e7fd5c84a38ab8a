// signature_rules_fuzz.cpp — any octets as a signature file, and a message for its rules, which stands behind
// the first NUL. Held: each rule is taken or named, reports are clean; what conditions say of a short text is
// what trying every combination says.
#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "policy/signatures/buffer_checker.h"
#include "policy/signatures/rule_file.h"
#include "policy/signatures/signature_scanner.h"
#include "tests/fuzz/program.h"

namespace sallyport::policy {
namespace {

using test::require;

constexpr std::size_t kCompiledMax = 16;  // compiling takes its time
constexpr std::size_t kTriedTextMax = 40, kTriedConditionsMax = 5;

bool is_clean(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

bool is_same(char a, char b, bool is_nocase) {
  const auto small = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return is_nocase ? small(a) == small(b) : a == b;
}

// Every combination of places, one after the other.
class EveryWay {
 public:
  EveryWay(const BufferMatch& match, std::string_view text) : match_(match), text_(text) {}
  [[nodiscard]] bool holds(std::size_t condition, std::int64_t base) const {
    if (condition == match_.conditions.size()) return true;
    const SignatureCondition& one = match_.conditions[condition];
    const auto size = static_cast<std::int64_t>(text_.size());
    if (const auto* const range = std::get_if<SizeRange>(&one))
      return range->contains(text_.size()) && holds(condition + 1, base);
    if (const auto* const reach = std::get_if<ReachMatch>(&one)) {
      const std::int64_t left = size - (reach->is_relative ? base : 0);
      return (left > std::int64_t{reach->octets}) != reach->is_negated && holds(condition + 1, base);
    }
    const auto& content = std::get<ContentMatch>(one);
    const auto length = static_cast<std::int64_t>(content.bytes.size());
    bool is_there = false;
    for (std::int64_t start = 0; start + length <= size; ++start) {
      if (!fits(content, start, base)) continue;
      is_there = true;
      if (!content.is_negated && holds(condition + 1, start + length)) return true;
    }
    return content.is_negated && !is_there && holds(condition + 1, base);
  }

 private:
  [[nodiscard]] bool fits(const ContentMatch& content, std::int64_t start, std::int64_t base) const {
    const auto length = static_cast<std::int64_t>(content.bytes.size());
    const std::int64_t end = start + length;
    for (std::size_t i = 0; i < content.bytes.size(); ++i)
      if (!is_same(text_[static_cast<std::size_t>(start) + i], content.bytes[i], content.is_nocase))
        return false;
    if (content.is_at_end && end != static_cast<std::int64_t>(text_.size())) return false;
    if (!content.is_relative())
      return start >= std::int64_t{content.offset} &&
             (!content.depth || end <= std::int64_t{content.offset} + std::int64_t{*content.depth});
    const std::int64_t from = base + content.distance.value_or(0);
    return start >= from && (!content.within || end <= from + std::int64_t{*content.within});
  }

  const BufferMatch& match_;
  std::string_view text_;
};

bool has_pcre(const Signature& signature) {
  for (const BufferMatch& match : signature.matches)
    for (const SignatureCondition& one : match.conditions)
      if (std::holds_alternative<PcreMatch>(one)) return true;
  return false;
}

// Of a rule with conditions on one text only.
std::optional<bool> expected(const Signature& signature, std::string_view text) {
  if (signature.matches.size() != 1 || signature.matches[0].buffer != SipBuffer::Body ||
      has_pcre(signature) || signature.threshold ||
      signature.matches[0].conditions.size() > kTriedConditionsMax || text.size() > kTriedTextMax)
    return std::nullopt;
  const bool is_udp = signature.protocol != SignatureProtocol::Tcp;
  if (!is_udp || signature.flow == SignatureFlow::Response || !signature.message_size.contains(text.size()) ||
      !signature.ways[0].is_any())
    return std::nullopt;
  return EveryWay(signature.matches[0], text).holds(0, 0);
}

void check_scan(std::vector<Signature> signatures, std::string_view text) {
  for (const Signature& signature : signatures) {
    const auto right = expected(signature, text);
    std::vector<SignatureSource> sources(1);
    sources[0].signatures.push_back(signature);
    std::vector<SourceProblem> problems;
    SignatureScanner scanner(HashKey{1, 2});
    const auto set = SignatureSet::compile(std::move(sources), problems);
    require(set->rules().size() + problems.size() == 1);
    scanner.adopt(set);
    const std::array<SipText, 2> texts{{{SipBuffer::Body, text}, {SipBuffer::Uri, text}}};
    ScannedMessage message;
    message.bytes = text;
    message.texts = texts;
    const bool is_found = scanner.scan({}, message).rule != nullptr;
    if (right) require(is_found == *right);
  }
}

}  // namespace
}  // namespace sallyport::policy

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sallyport::policy;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t end = std::min(input.find('\0'), input.size());
  const std::string_view text = input.substr(std::min(end + 1, input.size()));
  RuleFile file = parse_rule_file(input.substr(0, end));
  require(file.rules >= file.signatures.size());
  for (const RuleProblem& problem : file.problems)
    require(!problem.what.empty() && !problem.instead.empty() && is_clean(problem.what) &&
            is_clean(problem.instead));
  for (const Signature& signature : file.signatures) {
    require(signature.sid != 0 && !signature.ways.empty());
    for (const BufferMatch& match : signature.matches) require(!match.conditions.empty());
  }
  // A counted repetition may take Hyperscan seconds to compile: an operator's own file may, an input may not.
  if (input.substr(0, end).find('{') != std::string_view::npos) return 0;
  if (file.signatures.size() > kCompiledMax) file.signatures.resize(kCompiledMax);
  check_scan(std::move(file.signatures), text);
  return 0;
}
