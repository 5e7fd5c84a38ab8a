// call_fixture.h — a SipEngine between a carrier outside and a PBX inside, driven message by message in
// virtual time. What it sends is kept; a test answers it as the phone on that side would.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "policy/model/sbc_config.h"
#include "sipalg/engine/sip_engine.h"
#include "tests/support/message_builder.h"
#include "tests/support/relay_book.h"

namespace sallyport::tests {

struct SentMessage {
  std::string bytes;
  sip::Path path;
  bool is_again = false;
  [[nodiscard]] bool is_request() const { return bytes.substr(0, 8) != "SIP/2.0 "; }
  [[nodiscard]] std::string method() const { return bytes.substr(0, bytes.find(' ')); }
  [[nodiscard]] int status() const { return is_request() ? 0 : status_of(bytes); }
  [[nodiscard]] std::string header(std::string_view name) const { return header_of(bytes, name); }
  [[nodiscard]] std::string uri() const {  // of a request line
    const std::size_t start = bytes.find(' ') + 1;
    return bytes.substr(start, bytes.find(' ', start) - start);
  }
  [[nodiscard]] std::string body() const { return bytes.substr(bytes.find("\r\n\r\n") + 4); }
};

class CallFixture {
 public:
  static constexpr std::string_view kSdp =
      "v=0\r\no=alice 2890844526 2890844526 IN IP4 198.18.1.2\r\ns=secret-subject\r\n"
      "c=IN IP4 198.18.1.2\r\nt=0 0\r\nm=audio 49170 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n";

  CallFixture();
  // Nothing may have been asked of the relay that it can't do, and no detector may have met anything.
  ~CallFixture();

  // Both realms listen on these, and the peers are reached by them. Before the first message. Without a word
  // of it all is UDP, or what the environment variable SALLYPORT_CALLS_OVER names: the same scenarios then
  // run over tcp or tls.
  void use(Transport outside, Transport inside);
  // What the messages of that neighbour come by, and those to it should go by; 0 over UDP.
  [[nodiscard]] std::uint64_t connection_of(const Endpoint& remote) const;

  // Puts a message in and returns what came out because of it.
  std::vector<SentMessage> from(const Endpoint& remote, std::string_view bytes);
  std::vector<SentMessage> from_carrier(std::string_view bytes) { return from(carrier, bytes); }
  std::vector<SentMessage> from_pbx(std::string_view bytes) { return from(pbx, bytes); }
  // Moves time, firing what becomes due on the way.
  std::vector<SentMessage> wait(Duration time);
  // Says that every record so far is on disk.
  std::vector<SentMessage> journal();

  // An INVITE of the carrier to +15551234567.
  [[nodiscard]] MessageBuilder invite() const;
  // A response as the receiver of `request` would send it; `extra` are further header lines with their ends.
  [[nodiscard]] static std::string answer(const SentMessage& request, int code, std::string_view to_tag,
                                          std::string_view extra = {}, std::string_view body = {});
  // A request within the dialog that `sent` (a 2xx or an INVITE of ours) belongs to, from the one it was sent
  // to.
  [[nodiscard]] std::string in_dialog(std::string_view method, unsigned cseq, const SentMessage& sent,
                                      std::string_view extra = {}, std::string_view body = {});

  // The CANCEL of an INVITE. RFC 3261 §9.1
  [[nodiscard]] static std::string cancel_of(std::string_view invite);
  // The ACK of a failure, from the one who got it. RFC 3261 §17.1.1.3
  [[nodiscard]] static std::string ack_of(std::string_view invite, const SentMessage& failure);
  // As from(), with every fact about the message as the test says.
  std::vector<SentMessage> put(const sip::MessageInput& input);
  // Saves all calls and goes on with a new engine that was given nothing else, as after a restart.
  void restart();

  // A reload: peers in the places that they had. `config` stays what the start began with.
  std::vector<SentMessage> adopt(const SbcConfig& next);
  [[nodiscard]] SharedValue<sip::Rulebook> rulebook_of_the_day() const { return shared_->rulebook.read(); }

