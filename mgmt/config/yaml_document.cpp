// yaml_document.cpp — libfyaml's events made into a tree.
#include "mgmt/config/yaml_document.h"

#include <libfyaml.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <system_error>
#include <utility>

#include "mgmt/config/quoted.h"

namespace sallyport::mgmt {
namespace {

struct ParserDeleter {
  void operator()(fy_parser* parser) const noexcept { fy_parser_destroy(parser); }
};
struct DiagDeleter {
  void operator()(fy_diag* diag) const noexcept { fy_diag_destroy(diag); }
};
struct EventDeleter {
  fy_parser* parser;
  void operator()(fy_event* event) const noexcept { fy_parser_event_free(parser, event); }
};
using EventPtr = std::unique_ptr<fy_event, EventDeleter>;

std::string token_text(fy_token* token) {
  std::size_t length = 0;
  const char* text = token == nullptr ? nullptr : fy_token_get_text(token, &length);
  return text == nullptr ? std::string{} : std::string(text, length);
}

// Keys of one map: so that a map of many keys costs no search through all of them.
struct KeysSeen {
  std::map<std::string, int> own;  // with the line of the first
  std::set<std::string> merged;    // those that only a merge key brought
};

// Reads events of one file and builds the tree; the first fatal problem ends it.
class TreeBuilder {
 public:
  TreeBuilder(fy_parser* parser, std::size_t file, std::vector<YamlProblem>& problems)
      : parser_(parser), file_(file), problems_(problems) {}

  std::optional<YamlNode> build();
  // In place of build(): the members of the list below that key, the only one. False: there is no document.
  bool each_member(std::string_view key, const std::function<bool(YamlNode&&)>& take);
  [[nodiscard]] bool failed() const noexcept { return failed_; }

 private:
  EventPtr next() { return {fy_parser_parse(parser_), EventDeleter{parser_}}; }
  YamlPlace place_of(fy_event* event) const;
  void fatal(YamlPlace place, std::string what, std::string instead);
  void too_deep(YamlPlace place) {
    fatal(place, "nested deeper than " + std::to_string(kYamlDepthMax) + " levels", "nest less");
  }
  bool count_nodes(std::size_t nodes, YamlPlace place);
  std::optional<YamlNode> node(fy_event* event, int depth);
  std::optional<YamlNode> alias(fy_event* event, int depth);
  std::optional<YamlNode> list(YamlPlace place, int depth);
  std::optional<YamlNode> map(YamlPlace place, int depth);
  bool add_entry(YamlNode& map, KeysSeen& seen, fy_event* key_event, int depth);
  void merge(YamlNode& map, KeysSeen& seen, const YamlNode& from, YamlPlace place);
  void drop_tag(fy_token* tag, YamlPlace place);
  EventPtr next_of_document();
  bool begin_list(std::string_view key, fy_event* key_event);
  void take_members(const std::function<bool(YamlNode&&)>& take);

