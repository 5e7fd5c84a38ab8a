// stream_framer.h — cuts SIP messages out of the octets of a connection: RFC 3261 §7.5, §18.3, §20.14;
// keep-alive: RFC 5626 §3.5.1, §4.4.1.
//
// No I/O and no clock: octets go in as they arrive, in any pieces, and frames come out, the same whatever the
// pieces were (threats P14). Nothing is reserved for a size that is only promised (threats P1), and no octet
// is looked at again because one more has come. Whatever does not begin as SIP begins is not waited for
// (threats P15): a request inside another protocol is never found.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "sipalg/message/sip_message.h"

namespace sallyport::sip {

class StreamFramer {
 public:
  enum class Kind : std::uint8_t {
    NeedMore,     // nothing whole is there
    Message,      // one whole message, which may still be malformed
    KeepAlive,    // a ping: one CRLF is to be sent back. RFC 5626 §4.4.1
    FramingLost,  // a head that doesn't say where its message ends: to be answered 400, then close
    NotSip,       // close without a word
    TooLarge,     // the head, or what there is of it, of a message beyond the limits: answer 513, then close
  };
  struct Frame {
    Kind kind = Kind::NeedMore;
    std::string_view bytes;  // in the framer's memory; good until take() or next()
  };

  // Call next() until it needs more before more is taken: that bounds what is kept by one message and one
  // piece.
  void take(std::string_view bytes);
  // FramingLost, NotSip and TooLarge are the end: they come again and again, and nothing is taken any more.
  [[nodiscard]] Frame next();
  // Octets that are held and belong to no frame yet. 0: the connection is between two messages.
  [[nodiscard]] std::size_t buffered() const noexcept { return buffer_.size() - begin_; }
  // Octets of a message are held. Line ends, which may be half of a ping, are none.
  [[nodiscard]] bool has_begun() const noexcept;
  // A ping of ours is not answered yet: a CRLF that is all there is, is the answer. RFC 5626 §4.4.1
  bool take_pong() noexcept;

 private:
  [[nodiscard]] std::string_view rest() const noexcept { return std::string_view(buffer_).substr(begin_); }
  [[nodiscard]] bool take_line_ends(Frame& frame);
  // The first octets can be those of a SIP message, as far as they are there.
  [[nodiscard]] bool begins_like_sip();
  [[nodiscard]] bool find_head_end();
  // Content-Length of the head; false: it can't be told. RFC 3261 §18.3
  [[nodiscard]] bool read_length();
  Frame end_with(Kind kind, std::size_t bytes);
  void forget_taken();

  enum class Start : std::uint8_t { Word, Behind, Line, Good };
  std::string buffer_;
  std::size_t begin_ = 0;       // what is before it was given away
  std::size_t start_seen_ = 0;  // from begin_: octets of the first line that were looked at
  std::size_t head_seen_ = 0;   // from begin_: no empty line ends before this
  std::size_t head_size_ = 0;   // 0: not known yet
  std::size_t body_size_ = 0;
  Start start_ = Start::Word;
  Kind end_ = Kind::NeedMore;  // how it ended
  std::size_t end_size_ = 0;   // octets of the frame that it ended with
};

}  // namespace sallyport::sip
