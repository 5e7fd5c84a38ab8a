// leg_message.h — messages for one leg, built anew from our own names and from the few header fields of the
// other leg that may cross: RFC 3261 §7, §8.1, §8.2.6, §12.2.1, §16.6; threats I12, P3, D5.
//
// Default deny: what `crossing_headers` does not list (and the profile does not pass) stays where it is, and
// what crosses is written from its parsed pieces or as one clean value, never copied as a raw line.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policy/base/ip_address.h"
#include "policy/model/profile.h"
#include "policy/model/realm.h"
#include "policy/model/transport.h"
#include "policy/route/rule_set.h"
#include "sipalg/engine/neighbour.h"
#include "sipalg/hiding/crossing_rules.h"
#include "sipalg/message/sip_message.h"

namespace sallyport::sip {

// How we show ourselves on one listener, worked out once at start from realm and listener: `advertise` laid
// over the real address.
struct OwnNames {
  std::string sent_by;       // "198.18.1.1:5060", "[fd18:1::1]:5060": for Via
  std::string contact_host;  // for Contact: domain or address, with the port unless it is the default one
  std::string uri_host;      // for From, To, Request-URI hosts that must be ours: domain or address, no port
  std::string via_transport = "UDP";
  std::string contact_params;  // behind the host in a SIP URI: ";transport=tcp"
  std::string via_start;       // of the value of Via, up to the token in the branch
};
[[nodiscard]] OwnNames own_names(const RealmConfig& realm, const Endpoint& listener,
                                 Transport transport = Transport::Udp);

// What crosses in this direction for one neighbour (the far one): built once from its profile.
class Crossing {
 public:
  // `is_trusted`: the far side is in the trust domain, where what asks for privacy may cross. RFC 3324
  explicit Crossing(const ProfileConfig& far_profile, bool is_trusted = false);
  // `name` is the long form for a known name. The names that make up a message (Via, From, Contact,
  // Record-Route, Route, ...) never cross whatever the configuration says.
  [[nodiscard]] bool passes(const SipMessage& message, const HeaderField& field) const noexcept;
  // The form in which it crosses; Never when it does not. `name` is looked at for Other only.
  [[nodiscard]] CrossingForm form_of(HeaderName known, std::string_view name,
                                     bool in_request) const noexcept {
    return known != HeaderName::Other ? forms_[in_request][static_cast<std::size_t>(known)]
                                      : form_of_further(name, in_request);
  }

  // What a caller asked to be kept private must not get there. RFC 3323, RFC 7044 §10.1.2
  [[nodiscard]] bool keeps_privacy() const noexcept { return keeps_privacy_; }

 private:
  [[nodiscard]] CrossingForm form_of_further(std::string_view name, bool in_request) const noexcept;

  // By name, for what the parser knows: in responses, in requests.
  std::array<std::array<CrossingForm, kHeaderNameCount>, 2> forms_;
  std::vector<std::string> further_;  // of headers.pass the other names, in small letters
  bool keeps_privacy_ = true;
};

// The header fields that cross from another leg's message, with edits of header rules and identity.
struct CrossingPart {
  const SipMessage* message = nullptr;  // null: nothing crosses
  const Crossing* crossing = nullptr;
  std::span<const policy::HeaderEdit> edits{};  // applied last; Set adds a field that is not there
  // What rules made of the number in the first Diversion; empty: that entry does not cross.
  std::optional<std::string_view> diversion{};
};

struct BodyPart {
  std::string_view content_type{};  // value of Content-Type; empty: no body
  std::string_view bytes{};
};

struct RequestParts {
  std::string_view method{};
  std::string_view request_uri{};
  const OwnNames* own = nullptr;
  std::string_view branch{};  // the token; the cookie is put before it
  std::uint32_t max_forwards = 70;
  std::span<const std::string> routes{};
  std::string_view from{}, to{};  // whole values, with tags
  std::string_view call_id{};
  std::uint32_t cseq = 1;
  std::string_view contact{};    // whole value; empty: none
  std::string_view allow{};      // value; empty: none
  std::string_view own_lines{};  // whole header lines of our own: credentials, Expires
  // Whole header lines of extensions (Session-Expires, RAck), which go with credentials or without.
  std::string_view extension_lines{};
  std::string_view session_id{};  // the whole line; empty: that of the other leg may cross
  bool wants_supported = false;   // writes Supported with:
  std::string_view supported{};   // the list, which may be empty
  CrossingPart crossing{};
  BodyPart body{};
};
// In `buffer`; nothing when it does not fit or a value was not clean.
[[nodiscard]] std::optional<std::string_view> write_request(std::span<char> buffer,
                                                            const RequestParts& parts) noexcept;

// What every response to a request repeats of it, kept rebuilt for answers that come later: Via (received
// and rport filled in), Record-Route, From, To, Call-ID, CSeq. One piece of memory for all of it.
// RFC 3261 §8.2.6.2, §12.1.1
class ResponseHead {
 public:
  ResponseHead() noexcept = default;
  // Up to and with the value of To as in the request: the tag may follow.
  [[nodiscard]] std::string_view up_to_to() const noexcept { return piece(0, to_end_); }
  [[nodiscard]] std::string_view to() const noexcept { return piece(to_, to_end_); }
  // From the end of that line on: whole header lines.
  [[nodiscard]] std::string_view after_to() const noexcept { return piece(to_end_, routes_); }
  // Whole header lines, for responses that make a dialog.
  [[nodiscard]] std::string_view record_routes() const noexcept { return piece(routes_, lines_.size()); }
  [[nodiscard]] bool to_has_tag() const noexcept { return to_has_tag_; }
  [[nodiscard]] std::size_t room() const noexcept { return lines_.capacity(); }
  // Whole header lines, behind those that follow To. What does not fit any more is left out.
  void add(std::string_view lines) {
    if (lines.size() > 0xffff - lines_.size()) return;
    lines_.insert(routes_, lines);
    routes_ = static_cast<std::uint16_t>(routes_ + lines.size());
  }
  template <class Archive>
  void archive(Archive& a) {
    a(lines_, to_, to_end_, routes_, to_has_tag_);
    if constexpr (Archive::kReads)
      if (to_ > to_end_ || to_end_ > routes_ || routes_ > lines_.size()) {
        *this = {};
        a.fail();
      }
  }