  fy_parser* parser_;
  std::size_t file_;
  std::vector<YamlProblem>& problems_;
  std::map<std::string, YamlNode> anchors_;
  std::size_t nodes_ = 0, nodes_max_ = kYamlNodesMax;
  bool has_anchors_ = true;  // they are allowed
  bool failed_ = false;
  bool is_stopped_ = false;  // by who takes members, and has said why
};

std::size_t size_of(const YamlNode& node) {
  std::size_t nodes = 1;
  for (const YamlNode& item : node.items) nodes += size_of(item);
  for (const YamlEntry& entry : node.entries) nodes += size_of(entry.value);
  return nodes;
}

int depth_of(const YamlNode& node) {
  int deepest = 0;
  for (const YamlNode& item : node.items) deepest = std::max(deepest, depth_of(item));
  for (const YamlEntry& entry : node.entries) deepest = std::max(deepest, depth_of(entry.value));
  return deepest + 1;
}

YamlPlace TreeBuilder::place_of(fy_event* event) const {
  const fy_mark* mark = fy_event_start_mark(event);
  if (mark == nullptr) return {file_, 0, 0};
  return {file_, mark->line + 1, mark->column + 1};
}

void TreeBuilder::fatal(YamlPlace place, std::string what, std::string instead) {
  if (!failed_) problems_.push_back({place, "", std::move(what), std::move(instead)});
  failed_ = true;
}

bool TreeBuilder::count_nodes(std::size_t nodes, YamlPlace place) {
  nodes_ += nodes;
  if (nodes_ <= nodes_max_) return true;
  fatal(place, "more than " + std::to_string(nodes_max_) + " values, aliases counted as what they name",
        "make the file smaller; long lists of prefixes or numbers have files of their own");
  return false;
}

// A tag would change what a value is; the schema alone says that.
void TreeBuilder::drop_tag(fy_token* tag, YamlPlace place) {
  if (tag == nullptr) return;
  problems_.push_back({place, "", "a YAML tag (!)", "write the value without a tag"});
}

std::optional<YamlNode> TreeBuilder::build() {
  std::optional<YamlNode> root;
  while (EventPtr event = next()) {
    switch (event->type) {
      case FYET_STREAM_START:
      case FYET_STREAM_END:
      case FYET_DOCUMENT_END:
      case FYET_NONE:
        break;
      case FYET_DOCUMENT_START:
        if (root) {
          fatal(place_of(event.get()), "a second YAML document begins",
                "keep one document in a file, without '---'");
          return std::nullopt;
        }
        break;
      default:
        root = node(event.get(), 1);
        if (!root) return std::nullopt;
    }
  }
  if (fy_parser_get_stream_error(parser_)) failed_ = true;
  return failed_ ? std::nullopt : std::move(root);
}

EventPtr TreeBuilder::next_of_document() {
  EventPtr event = next();
  while (event && (event->type == FYET_STREAM_START || event->type == FYET_DOCUMENT_START)) event = next();
  return event;
}

bool TreeBuilder::each_member(std::string_view key, const std::function<bool(YamlNode&&)>& take) {
  nodes_max_ = kYamlMemberNodesMax;
  has_anchors_ = false;
  const EventPtr map = next_of_document();
  if (!map || map->type == FYET_STREAM_END) return false;
  if (map->type != FYET_MAPPING_START) {
    fatal(place_of(map.get()), "is not a map of keys", "write " + std::string(key) + ": and a list below it");
    return true;
  }
  const EventPtr first = next();
  if (first && first->type != FYET_MAPPING_END && begin_list(key, first.get())) {
    take_members(take);
    if (failed_ || is_stopped_) return true;
    const EventPtr end = next();
    if (end && end->type != FYET_MAPPING_END)
      fatal(place_of(end.get()), "there is another key", "write " + std::string(key) + " alone");
  }
  if (fy_parser_get_stream_error(parser_)) failed_ = true;
  return true;
}

bool TreeBuilder::begin_list(std::string_view key, fy_event* key_event) {
  const YamlPlace place = place_of(key_event);
  const std::string instead = "write " + std::string(key) + ": and a list below it";
  if (key_event->type != FYET_SCALAR || token_text(key_event->scalar.value) != key) {
    fatal(place, "there is no such key", instead);
    return false;
  }
  const EventPtr list = next();
  if (list && list->type == FYET_SEQUENCE_START) return true;
  if (list) fatal(place, "is not a list", instead);
  failed_ = true;
  return false;
}

void TreeBuilder::take_members(const std::function<bool(YamlNode&&)>& take) {
  while (EventPtr event = next()) {
    if (event->type == FYET_SEQUENCE_END) return;
    nodes_ = 0;
    std::optional<YamlNode> member = node(event.get(), 3);
    if (!member) return;
    if (take(std::move(*member))) continue;
    is_stopped_ = true;
    return;
  }
  failed_ = true;
}

std::optional<YamlNode> TreeBuilder::node(fy_event* event, int depth) {
  const YamlPlace place = place_of(event);
  if (depth > kYamlDepthMax) {
    too_deep(place);
    return std::nullopt;
  }
  if (event->type == FYET_ALIAS) return alias(event, depth);
  if (!count_nodes(1, place)) return std::nullopt;
  // Names are copied now: the event's tokens are gone once its children are read.
  const std::string anchor = token_text(fy_event_get_anchor_token(event));
  if (!anchor.empty() && !has_anchors_) {
    fatal(place, "an anchor (&)", "write the value itself wherever it is needed");
    return std::nullopt;
  }
  std::optional<YamlNode> made;
  if (event->type == FYET_SCALAR) {
    drop_tag(event->scalar.tag, place);
    made.emplace();
    made->place = place;
    made->text = token_text(event->scalar.value);
    made->quoted =
        event->scalar.value != nullptr && fy_scalar_token_get_style(event->scalar.value) != FYSS_PLAIN;
  } else if (event->type == FYET_SEQUENCE_START) {
    drop_tag(event->sequence_start.tag, place);
    made = list(place, depth);
  } else if (event->type == FYET_MAPPING_START) {
    drop_tag(event->mapping_start.tag, place);
    made = map(place, depth);
  }
  if (made && !anchor.empty()) {
    if (!count_nodes(size_of(*made), place)) return std::nullopt;
    anchors_[anchor] = *made;
  }
  return made;
}

std::optional<YamlNode> TreeBuilder::alias(fy_event* event, int depth) {
  const YamlPlace place = place_of(event);
  const std::string name = token_text(event->alias.anchor);
  const auto found = anchors_.find(name);
  if (found == anchors_.end()) {
    fatal(place, "alias *" + name + " names no anchor that is complete before it",
          "write &" + name + " before its first use");
    return std::nullopt;
  }
  if (!count_nodes(size_of(found->second), place)) return std::nullopt;
  if (depth + depth_of(found->second) - 1 > kYamlDepthMax) {
    too_deep(place);
    return std::nullopt;
  }
  return found->second;
}

std::optional<YamlNode> TreeBuilder::list(YamlPlace place, int depth) {
  YamlNode made;
  made.kind = YamlNode::Kind::List;
  made.place = place;
  while (EventPtr event = next()) {
    if (event->type == FYET_SEQUENCE_END) return made;
    std::optional<YamlNode> item = node(event.get(), depth + 1);
    if (!item) return std::nullopt;
    if (item->place.line == 0) item->place = place;
    made.items.push_back(std::move(*item));
  }
  failed_ = true;
  return std::nullopt;
}

std::optional<YamlNode> TreeBuilder::map(YamlPlace place, int depth) {
  YamlNode made;
  made.kind = YamlNode::Kind::Map;
  made.place = place;
  KeysSeen seen;
  while (EventPtr event = next()) {
    if (event->type == FYET_MAPPING_END) return made;
    if (!add_entry(made, seen, event.get(), depth)) return std::nullopt;
  }
  failed_ = true;
  return std::nullopt;
}

bool TreeBuilder::add_entry(YamlNode& map, KeysSeen& seen, fy_event* key_event, int depth) {
  const YamlPlace place = place_of(key_event);
  if (key_event->type != FYET_SCALAR) {
    fatal(place, "a key that is not a word", "write a word before the colon");
    return false;
  }
  std::string key = token_text(key_event->scalar.value);
  const bool is_merge = key == "<<" && fy_scalar_token_get_style(key_event->scalar.value) == FYSS_PLAIN;
  const EventPtr value_event = next();
  if (!value_event) {
    failed_ = true;
    return false;
  }
  std::optional<YamlNode> value = node(value_event.get(), depth + 1);
  if (!value) return false;
  if (value->place.line == 0) value->place = place;  // nothing is written after the colon
  if (is_merge) {
    merge(map, seen, *value, place);
    return true;
  }
  const auto [first, is_new] = seen.own.emplace(key, place.line);
  if (is_new && seen.merged.erase(key) != 0) {
    YamlEntry* merged = map.find(key);
    *merged = {std::move(key), place, std::move(*value)};  // a key of its own wins over a merged one
    return true;
  }
  map.entries.push_back({std::move(key), place, std::move(*value), is_new ? 0 : first->second});
  return true;
}

// YAML merge key: keys of the named map that this map does not have yet.
void TreeBuilder::merge(YamlNode& map, KeysSeen& seen, const YamlNode& from, YamlPlace place) {
  if (from.is_list()) {
    for (const YamlNode& item : from.items) merge(map, seen, item, place);
    return;
  }
  if (!from.is_map()) {
    problems_.push_back({place, "<<", "merges something that is not a map", "name a map, as in <<: *anchor"});
    return;
  }
  for (const YamlEntry& entry : from.entries) {
    if (seen.own.contains(entry.key) || !seen.merged.insert(entry.key).second) continue;
    map.entries.push_back(entry);
  }
}

void collect_diagnostics(fy_diag* diag, std::size_t file, std::vector<YamlProblem>& problems) {
  void* iterator = nullptr;
  const fy_diag_error* error = fy_diag_errors_iterate(diag, &iterator);
  if (error == nullptr) {
    problems.push_back({{file, 1, 1}, "", "not YAML", "write a YAML file in UTF-8"});
    return;
  }
  // Later ones only follow from the first.
  problems.push_back({{file, error->line > 0 ? error->line : 1, error->column},
                      "",
                      std::string("not YAML: ") + (error->msg == nullptr ? "syntax error" : error->msg) +
                          " (column " + std::to_string(error->column > 0 ? error->column : 1) + ")",
                      "correct the syntax there or just above"});
}

// Position of the first byte that no text file of ours may hold; npos when there is none.
std::size_t find_binary(std::string_view text) {
  const auto is_binary = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && byte != '\n' && byte != '\r' && byte != '\t') || byte == 0x7f;
  };
  const auto found = std::find_if(text.begin(), text.end(), is_binary);
  return found == text.end() ? std::string_view::npos : static_cast<std::size_t>(found - text.begin());
}

