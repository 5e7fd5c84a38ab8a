// rule_options.h — the options of a rule, one after the other, become conditions of a Signature.
#pragma once

#include <span>
#include <string_view>

#include "policy/signatures/rule_text.h"
#include "policy/signatures/signature.h"

namespace sallyport::policy {

inline constexpr std::size_t kConditionsMax = 32;  // of one rule
inline constexpr std::uint32_t kThresholdCountMax = 1'000'000;
inline constexpr std::uint32_t kThresholdSecondsMax = 3600;

class RuleOptionReader {
 public:
  // `signature` holds what the head says.
  explicit RuleOptionReader(Signature& signature) noexcept : signature_(signature) {}
  [[nodiscard]] Result<void, RuleFault> read(std::span<const RuleOption> options);

 private:
  using Answer = Result<void, RuleFault>;
  using Reader = Answer (RuleOptionReader::*)(std::string_view value);
  enum class Value : std::uint8_t { None, Must, May };
  struct Known {
    std::string_view name;
    Reader reader;
    Value value = Value::Must;
  };
  static const Known kKnown[];
  enum class Base : std::uint8_t { None, Content, Pcre };

  [[nodiscard]] Answer read_one(const RuleOption& option);
  [[nodiscard]] Answer begin_buffer(SipBuffer buffer);
  [[nodiscard]] Answer add(SignatureCondition condition);
  [[nodiscard]] Answer end_buffer();
  [[nodiscard]] Answer end_content();
  [[nodiscard]] Answer finish();
  // The content that a modifier is about.
  [[nodiscard]] Result<ContentMatch*, RuleFault> last_content(std::string_view modifier);
  [[nodiscard]] Answer set_number(std::string_view value, std::string_view name, std::uint32_t& out);

  [[nodiscard]] Answer read_msg(std::string_view value);
  [[nodiscard]] Answer read_sid(std::string_view value);
  [[nodiscard]] Answer read_rev(std::string_view value);
  [[nodiscard]] Answer read_gid(std::string_view value);
  [[nodiscard]] Answer read_priority(std::string_view value);
  [[nodiscard]] Answer read_classtype(std::string_view value);
  [[nodiscard]] Answer read_note(std::string_view value);
  [[nodiscard]] Answer read_flow(std::string_view value);
  [[nodiscard]] Answer read_threshold(std::string_view value);
  [[nodiscard]] Answer read_filter(std::string_view value);
  [[nodiscard]] Answer read_content(std::string_view value);
  [[nodiscard]] Answer read_pcre(std::string_view value);
  [[nodiscard]] Answer read_reach(std::string_view value);
  [[nodiscard]] Answer read_bsize(std::string_view value);
  [[nodiscard]] Answer read_dsize(std::string_view value);
  [[nodiscard]] Answer read_nocase(std::string_view value);
  [[nodiscard]] Answer read_rawbytes(std::string_view value);
  [[nodiscard]] Answer read_fast(std::string_view value);
  [[nodiscard]] Answer read_startswith(std::string_view value);
  [[nodiscard]] Answer read_endswith(std::string_view value);
  [[nodiscard]] Answer read_offset(std::string_view value);
  [[nodiscard]] Answer read_depth(std::string_view value);
  [[nodiscard]] Answer read_distance(std::string_view value);
  [[nodiscard]] Answer read_within(std::string_view value);

  Signature& signature_;
  std::size_t conditions_ = 0;
  Base base_ = Base::None;        // what a relative condition would count from
  bool is_content_open_ = false;  // modifiers may follow
  bool is_at_start_ = false;      // of the open content: startswith
  bool has_offset_ = false;       // of the open content: offset or depth
};

}  // namespace sallyport::policy
