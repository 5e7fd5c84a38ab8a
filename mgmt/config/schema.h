// schema.h — the one table of all configuration keys: type, default, unit, range, meaning, built or not.
//
// What checks a file, what fills in defaults, what the reference manual says: all of it is read from here.
// Paths write list members as "[]": peers[].targets[].address. A peer may override any key of a profile, so
// every profiles[].KEY is a peers[].KEY too; the table has it once.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sallyport::mgmt {

enum class OptionType : std::uint8_t {
  Map,               // keys below it
  Maps,              // a list of maps; with `refers` a member may also be a name alone
  PatternMap,        // header field names to patterns
  Word,              // one of `words`
  Name,              // what the operator calls a thing; with `refers` the name of a thing defined elsewhere
  NodeName,          // letters, digits and '-': becomes part of namespace and tap names
  PortName,          // as NodeName, also '_'
  Text,              // any
  Token,             // RFC 3261 §25.1
  Method,            // a token in capitals
  Uri,               // scheme:something
  Integer,           // range counts the number itself
  Duration,          // range counts milliseconds
  Rate,              // range counts events
  ByteCount,         // range counts bytes
  BitRate,           // range counts bits a second
  Percent,           // range counts hundredths
  Address,           // IPv4 or IPv6
  Network,           // address/length
  InterfaceAddress,  // address/length of its network
  Endpoint,          // address:port
  Domain,            // host name, port optional
  DomainName,        // host name
  PortRange,         // first-last
  Dscp,
  Device,
  Lcores,
  LinuxService,
  Pattern,       // RE2
  Dialled,       // a number to dial, in quotes
  RuleField,     // called, header:NAME, ...
  TimeSpan,      // "mon-fri 08:00-18:00"
  InputFile,     // read, beside the file that names it
  SecretFile,    // the same, and nobody else's business
  OutputFile,    // written, in node.state
  AbsolutePath,  // beginning with '/'
  Glob,          // include
};

enum class Many : std::uint8_t { One, List, OneOrList };

struct Option {
  std::string_view path = {};
  OptionType type = OptionType::Text;
  std::string_view doc = {};       // one line
  std::string_view fallback = {};  // the default as a file would write it; empty: none
  bool built = false;              // false: parsed and checked, without effect in this version
  bool required = false;
  Many many = Many::One;
  std::string_view words = {};    // "a|b": Word: all of them; other types: words in place of the type's form
  std::string_view whole = {};    // a word in place of a whole list or map
  std::int64_t min = 0, max = 0;  // both 0: not limited; of Maps: numbers of members
  std::string_view refers = {};   // the list in which the name must be found
  std::string_view built_words = {};  // those of `words` that are built; empty: all
  std::string_view weakens = {};  // with that value silence would weaken security; "*": with any but empty
};

[[nodiscard]] std::span<const Option> all_options();
// nullptr for a path that is no key.
[[nodiscard]] const Option* find_option(std::string_view path);
// The keys that may stand in the map of that path ("" is the file itself), in the order of the table.
[[nodiscard]] std::vector<std::string> child_keys(std::string_view path);
// "ports" and "name" give "ports.name"; "" and "ports" give "ports".
[[nodiscard]] std::string joined_path(std::string_view path, std::string_view key);
// Whether `word` is one of "a|b|c".
[[nodiscard]] bool is_one_of(std::string_view word, std::string_view words_with_bars);

}  // namespace sallyport::mgmt
