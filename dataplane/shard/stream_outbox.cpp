// stream_outbox.cpp — orders by pointer, behind the commands that were given before them.
#include "dataplane/shard/stream_outbox.h"

namespace sallyport::dataplane {

bool StreamOutbox::put(std::unique_ptr<StreamOrder>& order) noexcept {
  if (!mailbox_->send({order.get()})) return false;
  static_cast<void>(order.release());
  has_sent_ = true;
  return true;
}

void StreamOutbox::give(std::unique_ptr<StreamOrder> order) {
  // Beyond both bounds it is lost like a datagram: the transaction times out.
  if (mailbox_ == nullptr || held_.size() >= kHeldMax) {
    if (refused_.size() < kHeldMax) refused_.push_back(std::move(order));
    return;
  }
  if (held_.empty() && media_.has_done(media_.given()) && put(order)) return;
  held_.push_back({std::move(order), media_.given()});
}

std::size_t StreamOutbox::go_on() noexcept {
  std::size_t done = 0;
  for (; !held_.empty(); ++done) {
    Held& first = held_.front();
    if (!media_.has_done(first.behind) || !put(first.order)) break;
    held_.pop_front();
  }
  return done;
}

bool StreamOutbox::can_go_on() const noexcept {
  return !held_.empty() && media_.has_done(held_.front().behind) && mailbox_->used() < mailbox_->capacity();
}

std::unique_ptr<StreamOrder> StreamOutbox::take_refused() noexcept {
  if (refused_.empty()) return nullptr;
  auto order = std::move(refused_.front());
  refused_.pop_front();
  return order;
}

}  // namespace sallyport::dataplane
