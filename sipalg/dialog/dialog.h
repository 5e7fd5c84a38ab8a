// dialog.h — one dialog as one end of it sees it: RFC 3261 §12, §13.2.2.4.
//
// Texts are those of the neighbour on this side: nothing of the other leg is ever stored here.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policy/model/index.h"
#include "sipalg/engine/engine_output.h"
#include "sipalg/message/option_tags.h"
#include "sipalg/message/sip_message.h"

namespace sallyport::sip {

inline constexpr std::size_t kRoutesMax = 16;  // Record-Route values of one message
inline constexpr std::size_t kRouteSetBytesMax = 4096;

enum class DialogState : std::uint8_t { Early, Confirmed, Ended };

struct Dialog {
  std::string call_id;
  std::string local_tag, remote_tag;
  // Values of From and To without tag, rebuilt from their parsed pieces: ours and the other side's.
  std::string local_address, remote_address;
  std::string remote_target;           // URI of the other side's Contact
  std::vector<std::string> route_set;  // name-addrs in the order in which requests are routed
  std::uint32_t local_cseq = 0;
  std::optional<std::uint32_t> remote_cseq;
  Path path;  // our listener, and where the other side's signalling was seen last
  PeerIndex peer = PeerIndex::kNone;
  DialogState state = DialogState::Early;
  MethodSet far_methods;    // what the other side last said that it takes; empty: it never did
  OptionTags far_options;   // what it last said that it supports
  bool is_private = false;  // its user asked for privacy when it began. RFC 3323 §4.2
  // REFERs of the other side that were passed on and whose last NOTIFY has not come. RFC 3515 §2.4.4
  std::uint8_t open_refers = 0;
  // Of the session that it was taken out of, into the one of a transfer: its media there were secured, all of
  // them under RTP/SAVP(F).
  bool was_secured = false, was_savp = false;
  std::string credentials;  // header lines of our last INVITE, which its ACK repeats. RFC 3261 §22.1

  template <class Archive>
  void archive(Archive& a) {
    a(call_id, local_tag, remote_tag, local_address, remote_address, remote_target, route_set, local_cseq,
      remote_cseq, path, peer, state, far_methods, far_options, is_private, open_refers, was_secured,
      was_savp, credentials);
  }
};

// Empty, with room for so much and no more, unless it had more.
inline void make_room(std::string& text, std::size_t bytes) {
  text.clear();
  if (text.capacity() >= bytes) return;
  std::string().swap(text);
  text.reserve(bytes);
}
inline void set_text(std::string& text, std::string_view to) {
  make_room(text, to.size());
  text.append(to);
}

// What a dialog is made of, taken from a message of the other side. `message` is the request that a UAS
// dialog begins with, or the response that a UAC dialog begins with. False: the message can't make a dialog
// (a route set beyond the limits or that can't be read, no Contact, SIPS that dialog.path doesn't carry). RFC
// 3261 §12.1.1, §12.1.2
[[nodiscard]] bool take_remote_side(Dialog& dialog, const SipMessage& message) noexcept;
// What of `message` can't make a dialog, as the phrase of a 400; empty: nothing. RFC 3261 §21.4.1
[[nodiscard]] std::string_view dialog_problem(const SipMessage& message, Transport transport,
                                              const StrictnessPolicy& strictness) noexcept;
// Remote target of a target refresh request or its 2xx. RFC 3261 §12.2.1.2, §12.2.2
void refresh_target(Dialog& dialog, const SipMessage& message) noexcept;

// Request-URI and Route values of a request within the dialog: loose and strict routers. RFC 3261 §12.2.1.1
// Views into the dialog, which must outlive it; what the dialog does not hold is its own.
class DialogRoute {
 public:
  explicit DialogRoute(const Dialog& dialog);
  DialogRoute(const DialogRoute&) = delete;
  DialogRoute& operator=(const DialogRoute&) = delete;
  ~DialogRoute() = default;
  std::string_view request_uri;
  std::span<const std::string> routes;

 private:
  std::string own_uri_;
  std::vector<std::string> own_routes_;
};
[[nodiscard]] inline DialogRoute route_of(const Dialog& dialog) { return DialogRoute(dialog); }

// Where a request within the dialog is sent. The topmost Route or the remote target where that is a literal
// address that the neighbour owns (`owns` says so: its targets and sources, or the address that signalling
// was seen from); else where its signalling was seen last. Never to a third host.
[[nodiscard]] Endpoint destination_of(const Dialog& dialog, const DialogRoute& route,
                                      bool (*owns)(const void* context, const IpAddress& address),
                                      const void* context) noexcept;

enum class CSeqOrder : std::uint8_t { InOrder, TooLow };
// Takes the number when it is in order. RFC 3261 §12.2.2
[[nodiscard]] CSeqOrder take_remote_cseq(Dialog& dialog, std::uint32_t number) noexcept;

}  // namespace sallyport::sip