YamlDocument refused(std::size_t file, int line, std::string what, std::string instead) {
  YamlDocument document;
  document.problems.push_back({{file, line, 1}, "", std::move(what), std::move(instead)});
  return document;
}

YamlDocument too_large(std::size_t file, std::size_t bytes_max, std::string instead) {
  return refused(file, 0, "larger than " + std::to_string(bytes_max >> 20) + " MB", std::move(instead));
}

constexpr const char* kIncludeParts = "split it and include the parts";

// libfyaml over a text that outlives it.
struct Parsing {
  std::unique_ptr<fy_diag, DiagDeleter> diag;
  std::unique_ptr<fy_parser, ParserDeleter> parser;  // null: no memory
  explicit Parsing(std::string_view text);
};

Parsing::Parsing(std::string_view text) {
  fy_diag_cfg diag_settings;
  fy_diag_cfg_default(&diag_settings);
  diag_settings.fp = nullptr;
  diag.reset(fy_diag_create(&diag_settings));
  if (!diag) return;
  fy_diag_set_collect_errors(diag.get(), true);
  fy_parse_cfg settings{};
  settings.flags = static_cast<fy_parse_cfg_flags>(FYPCF_QUIET | FYPCF_COLLECT_DIAG |
                                                   FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE);
  settings.diag = diag.get();
  parser.reset(fy_parser_create(&settings));
  if (parser && fy_parser_set_string(parser.get(), text.data(), text.size()) != 0) parser.reset();
}

