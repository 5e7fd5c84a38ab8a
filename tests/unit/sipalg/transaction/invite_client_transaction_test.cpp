// invite_client_transaction_test.cpp — RFC 3261 §17.1.1, Figure 5, §9.1; RFC 6026 §7.2: every state, every
// input.
#include "sipalg/transaction/invite_client_transaction.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sallyport::sip {
namespace {

using Action = TransactionAction;
enum class State { Calling, CallingCancelled, Proceeding, Cancelled, Accepted, Completed, Terminated };
enum class Input { Provisional, Success, Failure, Cancel, TransportError, Early, Deadline };
constexpr int kStates = 7;
constexpr int kInputs = 7;

constexpr Timestamp kStart{std::chrono::seconds(100)};
constexpr TimerSettings kTimers{};

InviteClientTransaction in_state(State state, Reliability reliability = Reliability::Unreliable) {
  InviteClientTransaction transaction(reliability, kTimers, kStart);
  TransactionActions ignored;
  if (state == State::CallingCancelled) transaction.cancel(kStart, ignored);
  if (state == State::Proceeding || state == State::Cancelled) transaction.on_response(180, kStart, ignored);
  if (state == State::Cancelled) transaction.cancel(kStart, ignored);
  if (state == State::Accepted) transaction.on_response(200, kStart, ignored);
  if (state == State::Completed) transaction.on_response(486, kStart, ignored);
  if (state == State::Terminated) transaction.on_transport_error(ignored);
  return transaction;
}

std::vector<Action> apply(InviteClientTransaction& transaction, Input input) {
  TransactionActions actions;
  const auto deadline = transaction.next_deadline();
  switch (input) {
    case Input::Provisional:
      transaction.on_response(183, kStart, actions);
      break;
    case Input::Success:
      transaction.on_response(200, kStart, actions);
      break;
    case Input::Failure:
      transaction.on_response(503, kStart, actions);
      break;
    case Input::Cancel:
      transaction.cancel(kStart, actions);
      break;
    case Input::TransportError:
      transaction.on_transport_error(actions);
      break;
    case Input::Early:
      transaction.on_deadline(deadline ? *deadline - 1ns : kStart + std::chrono::hours(1), actions);
      break;
    case Input::Deadline:
      transaction.on_deadline(deadline.value_or(kStart + std::chrono::hours(1)), actions);
      break;
  }
  return {actions.begin(), actions.end()};
}

// What each pair does; an absent pair does nothing.
struct Row {
  State state;
  Input input;
  std::vector<Action> actions;
  bool terminated = false;
};
const std::vector<Row> kTable{
    {State::Calling, Input::Provisional, {Action::DeliverResponse}},
    {State::Calling, Input::Success, {Action::DeliverResponse}},
    {State::Calling, Input::Failure, {Action::SendAck, Action::DeliverResponse}},
    {State::Calling, Input::TransportError, {Action::ReportTransportError, Action::Terminate}, true},
    {State::Calling, Input::Deadline, {Action::ResendRequest}},
    {State::CallingCancelled, Input::Provisional, {Action::DeliverResponse, Action::SendCancel}},
    {State::CallingCancelled, Input::Success, {Action::DeliverResponse}},
    {State::CallingCancelled, Input::Failure, {Action::SendAck, Action::DeliverResponse}},
    {State::CallingCancelled, Input::TransportError, {Action::ReportTransportError, Action::Terminate}, true},
    {State::CallingCancelled, Input::Deadline, {Action::ResendRequest}},
    {State::Proceeding, Input::Provisional, {Action::DeliverResponse}},
    {State::Proceeding, Input::Success, {Action::DeliverResponse}},
    {State::Proceeding, Input::Failure, {Action::SendAck, Action::DeliverResponse}},
    {State::Proceeding, Input::Cancel, {Action::SendCancel}},
    {State::Cancelled, Input::Provisional, {Action::DeliverResponse}},
    {State::Cancelled, Input::Success, {Action::DeliverResponse}},
    {State::Cancelled, Input::Failure, {Action::SendAck, Action::DeliverResponse}},
    {State::Cancelled, Input::Deadline, {Action::ReportTimeout, Action::Terminate}, true},
    {State::Accepted, Input::Success, {Action::DeliverResponse}},
    {State::Accepted, Input::Deadline, {Action::Terminate}, true},
    {State::Completed, Input::Success, {Action::DeliverResponse}},
    {State::Completed, Input::Failure, {Action::ResendAck}},
    {State::Completed, Input::TransportError, {Action::ReportTransportError, Action::Terminate}, true},
    {State::Completed, Input::Deadline, {Action::Terminate}, true},
};

TEST(InviteClientTransaction, EveryStateMeetsEveryInputAsFigure5Says) {
  for (int state = 0; state < kStates; ++state) {
    for (int input = 0; input < kInputs; ++input) {
      Row expected{static_cast<State>(state), static_cast<Input>(input), {}};
      expected.terminated = expected.state == State::Terminated;
      for (const Row& row : kTable)
        if (row.state == expected.state && row.input == expected.input) expected = row;
      InviteClientTransaction transaction = in_state(expected.state);
      const std::string where = std::to_string(state) + "/" + std::to_string(input);
      EXPECT_EQ(apply(transaction, expected.input), expected.actions) << where;
      EXPECT_EQ(transaction.is_terminated(), expected.terminated) << where;
    }
  }
}

// RFC 3261 §17.1.1.2: 500 ms, 1 s, 2 s, ... without T2 as a limit, until 64*T1.
TEST(InviteClientTransaction, TimerADoublesUntilTimerB) {
  InviteClientTransaction transaction(Reliability::Unreliable, kTimers, kStart);
  std::vector<Duration> sent;
  for (;;) {
    const auto deadline = transaction.next_deadline();
    ASSERT_TRUE(deadline);
    TransactionActions actions;
    transaction.on_deadline(*deadline, actions);
    ASSERT_FALSE(actions.empty());
    if (actions[0] != Action::ResendRequest) {
      EXPECT_EQ(actions[0], Action::ReportTimeout);
      EXPECT_EQ(*deadline, kStart + 32s);
      break;
    }
    sent.push_back(*deadline - kStart);
  }
  EXPECT_EQ(sent, (std::vector<Duration>{500ms, 1500ms, 3500ms, 7500ms, 15500ms, 31500ms}));
}

TEST(InviteClientTransaction, ReliableTransportSendsOnce) {
  const auto transaction = in_state(State::Calling, Reliability::Reliable);
  EXPECT_EQ(transaction.next_deadline(), kStart + 32s);  // timer B
  EXPECT_EQ(in_state(State::Completed, Reliability::Reliable).next_deadline(), kStart);
}

// RFC 3261 §17.1.1.2: the server's T1 may be longer than ours.
TEST(InviteClientTransaction, TimerDLastsAtLeast32Seconds) {
  TransactionActions ignored;
  InviteClientTransaction quick(Reliability::Unreliable, {100ms, 4s, 5s}, kStart);
  quick.on_response(404, kStart, ignored);
  EXPECT_EQ(quick.next_deadline(), kStart + 32s);
  InviteClientTransaction slow(Reliability::Unreliable, {1s, 4s, 5s}, kStart);
  slow.on_response(404, kStart, ignored);
  EXPECT_EQ(slow.next_deadline(), kStart + 64s);
}

TEST(InviteClientTransaction, NoTimerRunsWhileItRings) {
  EXPECT_EQ(in_state(State::Proceeding).next_deadline(), std::nullopt);
  EXPECT_EQ(in_state(State::Cancelled).next_deadline(), kStart + 32s);  // RFC 3261 §9.1
  EXPECT_EQ(in_state(State::Accepted).next_deadline(), kStart + 32s);   // timer M, RFC 6026 §7.2
}

}  // namespace
}  // namespace sallyport::sip
