// rule_options.cpp — see rule_options.h.
#include "policy/signatures/rule_options.h"

#include <algorithm>

#include "policy/signatures/rule_values.h"

namespace sallyport::policy {
namespace {

[[nodiscard]] RuleFault fault(std::string what, std::string instead) {
  return {std::move(what), std::move(instead)};
}

[[nodiscard]] std::string small_letters(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

}  // namespace

const RuleOptionReader::Known RuleOptionReader::kKnown[] = {
    {"msg", &RuleOptionReader::read_msg},
    {"sid", &RuleOptionReader::read_sid},
    {"rev", &RuleOptionReader::read_rev},
    {"gid", &RuleOptionReader::read_gid},
    {"priority", &RuleOptionReader::read_priority},
    {"classtype", &RuleOptionReader::read_classtype},
    {"reference", &RuleOptionReader::read_note},
    {"metadata", &RuleOptionReader::read_note},
    {"target", &RuleOptionReader::read_note},
    {"flow", &RuleOptionReader::read_flow},
    {"threshold", &RuleOptionReader::read_threshold},
    {"detection_filter", &RuleOptionReader::read_filter},
    {"content", &RuleOptionReader::read_content},
    {"pcre", &RuleOptionReader::read_pcre},
    {"isdataat", &RuleOptionReader::read_reach},
    {"bsize", &RuleOptionReader::read_bsize},
    {"dsize", &RuleOptionReader::read_dsize},
    {"nocase", &RuleOptionReader::read_nocase, Value::None},
    {"rawbytes", &RuleOptionReader::read_rawbytes, Value::None},
    {"fast_pattern", &RuleOptionReader::read_fast, Value::May},
    {"startswith", &RuleOptionReader::read_startswith, Value::None},
    {"endswith", &RuleOptionReader::read_endswith, Value::None},
    {"offset", &RuleOptionReader::read_offset},
    {"depth", &RuleOptionReader::read_depth},
    {"distance", &RuleOptionReader::read_distance},
    {"within", &RuleOptionReader::read_within},
};

RuleOptionReader::Answer RuleOptionReader::read(std::span<const RuleOption> options) {
  for (const RuleOption& option : options)
    if (auto done = read_one(option); !done) return done;
  if (auto done = end_buffer(); !done) return done;
  return finish();
}

RuleOptionReader::Answer RuleOptionReader::read_one(const RuleOption& option) {
  const auto buffer = std::find(kSipBufferNames.begin(), kSipBufferNames.end(), option.name);
  if (buffer != kSipBufferNames.end()) {
    if (option.has_value)
      return fail(fault(std::string(option.name) + " takes no value",
                        "write " + std::string(option.name) + "; and content:\"...\"; behind it"));
    return begin_buffer(static_cast<SipBuffer>(buffer - kSipBufferNames.begin()));
  }
  const auto* const known = std::find_if(std::begin(kKnown), std::end(kKnown),
                                         [&](const Known& one) { return one.name == option.name; });
  if (known == std::end(kKnown))
    return fail(fault("the option " + shown(option.name) + " is not taken", instead_of_option(option.name)));
  const std::string name(option.name);
  if (known->value == Value::Must && option.value.empty())
    return fail(fault(name + " has no value", "write " + name + ":VALUE;"));
  if (known->value == Value::None && option.has_value)
    return fail(fault(name + " takes no value", "write " + name + ";"));
  return (this->*known->reader)(option.value);
}

RuleOptionReader::Answer RuleOptionReader::begin_buffer(SipBuffer buffer) {
  if (auto done = end_buffer(); !done) return done;
  // All of a message may be named again and again.
  if (buffer == SipBuffer::Message && signature_.matches.empty()) return {};
  signature_.matches.push_back({buffer, {}});
  return {};
}

RuleOptionReader::Answer RuleOptionReader::end_buffer() {
  if (auto done = end_content(); !done) return done;
  base_ = Base::None;
  if (signature_.matches.empty() || !signature_.matches.back().conditions.empty()) return {};
  const SipBuffer buffer = signature_.matches.back().buffer;
  if (buffer == SipBuffer::Message) {
    signature_.matches.pop_back();
    return {};
  }
  const std::string name(kSipBufferNames[static_cast<std::size_t>(buffer)]);
  return fail(fault("nothing is asked of " + name, "write content, pcre or bsize behind " + name + ";"));
}

RuleOptionReader::Answer RuleOptionReader::add(SignatureCondition condition) {
  if (auto done = end_content(); !done) return done;
  if (++conditions_ > kConditionsMax)
    return fail(fault("more than " + std::to_string(kConditionsMax) + " conditions", "split the rule"));
  if (signature_.matches.empty()) signature_.matches.push_back({SipBuffer::Message, {}});
  signature_.matches.back().conditions.push_back(std::move(condition));
  return {};
}

// When all of its modifiers are known.
RuleOptionReader::Answer RuleOptionReader::end_content() {
  if (!is_content_open_) return {};
  is_content_open_ = false;
  auto& content = std::get<ContentMatch>(signature_.matches.back().conditions.back());
  const std::size_t size = content.bytes.size();
  const bool has_place = std::exchange(has_offset_, false);
  const bool is_at_start = std::exchange(is_at_start_, false);
  if (is_at_start) {
    if (has_place || content.is_relative())
      return fail(fault("startswith and another place are asked of one content", "leave one of them out"));
    content.depth = static_cast<std::uint32_t>(size);
  }
  if (content.is_relative()) {
    if (has_place)
      return fail(fault("offset or depth and distance or within are asked of one content",
                        "offset and depth count from the start, distance and within from the match before"));
    if (base_ != Base::Content)
      return fail(base_ == Base::Pcre
                      ? fault("distance or within would count from the end of a pcre",
                              "put the content into the pattern")
                      : fault("distance or within has no content before it in the same buffer",
                              "use offset and depth"));
  }
  if ((content.depth && *content.depth < size) || (content.within && *content.within < size))
    return fail(fault("the content has " + std::to_string(size) + " octets and its depth or within is less",
                      "at least " + std::to_string(size)));
  if (content.is_nocase) content.bytes = small_letters(std::move(content.bytes));
  if (!content.is_negated) base_ = Base::Content;
  return {};
}

RuleOptionReader::Answer RuleOptionReader::finish() {
  if (signature_.sid == 0)
    return fail(fault("the rule has no sid", "sid:NUMBER;, a number that no other rule has"));
  std::size_t fast = 0;
  for (const BufferMatch& match : signature_.matches)
    for (const SignatureCondition& one : match.conditions)
      if (const auto* const content = std::get_if<ContentMatch>(&one))
        if (content->is_fast && ++fast > 1)
          return fail(fault("fast_pattern stands at more than one content", "leave it at one"));
  return {};
}

Result<ContentMatch*, RuleFault> RuleOptionReader::last_content(std::string_view modifier) {
  if (!is_content_open_)
    return fail(
        fault(std::string(modifier) + " stands behind no content", "write it right behind content:\"...\";"));
  return &std::get<ContentMatch>(signature_.matches.back().conditions.back());
}

RuleOptionReader::Answer RuleOptionReader::set_number(std::string_view value, std::string_view name,
                                                      std::uint32_t& out) {
  if (!read_number(value, out))
    return fail(fault(std::string(name) + " " + shown(value) + " is no number", "0 to 4294967295"));
  return {};
}

RuleOptionReader::Answer RuleOptionReader::read_msg(std::string_view value) {
  const auto text = quoted_text(value);
  if (!text) return fail(text.error());
  if (text->is_negated) return fail(fault("msg can't be negated", "leave out the !"));
  signature_.msg = unescaped_text(text->text);
  return {};
}

RuleOptionReader::Answer RuleOptionReader::read_sid(std::string_view value) {
  if (auto done = set_number(value, "sid", signature_.sid); !done) return done;
  if (signature_.sid == 0) return fail(fault("sid 0 is no number of a rule", "1 to 4294967295"));
  return {};
}

RuleOptionReader::Answer RuleOptionReader::read_rev(std::string_view value) {
  return set_number(value, "rev", signature_.rev);
}

RuleOptionReader::Answer RuleOptionReader::read_gid(std::string_view value) {
  return set_number(value, "gid", signature_.gid);
}

RuleOptionReader::Answer RuleOptionReader::read_priority(std::string_view value) {
  return set_number(value, "priority", signature_.priority);
}

RuleOptionReader::Answer RuleOptionReader::read_classtype(std::string_view value) {
  const bool is_word = std::all_of(value.begin(), value.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
  if (!is_word)
    return fail(fault("the classtype " + shown(value) + " is no word", "letters, digits, - and _"));
  signature_.classtype = value;
  return {};
}

// For people; it changes nothing.
RuleOptionReader::Answer RuleOptionReader::read_note(std::string_view) { return {}; }

RuleOptionReader::Answer RuleOptionReader::read_flow(std::string_view value) {
  const auto flow = parse_flow(value);
  if (!flow) return fail(flow.error());
  signature_.flow = *flow;
  return {};
}

RuleOptionReader::Answer RuleOptionReader::read_threshold(std::string_view value) {
  if (signature_.threshold)
    return fail(fault("a second threshold", "a rule has one threshold or detection_filter"));
  const auto threshold = parse_threshold(value, true);
  if (!threshold) return fail(threshold.error());
  signature_.threshold = *threshold;
  return {};
}

RuleOptionReader::Answer RuleOptionReader::read_filter(std::string_view value) {
  if (signature_.threshold)
    return fail(fault("a second threshold", "a rule has one threshold or detection_filter"));
  const auto threshold = parse_threshold(value, false);
  if (!threshold) return fail(threshold.error());
  signature_.threshold = *threshold;
  return {};
}

RuleOptionReader::Answer RuleOptionReader::read_content(std::string_view value) {
  const auto text = quoted_text(value);
  if (!text) return fail(text.error());
  auto bytes = content_bytes(text->text);
  if (!bytes) return fail(bytes.error());
  ContentMatch content;
  content.bytes = std::move(*bytes);
  content.is_negated = text->is_negated;
  if (auto done = add(std::move(content)); !done) return done;
  is_content_open_ = true;
  return {};
}

RuleOptionReader::Answer RuleOptionReader::read_pcre(std::string_view value) {
  auto pcre = parse_pcre(value);
  if (!pcre) return fail(pcre.error());
  if (auto done = end_content(); !done) return done;
  if (pcre->is_relative && base_ != Base::Content)
    return fail(fault("the flag R counts from a content, and there is none right before the pcre",
                      "leave out R, or put a content before it"));
  if (!pcre->is_negated || pcre->is_relative) base_ = Base::Pcre;
  return add(std::move(*pcre));
}

RuleOptionReader::Answer RuleOptionReader::read_reach(std::string_view value) {
  const auto reach = parse_reach(value);
  if (!reach) return fail(reach.error());
  if (auto done = end_content(); !done) return done;
  if (reach->is_relative && base_ != Base::Content)
    return fail(fault("isdataat is relative and no content is right before it", "leave out relative"));
  return add(*reach);
}

RuleOptionReader::Answer RuleOptionReader::read_bsize(std::string_view value) {
  const auto range = parse_size(value, "bsize");
  if (!range) return fail(range.error());
  return add(*range);
}

RuleOptionReader::Answer RuleOptionReader::read_dsize(std::string_view value) {
  const auto range = parse_size(value, "dsize");
  if (!range) return fail(range.error());
  signature_.message_size = *range;
  return {};
}

RuleOptionReader::Answer RuleOptionReader::read_nocase(std::string_view) {
  const auto content = last_content("nocase");
  if (!content) return fail(content.error());
  (*content)->is_nocase = true;
  return {};
}

// All is matched as it came.
RuleOptionReader::Answer RuleOptionReader::read_rawbytes(std::string_view) {
  const auto content = last_content("rawbytes");
  if (!content) return fail(content.error());
  return {};
}

RuleOptionReader::Answer RuleOptionReader::read_fast(std::string_view value) {
  const auto content = last_content("fast_pattern");
  if (!content) return fail(content.error());
  if (!value.empty())
    return fail(fault("fast_pattern " + shown(value) + " is not taken", "write fast_pattern;"));
  if ((*content)->is_negated)
    return fail(fault("fast_pattern stands at a negated content", "put it at a content that must be there"));
  (*content)->is_fast = true;
  return {};
}

RuleOptionReader::Answer RuleOptionReader::read_startswith(std::string_view) {
  const auto content = last_content("startswith");
  if (!content) return fail(content.error());
  is_at_start_ = true;
  return {};
}

RuleOptionReader::Answer RuleOptionReader::read_endswith(std::string_view) {
  const auto content = last_content("endswith");
  if (!content) return fail(content.error());
  (*content)->is_at_end = true;
  return {};
}

RuleOptionReader::Answer RuleOptionReader::read_offset(std::string_view value) {
  const auto content = last_content("offset");
  if (!content) return fail(content.error());
  has_offset_ = true;
  return set_number(value, "offset", (*content)->offset);
}

RuleOptionReader::Answer RuleOptionReader::read_depth(std::string_view value) {
  const auto content = last_content("depth");
  if (!content) return fail(content.error());
  has_offset_ = true;
  return set_number(value, "depth", (*content)->depth.emplace());
}

RuleOptionReader::Answer RuleOptionReader::read_distance(std::string_view value) {
  const auto content = last_content("distance");
  if (!content) return fail(content.error());
  if (!read_number(value, (*content)->distance.emplace()))
    return fail(fault("distance " + shown(value) + " is no number", "a number, which may be negative"));
  return {};
}

RuleOptionReader::Answer RuleOptionReader::read_within(std::string_view value) {
  const auto content = last_content("within");
  if (!content) return fail(content.error());
  return set_number(value, "within", (*content)->within.emplace());
}

}  // namespace sallyport::policy
