// register_ask.cpp — RFC 3261 §10.2, §10.3, §20.10; RFC 3327 §5; RFC 3840 §9; RFC 5626 §4.2, §6; RFC 5627 §5.
#include "sipalg/registrar/register_ask.h"

#include <algorithm>
#include <array>

#include "sipalg/message/message_writer.h"
#include "sipalg/registrar/aor.h"

namespace sallyport::sip {
namespace {

constexpr StrictnessPolicy kForgiving = StrictnessPolicy::of(Strictness::Lenient);
constexpr std::uint32_t kMalformedExpires = 3600;  // RFC 3261 §20.10
constexpr std::size_t kUserAgentBytesMax = 64, kPathBytesMax = 512;
constexpr std::array<std::string_view, 3> kOptions{"path", "outbound", "gruu"};
// RFC 3840 §10, RFC 4235; those that begin with '+' need no list.
constexpr std::array<std::string_view, 19> kFeatureTags{
    "q",       "reg-id",  "audio",      "video",   "application", "data",   "control",
    "class",   "duplex",  "mobility",   "actor",   "automata",    "events", "priority",
    "schemes", "methods", "extensions", "isfocus", "text"};

std::string_view without_quotes(std::string_view value) noexcept {
  const bool is_quoted = value.size() >= 2 && value.front() == '"' && value.back() == '"';
  return is_quoted ? value.substr(1, value.size() - 2) : value;
}

// Calls visit(param) for each one; false: they can't be read to the end.
template <class Visit>
bool for_each_param(std::string_view params, Visit visit) noexcept {
  Lexer lexer(params);
  lexer.skip_space();
  GenericParam param;
  while (lexer.next_is(';')) {
    if (!parse_generic_param(lexer, kForgiving, param)) return false;
    if (!param.name.empty()) visit(param);
  }
  return lexer.done();
}

void add_param(std::string& out, const GenericParam& param) {
  out.append(1, ';').append(param.name);
  if (param.has_value) out.append(1, '=').append(param.value);
}

// Thousandths of a qvalue. RFC 3261 §25.1
std::uint16_t read_q(std::string_view text) noexcept {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return 1000;
  if (text[0] == '1' || text.size() < 3 || text[1] != '.') return text[0] == '1' ? 1000 : 0;
  std::uint16_t value = 0;
  std::uint16_t place = 100;
  for (const char c : text.substr(2)) {
    if (c < '0' || c > '9') return 1000;
    value = static_cast<std::uint16_t>(value + (c - '0') * place);
    place = static_cast<std::uint16_t>(place / 10);
  }
  return value;
}

// False: it is none that a registrar here takes.
bool read_contact(const NameAddr& contact, std::uint32_t otherwise, AskedContact& out) {
  const UriScheme scheme = contact.uri.scheme;
  if (scheme != UriScheme::Sip && scheme != UriScheme::Sips) return false;
  if (contact.uri.text.size() > kContactUriBytesMax || !is_plain(contact.uri.text)) return false;
  // RFC 3261 §19.1.1: no headers in a Contact of a registration's own request but by its user's wish; none is
  // ever used here.
  out.uri = contact.uri.text;
  out.seconds = otherwise;
  const bool is_whole = for_each_param(contact.params, [&out](const GenericParam& param) {
    const auto is = [&param](std::string_view lower) { return equals_ignoring_case(param.name, lower); };
    if (is("expires")) {
      out.seconds = parse_decimal(param.value, 0xffffffffu).value_or(kMalformedExpires);
      return;
    }
    if (is("pub-gruu") || is("temp-gruu") || is("temp-gruu-cookie") || is("tag")) return;  // RFC 5627 §5.1
    if (!is_plain(param.value)) return;
    if (is("+sip.instance")) out.instance = without_quotes(param.value);
    if (is("reg-id")) out.reg_id = parse_decimal(param.value, 0x7fffffffu).value_or(0);
    if (is("q")) out.q = read_q(param.value);
    if (out.params.size() + param.name.size() + param.value.size() + 2 <= kContactParamsBytesMax)
      add_param(out.params, param);
  });
  if (out.instance.empty()) out.reg_id = 0;  // RFC 5626 §6: it means nothing alone
  return is_whole;
}

bool read_contacts(const SipMessage& request, const RegisterTerms& terms, RegisterAsk& out) {
  const std::uint32_t otherwise = request.has_expires ? request.expires : terms.default_seconds;
  for (std::size_t i = 0; i < request.header_count; ++i) {
    if (request.headers[i].name != HeaderName::Contact) continue;
    Lexer lexer(request.value_of(request.headers[i]));
    do {
      NameAddr contact;
      AskedContact asked;
      if (!parse_name_addr(lexer, terms.strictness, contact) || !read_contact(contact, otherwise, asked))
        return false;
      out.contacts.push_back(std::move(asked));
    } while (lexer.take(','));
  }
  return true;
}

bool read_path(const SipMessage& request, const StrictnessPolicy& strictness, std::vector<std::string>& out) {
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < request.header_count; ++i) {
    if (request.headers[i].name != HeaderName::Path) continue;
    Lexer lexer(request.value_of(request.headers[i]));
    do {
      NameAddr hop;
      if (!parse_name_addr(lexer, strictness, hop) || !is_plain(hop.uri.text)) return false;
      bytes += hop.uri.text.size();
      if (out.size() == kPathValuesMax || bytes > kPathBytesMax) return false;
      out.push_back("<" + std::string(hop.uri.text) + ">");
    } while (lexer.take(','));
  }
  return true;
}

bool any_outbound_hop(const std::vector<std::string>& path) {
  // The proxy next to the endpoint is the last one. RFC 5626 §5.1
  if (path.empty()) return false;
  const std::string& nearest = path.back();
  const std::size_t at = nearest.find(";ob");
  return at != std::string::npos &&
         (nearest[at + 3] == ';' || nearest[at + 3] == '>' || nearest[at + 3] == '=');
}

void read_options(const SipMessage& request, RegisterAsk& out) {
  for (std::size_t i = 0; i < request.header_count; ++i) {
    const HeaderField& field = request.headers[i];
    const std::string_view value = request.value_of(field);
    if (field.name == HeaderName::UserAgent && out.user_agent.empty() && is_plain(value))
      out.user_agent = value.substr(0, kUserAgentBytesMax);
    // What is required of us is understood by who requires it.
    if (field.name != HeaderName::Supported && field.name != HeaderName::Require) continue;
    (void)for_each_token(value, [&out](std::string_view token) {
      out.knows_path = out.knows_path || equals_ignoring_case(token, "path");
      out.knows_outbound = out.knows_outbound || equals_ignoring_case(token, "outbound");
      out.knows_gruu = out.knows_gruu || equals_ignoring_case(token, "gruu");
    });
  }
}

// RFC 3261 §10.3 step 2, §8.2.2.3
RegisterRefusal refuse_unknown_options(const SipMessage& request) {
  std::string unknown;
  for (std::size_t i = 0; i < request.header_count; ++i) {
    const HeaderField& field = request.headers[i];
    if (field.name != HeaderName::Require && field.name != HeaderName::ProxyRequire) continue;
    (void)for_each_token(request.value_of(field), [&unknown](std::string_view token) {
      const auto is_it = [token](std::string_view known) { return equals_ignoring_case(token, known); };
      if (std::ranges::any_of(kOptions, is_it) || unknown.size() > kContactParamsBytesMax) return;
      unknown.append(unknown.empty() ? "" : ", ").append(token);
    });
  }
  if (unknown.empty()) return {};
  return {.code = 420, .lines = "Unsupported: " + unknown + "\r\n"};
}

RegisterRefusal refuse_lifetimes(const RegisterAsk& ask) {
  for (const AskedContact& contact : ask.contacts)
    if (contact.seconds != 0 && contact.seconds < kShortestLifetimeSeconds)
      return {
          .code = 423,
          .lines = "Min-Expires: " + std::to_string(kShortestLifetimeSeconds) + "\r\n"};  // RFC 3261 §10.3
  return {};
}

}  // namespace

