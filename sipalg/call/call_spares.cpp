// call_spares.cpp — what is given back is emptied at once: nothing of one call is ever found in another one.
#include "sipalg/call/call_spares.h"

#include <array>
#include <utility>

namespace sallyport::sip {
namespace {

constexpr std::array kTexts{&Dialog::call_id,       &Dialog::local_tag,      &Dialog::remote_tag,
                            &Dialog::local_address, &Dialog::remote_address, &Dialog::remote_target};

}  // namespace

void CallSpares::empty(std::string& field) {
  if (field.capacity() > kFieldMax) std::string().swap(field);
  field.clear();
}

void CallSpares::give(Dialog&& dialog) {
  Dialog anew;
  for (std::string Dialog::* const text : kTexts) {
    empty(dialog.*text);
    (anew.*text).swap(dialog.*text);
  }
  dialogs_.give(std::move(anew));
}

Dialog CallSpares::dialog(const Dialog& like) {
  Dialog copy = dialogs_.take();
  // What is too small would grow to twice its size.
  for (std::string Dialog::* const text : kTexts) make_room(copy.*text, (like.*text).size());
  copy = like;
  return copy;
}

std::string CallSpares::text(std::string_view text) {
  std::string spare = texts_.take();
  set_text(spare, text);
  return spare;
}

void CallSpares::give(std::string&& text) {
  constexpr std::size_t kInPlace = 15;  // has no memory of its own
  if (text.capacity() <= kInPlace || text.capacity() > kTextMax) return;
  text.clear();
  texts_.give(std::move(text));
}

void CallSpares::give(ResponseHead&& head) {
  if (head.room() > kTextMax) return;
  ResponseHead anew = std::move(head);
  heads_.give(std::move(anew));
}

void CallSpares::give(std::vector<HeldAnswer>&& held) {
  if (held.capacity() != 1) return;
  held.clear();
  held_.give(std::move(held));
}

void CallSpares::give(std::vector<CallNote>&& notes) {
  if (notes.capacity() == 0) return;
  notes.clear();
  notes_.give(std::move(notes));
}

Boxed<AwaitedAck> CallSpares::boxed(AwaitedAck&& awaited) {
  Boxed<AwaitedAck> box = awaited_.take();
  if (!box) return Boxed<AwaitedAck>(std::move(awaited));
  *box = std::move(awaited);
  return box;
}

void CallSpares::give(Boxed<AwaitedAck> awaited) {
  if (!awaited) return;
  give(std::move(awaited->response));
  *awaited = {};
  awaited_.give(std::move(awaited));
}

Boxed<SentAck> CallSpares::sent_ack() {
  Boxed<SentAck> box = acks_.take();
  return box ? std::move(box) : Boxed<SentAck>(SentAck{});
}

void CallSpares::give(Boxed<SentAck> ack) {
  if (!ack || ack->bytes.capacity() > kTextMax) return;
  SentAck anew;
  ack->bytes.clear();
  anew.bytes.swap(ack->bytes);
  *ack = std::move(anew);
  acks_.give(std::move(ack));
}

void CallSpares::give(Call& call) {
  for (Fork& fork : call.forks) {
    for (Dialog& dialog : fork.dialogs) give(std::move(dialog));
    for (Boxed<AwaitedAck>& awaited : fork.awaited) give(std::move(awaited));
    for (Boxed<SentAck>& ack : fork.sent_ack) give(std::move(ack));
  }
  give(std::move(call.held));
}

}  // namespace sallyport::sip