  // The part of an output that is for the relay.
  void carry_out(sip::EngineOutput& out);
  // What an engine has saved. False: it was not taken.
  // What it sends at once goes to `sent`.
  bool restore(std::string_view saved, std::vector<SentMessage>* sent = nullptr);
  // A path can't be used.
  std::vector<SentMessage> unreachable(const sip::Path& path);
  // What another engine has to say.
  std::vector<SentMessage> deliver(sip::EngineLetter& letter);
  // What the relay tells.
  std::vector<SentMessage> tell(const media::MediaNotice& notice);
  // The last figures of every stream that was closed.
  void tell_finals();
  // Pairs of ports that somebody has, of all realms; those that rest are given back before.
  [[nodiscard]] std::uint32_t ports_taken();

  // A call that is up: both ACKs done. The 200 to the caller and the INVITE to the PBX are kept.
  void set_up_call();

  [[nodiscard]] std::vector<CallRecord> records(CallRecordType type) const;
  [[nodiscard]] std::uint64_t calls();
  [[nodiscard]] std::uint64_t dropped(RealmIndex realm, sip::SipDropReason reason) {
    return engine().counters(realm).dropped.value(reason);
  }
  sip::SipEngine& engine() { return engine_of(0); }
  // Of the node's engines, the one that owns this shard.
  sip::SipEngine& engine_of(std::uint8_t shard);
  policy::TargetBoard& board() {
    (void)engine();
    return shared_->targets;
  }
  sip::SharedPolicy& shared() {
    (void)engine();
    return *shared_;
  }
  sip::BindingBoard& bindings() {
    (void)engine();
    return shared_->bindings;
  }

  policy::EarnedTrust& earned() {
    (void)engine();
    return shared_->earned;
  }
  sip::BindingBoard& bindings_board() {
    (void)engine();
    return shared_->bindings;
  }

  SbcConfig config;
  sip::SipEngineSettings settings;
  Timestamp now{std::chrono::hours(1)};
  Endpoint carrier = *parse_endpoint("198.18.1.2:5060", 0), pbx = *parse_endpoint("198.18.2.2:5060", 0),
           second_pbx = *parse_endpoint("198.18.2.3:5060", 0);
  std::string callee_tag = "pbxtag", callee_host = "198.18.2.2", caller_host = "198.18.1.2";
  bool restarts_after_each_step = false;
  bool may_be_detected = false;  // this test looks like an attack
  bool keeps_books = true;  // false: ports of closed streams are free again at once, and nothing is checked
  SentMessage invite_out;   // to the PBX
  SentMessage ok_out;       // to the carrier
  std::size_t engines = 1;  // of the node, from the next start on; messages go to them by their shard
  bool deals_anew = false;  // each start has another number of engines
  std::vector<sip::EngineEvent> events;
  RelayBook relay;
  std::vector<media::MediaCommand> orders;  // all that the relay was ever asked
  std::vector<std::uint64_t> closes;        // connections that were to be closed
  sip::MessageInput last_input;             // for a message that comes in another way than from() says

 private:
  std::vector<SentMessage> take(std::size_t engine = 0);
  [[nodiscard]] const ListenerConfig& listener_towards(const Endpoint& remote) const;

  sip::EngineOutput out_;
  std::vector<std::uint64_t> last_sequences_;  // by engine
  unsigned branches_ = 0;
  std::unique_ptr<sip::SharedPolicy> shared_;
  std::vector<std::unique_ptr<sip::SipEngine>> engines_;
  std::vector<std::unique_ptr<sip::SharedPolicy>> former_;
};

// The first of them with that method or status; fails the test when there is none.
[[nodiscard]] SentMessage only(const std::vector<SentMessage>& sent, std::string_view method_or_status);
[[nodiscard]] bool holds(const std::vector<SentMessage>& sent, std::string_view method_or_status);

}  // namespace sallyport::tests