 private:
  friend bool set_response_head(ResponseHead& head, const SipMessage& request,
                                const StrictnessPolicy& strictness, const Endpoint& source);
  [[nodiscard]] std::string_view piece(std::size_t from, std::size_t to) const noexcept {
    return {lines_.data() + from, to - from};
  }
  std::string lines_;
  std::uint16_t to_ = 0, to_end_ = 0, routes_ = 0;  // where they begin and end
  bool to_has_tag_ = false;
};
[[nodiscard]] std::optional<ResponseHead> response_head(const SipMessage& request,
                                                        const StrictnessPolicy& strictness,
                                                        const Endpoint& source);
// The same in the memory of one that was. False: there is none, and `head` is as it was.
[[nodiscard]] bool set_response_head(ResponseHead& head, const SipMessage& request,
                                     const StrictnessPolicy& strictness, const Endpoint& source);

struct ResponseParts {
  std::uint16_t code = 500;  // its phrase is ours, never the other leg's
  const ResponseHead* head = nullptr;
  std::string_view to_tag{};            // ours, where the request had none; empty in a 100
  std::string_view contact{};           // whole value; empty: none
  bool makes_dialog = false;            // writes Record-Route
  std::string_view allow{};             // for 200, 405
  std::string_view supported{};         // with `allow` in a 2xx; the list may be empty
  std::string_view accept{};            // for 415
  std::uint32_t retry_after = 0;        // seconds; 0: none
  std::string_view warning{};           // of our own; whole value; empty: none
  std::string_view redirect_contact{};  // Contact of a 3xx; empty: none
  std::string_view own_lines{};         // whole header lines: challenges, Reason, Expires
  std::string_view session_id{};        // the whole line; empty: that of the other leg may cross
  std::string_view own_host{};  // ours on that leg, in addresses that cross rebuilt; empty: they don't
  CrossingPart crossing{};
  BodyPart body{};
};
[[nodiscard]] std::optional<std::string_view> write_response(std::span<char> buffer,
                                                             const ResponseParts& parts) noexcept;

// From, To and Request-URI for the far leg: the number or user with its parameters dropped, the host ours or
// the far side's, the display name kept unless `anonymous`. `user` is what the rules made of it.
struct AddressParts {
  const NameAddr* original = nullptr;
  std::string_view user{};  // escaped as it must be in a URI by this function
  std::string_view host{};
  bool anonymous = false;  // "Anonymous" <sip:anonymous@anonymous.invalid>, RFC 3323 §4.1
  bool is_sips = false;    // the whole way is TLS, and stays so
};
[[nodiscard]] std::string far_address(const AddressParts& parts);
// The same in the place of what `address` was. Nothing of `parts` lies there.
void set_far_address(std::string& address, const AddressParts& parts);
// urn:service:sos and its like name a service, not a host, and must arrive as they are. RFC 5031 §4.2
[[nodiscard]] bool is_service_urn(const Uri& uri) noexcept;
[[nodiscard]] std::string far_uri(const Uri& original, std::string_view user, std::string_view host_port,
                                  bool is_sips = false);

}  // namespace sallyport::sip
