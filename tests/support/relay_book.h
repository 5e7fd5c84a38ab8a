// relay_book.h — a relay that only keeps books: what the signalling side has asked of it, whether that could
// be done, and which ports it holds. No packet ever comes.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "media-relay/control/media_command.h"
#include "media-relay/control/media_notice.h"
#include "media-relay/control/port_pool.h"

namespace sallyport::tests {

class RelayBook {
 public:
  struct Stream {
    media::MediaCommand last;  // as opened, with what later updates said
    unsigned updates = 0;
  };
  using Key = std::pair<std::uint64_t, std::uint16_t>;

  // `pool` gets the ports back when their quarantine is over.
  void carry_out(const media::MediaCommand& command, Timestamp now, media::PortPool& pool);
  // Gives back whatever is due by `now`.
  void settle(Timestamp now, media::PortPool& pool);
  // The relay has gone with all that it knew; the pool too.
  void forget();
  // Final notices of what was closed since the last time, each once.
  [[nodiscard]] std::vector<media::MediaNotice> take_finals() { return std::exchange(finals_, {}); }

  [[nodiscard]] const std::map<Key, Stream>& open() const noexcept { return open_; }
  [[nodiscard]] std::uint64_t opened() const noexcept { return opened_; }
  [[nodiscard]] std::uint64_t closed() const noexcept { return closed_; }
  [[nodiscard]] std::size_t in_quarantine() const noexcept { return resting_.size(); }
  // What no relay could have done, or what no caller may ask.
  [[nodiscard]] const std::vector<std::string>& faults() const noexcept { return faults_; }

 private:
  struct Resting {
    media::MediaCommand stream;
    Timestamp until{};
  };
  void blame(const media::MediaCommand& command, const std::string& what);
  void open_stream(const media::MediaCommand& command);
  void update_stream(const media::MediaCommand& command);
  void close_stream(const media::MediaCommand& command, Timestamp now);
  void send_digit(const media::MediaCommand& command);
  [[nodiscard]] bool is_taken(const media::MediaSideSettings& side) const;

  std::map<Key, Stream> open_;
  std::vector<Resting> resting_;
  std::vector<media::MediaNotice> finals_;
  std::vector<std::string> faults_;
  std::uint64_t opened_ = 0, closed_ = 0;
};

}  // namespace sallyport::tests