bool RegisterAsk::uses_outbound() const noexcept {
  return knows_outbound &&
         std::ranges::any_of(contacts, [](const AskedContact& contact) { return contact.reg_id != 0; });
}

RegisterRefusal read_register(const SipMessage& request, const RegisterTerms& terms, RegisterAsk& out) {
  out.aor = aor_of(request.to.uri);
  out.call_id = request.call_id;
  out.cseq = request.cseq.number;
  if (RegisterRefusal refusal = refuse_unknown_options(request); refusal.code != 0) return refusal;
  read_options(request, out);
  if (out.aor.empty()) return {.code = 404, .lines = {}};  // RFC 3261 §10.3 step 5
  // RFC 3261 §10.3 step 6
  out.is_star = request.contact_is_star;
  if (out.is_star && (request.contact_count != 1 || !request.has_expires || request.expires != 0))
    return {.code = 400, .lines = {}, .reason = "Contact * without Expires 0"};
  if (!out.is_star && !read_contacts(request, terms, out))
    return {.code = 400, .lines = {}, .reason = "Contact is no SIP URI that can be kept"};
  if (!read_path(request, terms.strictness, out.path))
    return {.code = 400, .lines = {}, .reason = "Path can't be read"};
  if (!out.path.empty() && !out.knows_path)
    return {.code = 421, .lines = "Require: path\r\n"};  // RFC 3327 §5.3
  if (out.uses_outbound()) {
    if (out.contacts.size() != 1)
      return {.code = 400, .lines = {}, .reason = "reg-id beside another Contact"};
    if (request.via_count > 1 && !any_outbound_hop(out.path))
      return {.code = 439, .lines = {}};  // RFC 5626 §6
  }
  return refuse_lifetimes(out);
}

std::string params_for_upstream(std::string_view params) {
  std::string out;
  (void)for_each_param(params, [&out](const GenericParam& param) {
    const auto is_it = [&param](std::string_view known) { return equals_ignoring_case(param.name, known); };
    if (param.name.front() == '+' || std::ranges::any_of(kFeatureTags, is_it)) add_param(out, param);
  });
  return out;
}

bool are_contact_params(std::string_view params) noexcept {
  return is_plain(params) && for_each_param(params, [](const GenericParam&) {});
}

std::string_view find_contact_param(std::string_view params, std::string_view name) noexcept {
  std::string_view found;
  (void)for_each_param(params, [&](const GenericParam& param) {
    if (found.empty() && equals_ignoring_case(param.name, name)) found = param.value;
  });
  return found;
}

}  // namespace sallyport::sip
