// load_callers.cpp — see load_callers.h.
#include "mgmt/config/load_callers.h"

#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mgmt/config/regular_file.h"
#include "policy/detect/caller_list.h"

namespace sallyport::mgmt {
namespace {

constexpr std::size_t kDigitsMax = 32;

// Digits, behind a "+" or none, and perhaps a "*" for what follows. What is there to be read is left out.
[[nodiscard]] std::string plain_number(std::string_view written) {
  std::string number;
  for (const char symbol : written)
    if (std::string_view(" \t-.()").find(symbol) == std::string_view::npos) number += symbol;
  return number;
}

[[nodiscard]] bool is_number(std::string_view number) {
  if (number.starts_with('+')) number.remove_prefix(1);
  if (number.ends_with('*')) number.remove_suffix(1);
  return !number.empty() && number.size() <= kDigitsMax &&
         number.find_first_not_of("0123456789#*") == std::string_view::npos;
}

// The file while it is read.
class CallerFile {
 public:
  CallerFile(const std::string& path, std::string key, ProblemList& problems)
      : problems_(problems), key_(std::move(key)), file_(problems.add_file(path)) {}

  void read(std::FILE& file, std::vector<std::string>& numbers) {
    std::string line;
    while (next_line(file, line)) {
      ++line_;
      if (line.size() > kCallerLineBytesMax)
        say({"is longer than " + std::to_string(kCallerLineBytesMax) + " octets", "write a number a line"});
      else if (!take(line, numbers))
        break;
    }
    if (std::ferror(&file) != 0)
      say({"can't be read any further", "put a readable file there or name another"});
    if (wrong_ <= kCallerProblemsMax) return;
    const std::size_t more = std::exchange(wrong_, 0) - kCallerProblemsMax;
    say({std::to_string(more) + " further lines are wrong", "see those above"});
  }

 private:
  // False: there is no room for more.
  [[nodiscard]] bool take(std::string_view line, std::vector<std::string>& numbers) {
    if (line_ == 1 && line.starts_with("\xef\xbb\xbf")) line.remove_prefix(3);  // a mark that editors leave
    std::string number = plain_number(line.substr(0, line.find_first_of(",;#\r")));
    if (number.empty()) return true;
    if (!is_number(number)) {
      // Not repeated: who is on the list is nobody's business, and problems go to the log.
      say({"what stands there is not a number of a caller",
           "write digits, with or without a leading +, or a beginning, as in +49900*"});
      return true;
    }
    if (++numbers_ <= kCallersMax) {
      numbers.push_back(std::move(number));
      return true;
    }
    say({"has no room: the file holds more than " + std::to_string(kCallersMax) + " numbers",
         "leave some out, or write beginnings of them"});
    return false;
  }
  void say(ValueError why) {
    if (++wrong_ <= kCallerProblemsMax)
      problems_.error({.file = file_, .line = static_cast<int>(line_)}, key_, std::move(why));
  }
  // Of a line that is too long only the beginning. False: there is none.
  static bool next_line(std::FILE& file, std::string& line) {
    line.clear();
    int got = ::getc_unlocked(&file);
    const bool is_there = got != EOF;
    for (; got != EOF && got != '\n'; got = ::getc_unlocked(&file))
      if (line.size() <= kCallerLineBytesMax) line += static_cast<char>(got);
    return is_there;
  }

  ProblemList& problems_;
  std::string key_;
  std::size_t file_;
  std::uint32_t line_ = 0;
  std::size_t wrong_ = 0, numbers_ = 0;
};

}  // namespace

void load_callers(const Section& root, SbcConfig& config, ProblemList& problems) {
  const Section section = root.child("security").child("detectors").child("call_spam");
  DetectorsConfig& detectors = config.security.detectors;
  std::vector<std::string> denied = section.texts("deny");
  const std::vector<std::string> allowed = section.texts("allow");
  if (section.written("deny_file") != nullptr) {
    const std::string path = section.file("deny_file");
    if (const FilePtr file = open_regular(path))
      CallerFile(path, section.shown("deny_file"), problems).read(*file, denied);
  }
  if (!denied.empty()) detectors.denied_callers = make_value<policy::CallerList>(denied);
  if (!allowed.empty()) detectors.allowed_callers = make_value<policy::CallerList>(allowed);
}

}  // namespace sallyport::mgmt
