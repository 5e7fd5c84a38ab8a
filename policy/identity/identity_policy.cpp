// identity_policy.cpp — see identity_policy.h: RFC 3323 §4, §5; RFC 3325 §4 to §9;
// draft-ietf-sip-privacy-04 (Remote-Party-ID).
#include "policy/identity/identity_policy.h"

#include <algorithm>
#include <array>

namespace sallyport::policy {
namespace {

[[nodiscard]] constexpr char to_small(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
[[nodiscard]] bool is_same_word(std::string_view one, std::string_view small) noexcept {
  return one.size() == small.size() &&
         std::equal(one.begin(), one.end(), small.begin(), [](char a, char b) { return to_small(a) == b; });
}

[[nodiscard]] std::string_view trimmed(std::string_view text) noexcept {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// Calls `visit` with each part between separators, white space cut off.
template <class Visit>
void for_each_part(std::string_view text, std::string_view separators, Visit visit) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(separators), text.size());
    visit(trimmed(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

struct PrivacyWord {
  std::string_view word;
  bool PrivacyWish::* member;
};
constexpr std::array<PrivacyWord, 7> kPrivacyWords{{{"header", &PrivacyWish::header},
                                                    {"session", &PrivacyWish::session},
                                                    {"user", &PrivacyWish::user},
                                                    {"id", &PrivacyWish::id},
                                                    {"history", &PrivacyWish::history},
                                                    {"none", &PrivacyWish::none},
                                                    {"critical", &PrivacyWish::critical}}};

// Rebuilt from what was understood, never copied.
[[nodiscard]] std::string privacy_value(const PrivacyWish& wish) {
  std::string value;
  for (const PrivacyWord& one : kPrivacyWords) {
    if (!(wish.*one.member)) continue;
    if (!value.empty()) value += ';';
    value += one.word;
  }
  return value;
}

// What the parameters behind a Remote-Party-ID's address say.
struct RemotePartyTerms {
  bool is_caller = true, is_screened = true, wants_privacy = false;
};
[[nodiscard]] RemotePartyTerms remote_party_terms(std::string_view value) noexcept {
  RemotePartyTerms terms;
  const std::size_t bracket = value.rfind('>');
  const std::size_t params = value.find(';', bracket == std::string_view::npos ? 0 : bracket);
  if (params == std::string_view::npos) return terms;
  for_each_part(value.substr(params + 1), ";", [&terms](std::string_view part) {
    const std::size_t equals = std::min(part.find('='), part.size());
    const std::string_view name = trimmed(part.substr(0, equals));
    const std::string_view word = trimmed(part.substr(std::min(equals + 1, part.size())));
    if (is_same_word(name, "party")) terms.is_caller = is_same_word(word, "calling");
    if (is_same_word(name, "screen")) terms.is_screened = is_same_word(word, "yes");
    if (is_same_word(name, "privacy")) terms.wants_privacy = !is_same_word(word, "off");
  });
  return terms;
}

// The identity that the near side may give the caller; empty: none.
[[nodiscard]] FixedVector<std::string_view, kAssertedMax> believed(const IdentityFacts& facts,
                                                                   IdentityAccept accept, PrivacyWish& wish) {
  FixedVector<std::string_view, kAssertedMax> identity;
  // What an untrusted neighbour asserts is removed; its preference is at most a hint for who authenticates
  // it, and nothing here does. RFC 3325 §4, §5, §6
  if (accept == IdentityAccept::None) return identity;
  for (const std::string_view one : facts.asserted)
    if (!one.empty()) static_cast<void>(identity.push_back(one));
  if (!identity.empty() || accept == IdentityAccept::Pai) return identity;
  const RemotePartyTerms terms = remote_party_terms(facts.remote_party);
  if (!facts.remote_party.empty() && terms.is_caller && terms.is_screened) {
    static_cast<void>(identity.push_back(facts.remote_party));
    wish.id = wish.id || terms.wants_privacy;
  } else if (!facts.preferred.empty()) {
    static_cast<void>(identity.push_back(facts.preferred));  // RFC 3325 §6, §9.2
  }
  return identity;
}

}  // namespace

PrivacyWish parse_privacy(std::string_view value) noexcept {
  PrivacyWish wish;
  for_each_part(value, ";,", [&wish](std::string_view part) {
    for (const PrivacyWord& one : kPrivacyWords)
      if (is_same_word(part, one.word)) wish.*one.member = true;
  });
  // "none" may not stand beside others; where it does, the caller's privacy wins. RFC 3323 §4.2
  if (wish.header || wish.session || wish.user || wish.id || wish.history) wish.none = false;
  return wish;
}

IdentityDecision decide_identity(const IdentityFacts& facts, const IdentityTerms& terms) {
  IdentityDecision decision;
  PrivacyWish wish = parse_privacy(facts.privacy);
  decision.identity = believed(facts, terms.accept, wish);
  if (wish.id || wish.user) wish.none = false;
  const bool hides = terms.honour_privacy && !terms.far_is_trusted;
  // "id" keeps the asserted identity within the trust domain (RFC 3325 §7); one who hides his name from the
  // far side ("user") would be betrayed by it all the same. Without a wish the identity goes. RFC 3325 §7
  if (terms.send == IdentitySend::None || (hides && (wish.id || wish.user))) decision.identity.clear();
  if (!decision.identity.empty()) decision.write = terms.send;
  if (decision.write == IdentitySend::Rpid)
    decision.remote_party_params =
        wish.id ? ";party=calling;screen=yes;privacy=full" : ";party=calling;screen=yes;privacy=off";
  if (!hides) {
    // Within the trust domain the wish travels on to where the border is. RFC 3323 §4.2, RFC 3325 §7
    decision.privacy = privacy_value(wish);
    return decision;
  }
  decision.hide_from = wish.user;                                    // RFC 3323 §5.3
  decision.hide_headers = wish.user || wish.header || wish.history;  // RFC 3323 §5.1, RFC 7044 §10.1
  // What was asked for is done here (the host of every URI is hidden anyway, media is relayed), so it is
  // taken out; "none" must reach the far side. RFC 3323 §5
  if (wish.none) decision.privacy = "none";
  return decision;
}

}  // namespace sallyport::policy
