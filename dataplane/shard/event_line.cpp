// event_line.cpp — events by pointer, records before all else.
#include "dataplane/shard/event_line.h"

#include <variant>

namespace sallyport::dataplane {

EventLine::EventLine(Doorbell& writer, std::size_t on_the_way, std::size_t held_records)
    : writer_(writer), mailbox_(on_the_way), held_max_(held_records) {}

EventLine::~EventLine() {
  for (sip::EngineEvent* event = nullptr; mailbox_.receive(event);) const Owned owned(event);
}

bool EventLine::send(Owned& event) noexcept {
  if (!mailbox_.send(event.get())) return false;
  (void)event.release();
  has_sent_ = true;
  return true;
}

// A record goes behind those that wait already: the journal has them in the order of their sequence.
void EventLine::add(sip::EngineEvent&& event) noexcept {
  const bool is_record = std::holds_alternative<sip::RecordEvent>(event.what);
  auto owned = std::make_unique<sip::EngineEvent>(std::move(event));
  if (held_.empty() && send(owned)) return;
  if (!is_record) {
    dropped_.add();
  } else if (held_.size() < held_max_) {
    held_.push_back(std::move(owned));
  } else {
    records_lost_.add();
  }
}

void EventLine::flush() noexcept {
  while (!held_.empty() && send(held_.front())) held_.pop_front();
  if (!has_sent_) return;
  has_sent_ = false;
  writer_.ring();
}

bool EventLine::take(sip::EngineEvent& event) noexcept {
  // Asked first: once it is closed nothing more comes by the mailbox, which is then emptied before held_.
  const bool is_closed = closed_.load(std::memory_order_acquire);
  sip::EngineEvent* received = nullptr;
  if (mailbox_.receive(received)) {
    const Owned owned(received);
    event = std::move(*owned);
    return true;
  }
  if (!is_closed || held_.empty()) return false;
  event = std::move(*held_.front());
  held_.pop_front();
  return true;
}

bool EventLine::has_mail() const noexcept {
  return !mailbox_.empty() || (closed_.load(std::memory_order_acquire) && !held_.empty());
}

void EventLine::close() noexcept {
  closed_.store(true, std::memory_order_release);
  writer_.ring_always();
}

}  // namespace sallyport::dataplane
