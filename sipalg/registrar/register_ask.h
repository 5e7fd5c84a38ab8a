// register_ask.h — what a REGISTER asks for, read out of the message: RFC 3261 §10.2, §10.3 steps 6 and 7,
// §20.10; RFC 3327 §5; RFC 5626 §4.2, §6; RFC 5627 §5.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sipalg/message/sip_message.h"

namespace sallyport::sip {

// A binding that lasts less would cost more than it is worth: 423.
inline constexpr std::uint32_t kShortestLifetimeSeconds = 10;
inline constexpr std::size_t kContactUriBytesMax = 512, kContactParamsBytesMax = 512;
inline constexpr std::size_t kPathValuesMax = 8;

struct AskedContact {
  std::string uri;       // as written
  std::string params;    // ";+sip.instance=...;q=0.5": all but expires and what is ours to say
  std::string instance;  // of +sip.instance, without quotes; empty: none
  std::uint32_t reg_id = 0;
  std::uint16_t q = 1000;
  std::uint32_t seconds = 0;  // 0: the binding ends
};

struct RegisterAsk {
  std::string aor;
  std::string call_id;
  std::uint32_t cseq = 0;
  std::vector<AskedContact> contacts;                                   // none, and no star: a query
  bool is_star = false;                                                 // every binding ends
  std::vector<std::string> path;                                        // values, topmost first
  bool knows_path = false, knows_outbound = false, knows_gruu = false;  // Supported
  std::string user_agent;

  [[nodiscard]] bool is_query() const noexcept { return contacts.empty() && !is_star; }
  // Bindings are known by instance and flow, not by their URI. RFC 5626 §6
  [[nodiscard]] bool uses_outbound() const noexcept;
};

// Why it can't be granted, whoever asks; code 0: it may be.
struct RegisterRefusal {
  std::uint16_t code = 0;
  std::string lines;             // whole header lines that belong to the code
  std::string_view reason = {};  // for a Warning; empty: the code says it
};
struct RegisterTerms {
  const StrictnessPolicy& strictness;
  std::uint32_t default_seconds;  // where neither Contact nor Expires says
};
// Reads as far as it can be granted; `aor` is read in any case, empty when To names nobody.
[[nodiscard]] RegisterRefusal read_register(const SipMessage& request, const RegisterTerms& terms,
                                            RegisterAsk& out);

// What of `params` an upstream may see: feature tags, instance, flow, preference. RFC 3840 §9
[[nodiscard]] std::string params_for_upstream(std::string_view params);
// They can be read to the end, and hold no control octet.
[[nodiscard]] bool are_contact_params(std::string_view params) noexcept;
// The parameter's value, with its quotes; empty when it has none or is not there.
[[nodiscard]] std::string_view find_contact_param(std::string_view params, std::string_view name) noexcept;

}  // namespace sallyport::sip
