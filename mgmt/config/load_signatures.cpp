// load_signatures.cpp — see load_signatures.h.
#include "mgmt/config/load_signatures.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <utility>
#include <vector>

#include "mgmt/config/regular_file.h"
#include "policy/signatures/rule_file.h"
#include "policy/signatures/rule_text.h"
#include "policy/signatures/signature_set.h"

namespace sallyport::mgmt {
namespace {

// What is wrong with one file, told up to a limit.
class FileProblems {
 public:
  FileProblems(std::size_t file, std::string key, ProblemList& problems)
      : file_(file), key_(std::move(key)), problems_(problems) {}

  void say(const policy::RuleProblem& problem) {
    const std::string sid = problem.sid == 0 ? "" : "sid " + std::to_string(problem.sid) + ": ";
    warn(problem.line, {sid + problem.what + ", so the rule is left out", problem.instead});
  }
  void warn(std::uint32_t line, ValueError why) {
    if (++wrong_ <= kSignatureProblemsMax) (void)problems_.warning(place(line), key_, std::move(why));
  }
  // `taken` of `rules`.
  void finish(std::size_t taken, std::size_t rules) {
    if (wrong_ > kSignatureProblemsMax)
      (void)problems_.warning(
          place(0), key_,
          {std::to_string(wrong_ - kSignatureProblemsMax) + " further rules can't be taken",
           "run sallyport rules check on the file"});
    if (rules == 0)
      (void)problems_.warning(place(0), key_, {"holds no rule", "write one a line, or take the entry out"});
    else if (taken == 0)
      (void)problems_.error(place(0), key_,
                            {"holds no rule that can be taken", "run sallyport rules check on the file"});
  }

 private:
  [[nodiscard]] YamlPlace place(std::uint32_t line) const {
    return {.file = file_, .line = static_cast<int>(line)};
  }
  std::size_t file_;
  std::string key_;
  ProblemList& problems_;
  std::size_t wrong_ = 0;
};

// A sid that no rule of the file has is most likely a slip of the pen.
void check_dry_run(const SignatureFile& file, const std::vector<policy::Signature>& signatures,
                   FileProblems& problems) {
  for (const std::uint32_t sid : file.dry_run)
    if (std::ranges::find(signatures, sid, &policy::Signature::sid) == signatures.end())
      problems.warn(0, {"dry_run names sid " + std::to_string(sid) + ", which no rule of the file has",
                        "name a sid of the file"});
}

}  // namespace

std::optional<std::string> read_signature_file(const std::string& path) {
  const FilePtr file = open_regular(path);
  if (!file) return std::nullopt;
  std::string text;
  std::array<char, 65536> piece;
  while (text.size() <= policy::kRuleFileBytesMax) {
    const std::size_t got = std::fread(piece.data(), 1, piece.size(), file.get());
    text.append(piece.data(), got);
    if (got < piece.size()) break;
  }
  if (std::ferror(file.get()) != 0) return std::nullopt;
  return text;
}

void load_signatures(const Section& root, SbcConfig& config, ProblemList& problems,
                     const policy::SignatureSet* running) {
  const std::vector<Section> sections = root.child("security").items("signatures");
  std::vector<policy::SignatureSource> sources;
  std::vector<FileProblems> told;
  std::vector<std::size_t> rules_in;
  for (std::size_t i = 0; i < sections.size(); ++i) {
    const SignatureFile& file = config.security.signatures[i];
    if (sections[i].written("file") == nullptr) continue;
    const auto text = read_signature_file(file.file);
    if (!text) continue;
    FileProblems& said = told.emplace_back(problems.add_file(file.file), sections[i].shown(), problems);
    policy::RuleFile rules = policy::parse_rule_file(*text);
    for (const policy::RuleProblem& problem : rules.problems) said.say(problem);
    check_dry_run(file, rules.signatures, said);
    rules_in.push_back(rules.rules);
    sources.push_back({std::move(rules.signatures), file.apply_to_all, file.dry_run});
  }
  if (sources.empty()) return;
  std::vector<std::size_t> taken;
  for (const policy::SignatureSource& source : sources) taken.push_back(source.signatures.size());
  std::vector<policy::SourceProblem> wrong;
  config.security.signature_set = policy::SignatureSet::compile(std::move(sources), wrong, running);
  for (const policy::SourceProblem& one : wrong) {
    told[one.source].say(one.problem);
    --taken[one.source];
  }
  for (std::size_t i = 0; i < told.size(); ++i) told[i].finish(taken[i], rules_in[i]);
}

}  // namespace sallyport::mgmt
