// exchange_fixture.h — a SipEngine between a carrier outside, phones outside that register through it, and a
// PBX inside, for what is no call: messages, publications, subscriptions. In virtual time, message by
// message.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sipalg/registrar/binding_board.h"
#include "tests/support/call_fixture.h"

namespace sallyport::tests {

class ExchangeFixture : public testing::Test, protected CallFixture {
 protected:
  // Phones are place 2 among the peers; their upstream is the PBX.
  ExchangeFixture();

  // A MESSAGE of the carrier to +15551234567; `branch` makes it another transaction.
  [[nodiscard]] static MessageBuilder message(std::string_view branch = "m1");
  // A SUBSCRIBE of the carrier to the same number, event dialog;id=7 for 600 s.
  [[nodiscard]] static MessageBuilder subscribe(std::string_view branch = "s1");
  // A request of a phone behind a router, as `user`@example.test.
  [[nodiscard]] static MessageBuilder of_phone(std::string_view method, std::string_view user,
                                               std::string_view called, std::string_view branch = "p1");
  // What registering would have put on the board.
  void register_phone(std::string_view user, const Endpoint& flow, std::uint64_t number,
                      Transport transport = Transport::Udp);
  [[nodiscard]] std::string contact_token(std::uint64_t binding) const;

  // A NOTIFY from whoever got `sent`, our SUBSCRIBE.
  [[nodiscard]] std::string notify(const SentMessage& sent, unsigned cseq, std::string_view state,
                                   std::string_view extra = {});
  [[nodiscard]] static std::string accepted(const SentMessage& sent, unsigned seconds,
                                            std::string_view tag = "pbxtag");
  // A subscription of the carrier at the PBX that is up: 200 and first NOTIFY are through. What was sent to
  // the PBX and to the carrier is kept.
  void set_up_subscription();
  // Within it, from the subscriber.
  [[nodiscard]] std::string refresh(unsigned cseq, unsigned seconds);

  SentMessage subscribe_out;  // to the PBX
  SentMessage accepted_out;   // 200 to the carrier
  SentMessage notify_out;     // to the carrier
  Endpoint phone = *parse_endpoint("198.18.1.50:40001", 0),
           neighbour_phone = *parse_endpoint("198.18.1.50:40002", 0),
           far_phone = *parse_endpoint("198.18.1.60:40003", 0);
  unsigned dialog_branches = 0;
};

}  // namespace sallyport::tests