// Why no parser need look at it.
std::optional<YamlDocument> unfit(std::string_view text, std::size_t file) {
  const std::size_t at = find_binary(text);
  if (at == std::string_view::npos) return std::nullopt;
  const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
  return refused(file, static_cast<int>(line), "holds a control byte", "write plain text in UTF-8");
}

// The text of a file; nothing after a problem was noted in `document`.
std::optional<std::string> read_text(const std::filesystem::path& path, std::size_t file,
                                     std::size_t bytes_max, YamlDocument& document) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    const bool exists = std::filesystem::exists(path, error);
    document = refused(file, 0, exists ? "is not a regular file" : "there is no such file",
                       "name a configuration file");
    return std::nullopt;
  }
  const auto size = std::filesystem::file_size(path, error);
  if (!error && size > bytes_max) {
    document = too_large(file, bytes_max, kIncludeParts);
    return std::nullopt;
  }
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    document = refused(file, 0, std::string("can't be read: ") + std::strerror(errno),
                       "give the user that runs sallyport the right to read it");
    return std::nullopt;
  }
  std::string text(error ? 0 : static_cast<std::size_t>(size), '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

}  // namespace

YamlDocument parse_yaml(std::string_view text, std::size_t file) {
  if (text.size() > kYamlBytesMax) return too_large(file, kYamlBytesMax, kIncludeParts);
  if (auto why = unfit(text, file)) return std::move(*why);
  YamlDocument document;
  const Parsing parsing(text);
  if (!parsing.parser) return refused(file, 0, "no memory to read it", "free some memory");
  TreeBuilder builder(parsing.parser.get(), file, document.problems);
  document.root = builder.build();
  if (builder.failed() && document.problems.empty())
    collect_diagnostics(parsing.diag.get(), file, document.problems);
  if (!builder.failed() && !document.root && document.problems.empty())
    return refused(file, 1, "is empty", "write at least version, node, ports, realms, peers and routes");
  return document;
}

YamlDocument read_yaml_file(const std::filesystem::path& path, std::size_t file) {
  YamlDocument document;
  const auto text = read_text(path, file, kYamlBytesMax, document);
  return text ? parse_yaml(*text, file) : std::move(document);
}

std::vector<YamlProblem> read_yaml_list(const std::filesystem::path& path, std::size_t file,
                                        const YamlListFile& form,
                                        const std::function<bool(YamlNode&&)>& take) {
  YamlDocument document;
  const auto text = read_text(path, file, form.bytes_max, document);
  if (!text) return std::move(document.problems);
  if (auto why = unfit(*text, file)) return std::move(why->problems);
  const Parsing parsing(*text);
  if (!parsing.parser) return refused(file, 0, "no memory to read it", "free some memory").problems;
  TreeBuilder builder(parsing.parser.get(), file, document.problems);
  const bool has_document = builder.each_member(form.key, take);
  if (builder.failed() && document.problems.empty())
    collect_diagnostics(parsing.diag.get(), file, document.problems);
  if (!has_document && document.problems.empty())
    return refused(file, 1, "is empty", "write " + std::string(form.key) + ": and a list below it").problems;
  return std::move(document.problems);
}

}  // namespace sallyport::mgmt
