// event_lines.h — the lines of all engines together, as management sees them.
#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "dataplane/event_stream.h"
#include "dataplane/shard/event_line.h"
#include "dataplane/worker/doorbell.h"

namespace sallyport::dataplane {

class EventLines final : public EventStream {
 public:
  // One line for each bell; the bells of the shards live until close().
  explicit EventLines(std::vector<Doorbell*> shard_bells);

  [[nodiscard]] std::size_t engines() const noexcept override { return lines_.size(); }
  [[nodiscard]] bool wait(Duration longest) noexcept override;
  void rest(Duration time) noexcept override;
  [[nodiscard]] std::unique_ptr<sip::EngineEvent> take(std::size_t engine) noexcept override {
    return lines_[engine]->take();
  }
  void give_back(std::size_t engine, std::unique_ptr<sip::EngineEvent> event) noexcept override {
    lines_[engine]->give_back(std::move(event));
  }
  void journalled(std::size_t engine, std::uint64_t sequence) noexcept override;
  void wake() noexcept override { bell_.ring_always(); }

  [[nodiscard]] bool is_open() const noexcept { return bell_.is_open(); }
  [[nodiscard]] EventLine& line(std::size_t engine) noexcept { return *lines_[engine]; }
  // When the threads of all shards have ended.
  void close() noexcept;

 private:
  [[nodiscard]] bool has_mail() const noexcept;
  void sleep(Duration longest) noexcept;

  Doorbell bell_;
  std::vector<std::unique_ptr<EventLine>> lines_;
  std::mutex mutex_;  // between journalled() and close(); no shard takes it
  std::vector<Doorbell*> shard_bells_;
};

}  // namespace sallyport::dataplane
