// event_line.cpp — events by pointer, records before all else.
#include "dataplane/shard/event_line.h"

#include <variant>

namespace sallyport::dataplane {

EventLine::EventLine(Doorbell& writer, std::size_t on_the_way, std::size_t held_records)
    : writer_(writer), mailbox_(on_the_way), spent_(on_the_way), held_max_(held_records) {}

EventLine::~EventLine() {
  for (sip::EngineEvent* event = nullptr; mailbox_.receive(event) || spent_.receive(event);)
    const Owned owned(event);
}

// In the memory of one that came back, if there is one.
EventLine::Owned EventLine::owned(sip::EngineEvent&& event) {
  sip::EngineEvent* spent = nullptr;
  if (!spent_.receive(spent)) return std::make_unique<sip::EngineEvent>(std::move(event));
  *spent = std::move(event);
  return Owned(spent);
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
  Owned to_send = owned(std::move(event));
  if (held_.empty() && send(to_send)) return;
  if (!is_record) {
    dropped_.add();
  } else if (held_.size() < held_max_) {
    held_.push_back(std::move(to_send));
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

std::unique_ptr<sip::EngineEvent> EventLine::take() noexcept {
  // Asked first: once it is closed nothing more comes by the mailbox, which is then emptied before held_.
  const bool is_closed = closed_.load(std::memory_order_acquire);
  sip::EngineEvent* received = nullptr;
  if (mailbox_.receive(received)) return Owned(received);
  if (!is_closed || held_.empty()) return nullptr;
  Owned event = std::move(held_.front());
  held_.pop_front();
  return event;
}

// Freed here when nobody will want it.
void EventLine::give_back(std::unique_ptr<sip::EngineEvent> event) noexcept {
  if (!closed_.load(std::memory_order_relaxed) && spent_.send(event.get())) (void)event.release();
}

bool EventLine::has_mail() const noexcept {
  return !mailbox_.empty() || (closed_.load(std::memory_order_acquire) && !held_.empty());
}

void EventLine::close() noexcept {
  closed_.store(true, std::memory_order_release);
  writer_.ring_always();
}

}  // namespace sallyport::dataplane
