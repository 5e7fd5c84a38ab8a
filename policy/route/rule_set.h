// rule_set.h — number and header rules (header_rules of the configuration), compiled once, as edits that
// sipalg applies to the request it builds.
//
// Linear in what it is given. No result is longer than its limit, none holds a control octet, and the called
// number is never made empty: a step that would do so changes nothing and says so.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policy/model/route.h"
#include "policy/route/dialled.h"
#include "policy/route/pattern.h"
#include "policy/route/route_request.h"

namespace sallyport::policy {

inline constexpr std::size_t kHeaderValueBytesMax = 4096;

// The request as the rules see it. The four numbers are user parts (or tel numbers), without escapes
// (unescaped_user); they are changed in place. Empty: there is none; a caller, identity or diversion that
// is empty afterwards is not written.
struct RuleSubject {
  std::string called;
  std::string caller;
  std::string identity;   // of P-Asserted-Identity
  std::string diversion;  // of the first Diversion
  std::string_view method;
  std::span<const HeaderView> headers;  // as received
};

// The new message has exactly these fields of that name, whatever the received one had; no value: none.
struct HeaderEdit {
  std::string name;
  std::vector<std::string> values;
  // A `set` step made it: it crosses though no list of passing headers names it.
  bool is_set = false;
};

// A step on an attribute of SDP, done where SDP is rewritten. Views point into the RuleSet.
struct SdpEdit {
  std::string_view attribute;
  RuleAction action = RuleAction::Set;
  std::string_view value;            // Set: the value; Remove: "all" or "first"
  std::uint16_t rule = 0, step = 0;  // Replace: RuleSet::replace_sdp
};

enum class RuleEffect : std::uint8_t {
  Changed,
  Unchanged,         // it is already so, or there was nothing to remove
  NoMatch,           // the pattern did not match
  Deferred,          // an SdpEdit
  WouldEmptyCalled,  // nothing done
  TooLong,           // nothing done
  OwnHeader,         // nothing done: Sallyport writes that header itself
  OtherMethod,       // the whole rule is not for this request
};
[[nodiscard]] std::string_view to_string(RuleEffect effect) noexcept;

// One step, for people; `before` and `after` show the value (of a header: its fields joined by ", ").
struct RuleTrace {
  std::uint16_t rule = 0, step = 0;
  RuleEffect effect = RuleEffect::Unchanged;
  std::string before, after;
};

struct RuleEdits {
  std::vector<HeaderEdit> headers;  // one for each name that was changed
  std::vector<SdpEdit> sdp;
  std::vector<RuleTrace>* trace = nullptr;  // filled when set
  // Steps that were not done because the result would have been empty, too long or on an own header.
  std::uint32_t refused = 0;

  [[nodiscard]] const HeaderEdit* find(std::string_view name) const noexcept;
};

class RuleSet {
 public:
  explicit RuleSet(const std::vector<HeaderRuleConfig>& rules);
  ~RuleSet();
  RuleSet(const RuleSet&) = delete;
  RuleSet& operator=(const RuleSet&) = delete;

  // Rules by position, in order. Each goes on from what those before it left in `subject` and `edits`, so
  // the rules of the source, of the route and of the target may be applied one after the other.
  void apply(std::span<const std::uint16_t> rules, RuleSubject& subject, RuleEdits& edits) const noexcept;
  // The value of an SDP attribute after a Replace; nothing when it stays as it is.
  [[nodiscard]] std::optional<std::string> replace_sdp(const SdpEdit& edit,
                                                       std::string_view value) const noexcept;

  // Positions of names as profiles and routes list them; a name that is not there is left out.
  [[nodiscard]] std::vector<std::uint16_t> positions(const std::vector<std::string>& names) const;
  [[nodiscard]] std::string_view name_of(std::uint16_t rule) const noexcept;
  [[nodiscard]] std::size_t size() const noexcept;

 private:
  struct Rule;
  std::vector<Rule> rules_;
};

// Headers that make the transaction, the dialog and the body what they are: no rule touches them.
// RFC 3261 §8.1.1
[[nodiscard]] bool is_own_header(std::string_view name) noexcept;

}  // namespace sallyport::policy
