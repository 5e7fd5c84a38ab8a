// dialog.cpp — dialog state from messages, and requests within it: RFC 3261 §12.1, §12.2.
#include "sipalg/dialog/dialog.h"

#include <algorithm>

#include "policy/identity/identity_policy.h"
#include "sipalg/message/message_writer.h"

namespace sallyport::sip {
namespace {

// What is stored here was accepted once, under the strictness of its neighbour.
constexpr StrictnessPolicy kForgiving = StrictnessPolicy::of(Strictness::Lenient);

bool is_sip(const Uri& uri) noexcept { return uri.scheme == UriScheme::Sip || uri.scheme == UriScheme::Sips; }

// Without "?header=value": those must never become header fields of ours. RFC 3261 §19.1.5, threats P4
std::string_view without_headers(const Uri& uri) noexcept { return uri.text.substr(0, uri.text.find('?')); }

// What must not go unencrypted can't be reached over anything else. RFC 3261 §26.2.2, RFC 5630 §4
bool suits(const Uri& uri, Transport transport) noexcept {
  return is_sip(uri) && (uri.scheme != UriScheme::Sips || transport == Transport::Tls);
}

// Empty: there is none that could be used.
std::string_view target_in(const SipMessage& message, Transport transport) noexcept {
  if (message.contact_count == 0 || message.contact_is_star || !suits(message.contact.uri, transport))
    return {};
  return without_headers(message.contact.uri);
}

// The URIs of all Record-Route values in their order, parameters of the URI kept. RFC 3261 §12.1.1
bool take_routes(std::vector<std::string>& routes, const SipMessage& message, Transport transport,
                 const StrictnessPolicy& strictness) noexcept {
  routes.clear();
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < message.header_count; ++i) {
    if (message.headers[i].name != HeaderName::RecordRoute) continue;
    Lexer lexer(message.value_of(message.headers[i]));
    do {
      NameAddr route;
      if (!parse_name_addr(lexer, strictness, route) || !suits(route.uri, transport)) return false;
      const std::string_view uri = without_headers(route.uri);
      bytes += uri.size() + 2;
      if (routes.size() == kRoutesMax || bytes > kRouteSetBytesMax) return false;
      std::string& text = routes.emplace_back();
      text.reserve(uri.size() + 2);
      text.append(1, '<').append(uri).append(1, '>');
    } while (lexer.take(','));
  }
  return true;
}

// A From or To without its tag and other parameters, which are matters of the header field, not the address.
void set_address(std::string& text, const NameAddr& address) {
  const std::string_view name = address.display_name;
  make_room(text, name.size() + address.uri.text.size() + 3);
  if (!name.empty() && is_plain(name) && name.find("  ") == std::string_view::npos) {  // nearly always
    text.append(name).append(1, ' ');
  } else if (!name.empty() && is_clean(name)) {
    for (const char c : name) {
      const bool space = has_class(c, kSpace);
      if (!space || text.empty() || text.back() != ' ') text += space ? ' ' : c;
    }
    text += ' ';
  }
  text.append(1, '<').append(address.uri.text).append(1, '>');
}

// The URI inside "<...>"; kind None when it can't be read.
Uri uri_in(std::string_view text) noexcept {
  if (text.starts_with('<') && text.ends_with('>')) text = text.substr(1, text.size() - 2);
  Uri uri;
  Lexer lexer(text);
  if (!parse_uri(lexer, kForgiving, uri)) uri.scheme = UriScheme::None;
  return uri;
}

bool is_loose(std::string_view route) noexcept {
  std::string_view value;
  return find_uri_param(uri_in(route).params, "lr", value);
}

// A parameter that may not stand in a Request-URI is left out. RFC 3261 §19.1.1 (table 1), §12.2.1.1
std::string as_request_uri(std::string_view route) {
  const Uri uri = uri_in(route);
  if (uri.params.empty()) return std::string(uri.text);
  std::string text(uri.text.substr(0, static_cast<std::size_t>(uri.params.data() - uri.text.data())));
  std::string_view params = uri.params;
  while (!params.empty()) {
    const std::string_view param = params.substr(0, params.find(';', 1));
    params.remove_prefix(param.size());
    if (!equals_ignoring_case(param.substr(1, param.find('=') - 1), "method")) text += param;
  }
  return text;
}

bool asks_for_privacy(const SipMessage& message) noexcept {
  for (std::size_t i = 0; i < message.header_count; ++i) {
    if (message.headers[i].name != HeaderName::Privacy) continue;
    const policy::PrivacyWish wish = policy::parse_privacy(message.value_of(message.headers[i]));
    if (wish.user || wish.id || wish.header) return true;
  }
  return false;
}

// What it says of itself holds until it says something else. RFC 3261 §20.5, §20.37
void take_abilities(Dialog& dialog, const SipMessage& message) noexcept {
  if (message.has(HeaderName::Allow)) dialog.far_methods = allowed_methods(message);
  if (message.has(HeaderName::Supported)) dialog.far_options = option_tags_in(message, HeaderName::Supported);
}

}  // namespace

