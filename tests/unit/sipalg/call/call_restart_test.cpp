// call_restart_test.cpp — calls driven with a restart between every two messages: the same must come out as
// without.
#include <gtest/gtest.h>

#include <functional>

#include "tests/support/call_fixture.h"

namespace sallyport::sip {
namespace {

using tests::CallFixture;
using tests::holds;
using tests::only;
using tests::SentMessage;

constexpr std::string_view kContact = "Contact: <sip:desk-contact@198.18.2.2:5060>\r\n";

// What was sent, without the branches that we made: they number our requests. Our own Call-IDs and tags are
// made of the call's number and stay the same.
std::string seen(const std::vector<SentMessage>& sent) {
  std::string text;
  for (const SentMessage& message : sent) {
    std::string bytes = message.bytes;
    if (message.is_request()) {
      const std::size_t start = bytes.find(";branch=");
      bytes.erase(start, bytes.find_first_of(";\r", start + 1) - start);
    }
    text += to_string(message.path.remote) + "\n" + bytes + "\n";
  }
  return text;
}

using Log = std::vector<std::string>;

// One scenario; each line of the log is the outcome of one step.
void whole_call(CallFixture& f, Log& log) {
  const auto put = [&log](std::vector<SentMessage> sent) { return log.push_back(seen(sent)), sent; };
  const SentMessage out = only(put(f.from_carrier(f.invite().build())), "INVITE");
  put(f.from_carrier(f.invite().build()));  // a retransmission
  put(f.from_pbx(f.answer(out, 100, "")));
  put(f.from_pbx(f.answer(out, 180, "one", kContact)));
  put(f.from_pbx(f.answer(out, 183, "pbxtag", kContact, CallFixture::kSdp)));
  f.callee_tag = "pbxtag";
  (void)f.from_pbx(f.answer(out, 200, "pbxtag", kContact, CallFixture::kSdp));
  const SentMessage ok = only(f.wait(150ms), "200");
  log.push_back(seen({ok}));
  put(f.wait(500ms));  // the 200 again
  put(f.from_carrier(f.in_dialog("ACK", 1, ok)));
  put(f.from_pbx(f.answer(out, 200, "pbxtag", kContact, CallFixture::kSdp)));  // its ACK again
  const SentMessage info = only(put(f.from_carrier(f.in_dialog("INFO", 2, ok))), "INFO");
  put(f.wait(600ms));  // the INFO again
  put(f.from_pbx(f.answer(info, 200, "")));
  const SentMessage again =
      only(put(f.from_pbx(f.in_dialog("INVITE", 1, out, {}, CallFixture::kSdp))), "INVITE");
  put(f.from_carrier(f.answer(again, 180, "")));
  put(f.from_carrier(f.answer(again, 200, "", "Contact: <sip:a@198.18.1.2>\r\n", CallFixture::kSdp)));
  put(f.wait(600ms));
  put(f.from_pbx(f.in_dialog("ACK", 1, out)));
  const std::string hang_up = f.in_dialog("BYE", 3, ok);
  const SentMessage bye = only(put(f.from_carrier(hang_up)), "BYE");
  log.push_back(seen({only(f.wait(150ms), "200")}));
  put(f.from_pbx(f.answer(bye, 200, "")));
}

void busy_then_next_then_cancel(CallFixture& f, Log& log) {
  const auto put = [&log](std::vector<SentMessage> sent) { return log.push_back(seen(sent)), sent; };
  const std::string invite = f.invite().build();
  const SentMessage first = only(put(f.from_carrier(invite)), "INVITE");
  const SentMessage second = only(put(f.from_pbx(f.answer(first, 503, "x"))), "INVITE");
  put(f.from_pbx(f.answer(first, 503, "x")));  // its ACK again
  put(f.from(f.second_pbx, f.answer(second, 180, "two", kContact)));
  const auto cancelled = put(f.from_carrier(f.cancel_of(invite)));
  const SentMessage refused = only(cancelled, "487");
  put(f.wait(600ms));  // CANCEL and 487 again
  put(f.from(f.second_pbx, f.answer(only(cancelled, "CANCEL"), 200, "two")));
  put(f.from_carrier(f.ack_of(invite, refused)));
  put(f.from(f.second_pbx, f.answer(second, 487, "two")));
}

void silence_and_a_late_answer(CallFixture& f, Log& log) {
  const auto put = [&log](std::vector<SentMessage> sent) { return log.push_back(seen(sent)), sent; };
  const SentMessage first = only(put(f.from_carrier(f.invite().build())), "INVITE");
  put(f.wait(5500ms));
  put(f.from_pbx(f.answer(first, 180, "late", kContact)));
  put(f.from_pbx(f.answer(first, 200, "late", kContact, CallFixture::kSdp)));
  put(f.wait(1s));
}

void expect_same(const std::function<void(CallFixture&, Log&)>& scenario) {
  CallFixture plain, restarted;
  restarted.restarts_after_each_step = true;
  Log expected, found;
  scenario(plain, expected);
  scenario(restarted, found);
  ASSERT_EQ(expected.size(), found.size());
  for (std::size_t step = 0; step < expected.size(); ++step)
    EXPECT_EQ(expected[step], found[step]) << "step " << step;
  for (CallFixture* fixture : {&plain, &restarted}) {
    (void)fixture->wait(10min);
    EXPECT_EQ(fixture->calls(), 0u);
    EXPECT_EQ(fixture->records(CallRecordType::End).size(), 1u);
    EXPECT_EQ(fixture->engine().counters().transactions_active.value(), 0u);
  }
}

TEST(CallRestart, WholeCallGoesOnAfterEachMessage) { expect_same(whole_call); }
TEST(CallRestart, FailoverAndCancelGoOnAfterEachMessage) { expect_same(busy_then_next_then_cancel); }
TEST(CallRestart, LateAnswerIsEndedAfterEachMessage) { expect_same(silence_and_a_late_answer); }

}  // namespace
}  // namespace sallyport::sip
