// manual.cpp — see manual.h.
#include "mgmt/config/manual.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "mgmt/config/check_scalar.h"
#include "mgmt/config/quoted.h"
#include "mgmt/config/schema.h"
#include "mgmt/config/suggest.h"

namespace sallyport::mgmt {
namespace {

// Where the keys below an option are.
[[nodiscard]] std::string inside_of(const Option& option, const std::string& path) {
  return option.type == OptionType::Maps ? path + "[]" : path;
}

[[nodiscard]] bool has_range(const Option& option) {
  return option.type != OptionType::Maps && (option.min != 0 || option.max != 0) && option.many == Many::One;
}

// What may be written, as the half of a sentence.
[[nodiscard]] std::string takes(const Option& option) {
  std::string form;
  if (option.type == OptionType::Map) {
    form = "keys below it";
  } else if (option.type == OptionType::PatternMap) {
    form = "names of header fields and the patterns of their values";
  } else if (option.type == OptionType::Maps) {
    form = "a list of maps";
    if (!option.refers.empty()) form += fmt::format(" or of names out of {}", option.refers);
  } else {
    form = option.type == OptionType::Word ? joined_with_or(option.words) : form_of(option.type);
    if (!option.refers.empty()) form = fmt::format("a name out of {}", option.refers);
    if (option.type != OptionType::Word && !option.words.empty())
      form = joined_with_or(option.words) + ", or " + form;
    if (option.many == Many::List) form = "a list, each member " + form;
    if (option.many == Many::OneOrList) form += ", or a list of such";
  }
  return option.whole.empty() ? form : fmt::format("{}, or {}", option.whole, form);
}

// What stands beside the meaning, as pairs.
using Fact = std::pair<std::string_view, std::string>;
[[nodiscard]] std::vector<Fact> facts_of(const Option& option) {
  std::vector<Fact> out{{"takes", takes(option)}};
  if (has_range(option)) out.emplace_back("range", range_of(option));
  if (option.required) out.emplace_back("default", "none: it must be written");
  if (!option.fallback.empty()) out.emplace_back("default", std::string(option.fallback));
  if (!option.built) out.emplace_back("note", "not built yet: checked, without effect in this version");
  if (!option.built_words.empty())
    out.emplace_back("note", fmt::format("of these {} is built yet", joined_with_or(option.built_words)));
  return out;
}

[[nodiscard]] std::string keys_below(const std::string& path) {
  std::string out;
  for (const std::string& key : child_keys(path)) {
    const Option* const option = find_option(joined_path(path, key));
    out += fmt::format("  {:<22} {}{}\n", key, option->doc, option->required ? " Needed." : "");
  }
  return out;
}

// "peers[carrier].tls" -> "peers.tls"
[[nodiscard]] std::string without_members(std::string_view key) {
  std::string out;
  bool is_inside = false;
  for (const char c : key) {
    if (c == '[') is_inside = true;
    if (!is_inside) out += c;
    if (c == ']') is_inside = false;
  }
  return out;
}

struct Walked {
  std::string path;  // as far as there are such keys
  std::string left;  // the first key that is none
};

[[nodiscard]] Walked walk(std::string_view key) {
  const std::string plain = without_members(key);
  Walked at;
  for (std::string_view rest = plain; !rest.empty();) {
    const std::size_t dot = rest.find('.');
    const std::string word(rest.substr(0, dot));
    const Option* const above = find_option(at.path);
    const std::string next = joined_path(above == nullptr ? at.path : inside_of(*above, at.path), word);
    if (find_option(next) == nullptr) return {at.path, word};
    at.path = next;
    rest = dot == std::string_view::npos ? std::string_view{} : rest.substr(dot + 1);
  }
  return at;
}

// Of manual pages: a backslash, and a dot or quote at the front of a line, would be commands.
[[nodiscard]] std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else
      out += c;
  }
  return out.starts_with('.') || out.starts_with('\'') ? "\\&" + out : out;
}

[[nodiscard]] std::string entry_of(const Option& option, const std::string& shown) {
  std::string out = fmt::format(".TP\n.B {}\n{}\n", roff(shown), roff(option.doc));
  for (const auto& [name, fact] : facts_of(option))
    if (name != "takes" || option.type != OptionType::Map)
      out += fmt::format(".br\n{}: {}\n", name, roff(fact));
  return out;
}

constexpr std::string_view kHead = R"(.SH NAME
sallyport.yaml \- configuration of Sallyport, a session border controller
.SH DESCRIPTION
A file in YAML 1.2. Needed are version, node, ports, realms, peers and routes; all else may be left out.
.B sallyport check \-c
.I FILE
names every mistake with its file, line and key;
.B sallyport config explain
.I KEY
says what this page says of one key, and
.B sallyport config schema
prints a JSON Schema for editors.
.PP
A unit belongs to its value: 500ms, 1h, 200/s, 64KB, 85%. Words are never on, off, yes, no, true, false or null, which
YAML tools change. Numbers to dial stand in quotes. Paths of files that are read begin in the folder of the file that
names them, those of files that are written in node.state. In the names below, [] is each member of a list.
.PP
A peer may have every key of a profile: its own goes before that of the profile.
)";

constexpr std::string_view kTail = R"(.SH FILES
.TP
.I /etc/sallyport/sallyport.yaml
what the service reads
.TP
.I /usr/share/doc/sallyport/examples
whole configurations, from the smallest to the one that shows every key
.SH SEE ALSO
.BR sallyport (1)
)";

}  // namespace

std::string path_of_key(std::string_view key) {
  const Walked at = walk(key);
  return at.left.empty() ? at.path : std::string();
}

Result<std::string, std::string> explain_key(std::string_view key) {
  if (key.empty()) return keys_below("");
  const Walked at = walk(key);
  const Option* const option = find_option(at.path);
  const std::string below = option == nullptr ? std::string() : inside_of(*option, at.path);
  if (!at.left.empty()) {
    const std::vector<std::string> known = child_keys(below);
    std::string all;
    for (const std::string& one : known) all += (all.empty() ? "" : "|") + one;
    const std::string near = nearest(at.left, known);
    const std::string where = below.empty() ? "" : " below " + below;
    return fail(fmt::format("there is no key {}{}; {}", in_quotes(printable(at.left)), where,
                            !near.empty()   ? "did you mean " + joined_path(below, near) + "?"
                            : known.empty() ? "nothing is below it"
                                            : "the keys there are " + joined_with_or(all)));
  }
  std::string out = fmt::format("{}\n  {}\n", at.path, option->doc);
  for (const auto& [name, fact] : facts_of(*option)) out += fmt::format("  {:<8} {}\n", name, fact);
  const std::string keys = keys_below(below);
  return keys.empty() ? out : out + "keys below it\n" + keys;
}

std::string manual_page(std::string_view version) {
  std::string out = fmt::format(
      ".\\\" Made from the table of keys in the program: sallyport config manual\n"
      ".TH SALLYPORT.YAML 5 \"\" \"Sallyport {}\" \"File formats\"\n{}",
      version, kHead);
  std::string section;
  for (const Option& option : all_options()) {
    const std::string_view top = option.path.substr(0, option.path.find_first_of(".["));
    if (top != section) {
      section = top;
      out += fmt::format(".SH {}\n", roff(section));
    }
    out += entry_of(option, std::string(option.path));
  }
  return out + std::string(kTail);
}

}  // namespace sallyport::mgmt
