// outboxes.cpp — sending to lcores without waiting for them.
#include "dataplane/stream/outboxes.h"

namespace sallyport::dataplane {

Outboxes::Outboxes(std::vector<StreamLcore> lcores, std::size_t ports) {
  for (const StreamLcore& lcore : lcores)
    outboxes_.push_back(Outbox{.lcore = lcore, .owes_changed = std::vector<bool>(ports)});
}

void Outboxes::answer(std::size_t lcore, const FromStream& message) {
  Outbox& outbox = outboxes_[lcore];
  if (outbox.lcore.outbox->send(message)) {
    outbox.sent = true;
    return;
  }
  outbox.owes = true;
  outbox.owes_changed[to_position(message.port)] = true;
}

bool Outboxes::send_packet(std::size_t lcore, const FromStream& message) noexcept {
  Outbox& outbox = outboxes_[lcore];
  if (!outbox.lcore.outbox->send(message)) return false;
  outbox.sent = true;
  return true;
}

bool Outboxes::pay_debts() noexcept {
  bool is_clear = true;
  for (Outbox& outbox : outboxes_) {
    if (!outbox.owes) continue;
    outbox.owes = false;
    for (std::size_t port = 0; port < outbox.owes_changed.size(); ++port) {
      if (!outbox.owes_changed[port]) continue;
      FromStream message;
      message.kind = FromStream::Kind::Changed;
      message.port = static_cast<PortIndex>(port);
      if (outbox.lcore.outbox->send(message)) {
        outbox.owes_changed[port] = false;
        outbox.sent = true;
      } else {
        outbox.owes = true;
        is_clear = false;
      }
    }
  }
  return is_clear;
}

void Outboxes::ring_bells() noexcept {
  for (Outbox& outbox : outboxes_) {
    if (!outbox.sent) continue;
    outbox.sent = false;
    if (outbox.lcore.bell != nullptr) outbox.lcore.bell->ring();
  }
}

}  // namespace sallyport::dataplane
