// call_search.h — what an operator looks for among calls: a number as people write it, or a piece of a name,
// an address or a Call-ID.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "policy/record/call_record.h"

namespace sallyport::mgmt {

class CallSearch {
 public:
  static constexpr std::size_t kBytesMax = 128;  // of a text that is looked for

  // Empty: every call has it.
  explicit CallSearch(std::string_view text);

  // Capitals count as small letters. In numbers and addresses of caller and called spaces, brackets, dots,
  // dashes and slashes count for nothing: "+49 (30) 111-22" is found in sip:+493011122@example.com. Looked in
  // too: id, peers, route, and of each leg Call-ID and address.
  [[nodiscard]] bool matches(const CallRecord& call) const;

 private:
  std::string words_;    // small letters
  std::string written_;  // the same without what numbers are set apart by
};

}  // namespace sallyport::mgmt