bool take_remote_side(Dialog& dialog, const SipMessage& message) noexcept {
  std::vector<std::string> routes;
  const Transport transport = dialog.path.transport;
  const std::string_view target = target_in(message, transport);
  if (target.empty() || !take_routes(routes, message, transport, kForgiving)) return false;
  set_text(dialog.remote_target, target);
  dialog.route_set = std::move(routes);
  take_abilities(dialog, message);
  dialog.is_private = asks_for_privacy(message);
  if (message.is_request()) {  // RFC 3261 §12.1.1
    set_text(dialog.call_id, message.call_id);
    set_text(dialog.remote_tag, message.from.tag);
    dialog.remote_cseq = message.cseq.number;
    set_address(dialog.local_address, message.to);
    set_address(dialog.remote_address, message.from);
  } else {  // RFC 3261 §12.1.2
    set_text(dialog.remote_tag, message.to.tag);
    std::ranges::reverse(dialog.route_set);
  }
  return true;
}

std::string_view dialog_problem(const SipMessage& message, Transport transport,
                                const StrictnessPolicy& strictness) noexcept {
  std::vector<std::string> routes;
  if (message.contact_count == 0) return "Missing Contact";
  if (target_in(message, transport).empty()) return "Bad Contact";
  return take_routes(routes, message, transport, strictness) ? std::string_view{} : "Bad Record-Route";
}

void refresh_target(Dialog& dialog, const SipMessage& message) noexcept {
  if (const std::string_view target = target_in(message, dialog.path.transport); !target.empty())
    set_text(dialog.remote_target, target);
  take_abilities(dialog, message);
}

DialogRoute::DialogRoute(const Dialog& dialog) : request_uri(dialog.remote_target), routes(dialog.route_set) {
  if (dialog.route_set.empty() || is_loose(dialog.route_set.front())) return;
  // A strict router wants to find itself in the Request-URI. RFC 3261 §12.2.1.1
  request_uri = own_uri_ = as_request_uri(dialog.route_set.front());
  own_routes_.assign(dialog.route_set.begin() + 1, dialog.route_set.end());
  own_routes_.push_back("<" + dialog.remote_target + ">");
  routes = own_routes_;
}

Endpoint destination_of(const Dialog& dialog, const DialogRoute& route,
                        bool (*owns)(const void* context, const IpAddress& address),
                        const void* context) noexcept {
  const bool is_loose_routed =
      !route.routes.empty() && is_loose(route.routes.front()) && route.request_uri == dialog.remote_target;
  const Uri hop = uri_in(is_loose_routed ? std::string_view(route.routes.front()) : route.request_uri);
  if (!is_sip(hop)) return dialog.path.remote;
  const auto address = literal_address(hop.address.host);  // maddr is never obeyed, threats P6
  if (!address || !owns(context, *address)) return dialog.path.remote;
  return {*address, hop.address.port != 0 ? hop.address.port : default_port(dialog.path.transport)};
}

CSeqOrder take_remote_cseq(Dialog& dialog, std::uint32_t number) noexcept {
  if (dialog.remote_cseq && number <= *dialog.remote_cseq) return CSeqOrder::TooLow;
  dialog.remote_cseq = number;
  return CSeqOrder::InOrder;
}

}  // namespace sallyport::sip
