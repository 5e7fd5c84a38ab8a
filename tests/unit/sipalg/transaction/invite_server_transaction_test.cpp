// invite_server_transaction_test.cpp — RFC 3261 §17.2.1, Figure 7; RFC 6026 §7.1: every state, every input.
#include "sipalg/transaction/invite_server_transaction.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sallyport::sip {
namespace {

using Action = TransactionAction;
enum class State { Proceeding, Provisional, Accepted, AcceptedAcked, Completed, Confirmed, Terminated };
enum class Input { InviteAgain, Ack, Provisional, Success, Failure, TransportError, Early, Deadline };
constexpr int kStates = 7;
constexpr int kInputs = 8;

constexpr Timestamp kStart{std::chrono::seconds(100)};
constexpr TimerSettings kTimers{};

InviteServerTransaction in_state(State state, Reliability reliability = Reliability::Unreliable) {
  InviteServerTransaction transaction(reliability, kTimers);
  TransactionActions ignored;
  if (state == State::Provisional) transaction.send(180, kStart, ignored);
  if (state == State::Accepted || state == State::AcceptedAcked) transaction.send(200, kStart, ignored);
  if (state == State::Completed || state == State::Confirmed) transaction.send(486, kStart, ignored);
  if (state == State::AcceptedAcked || state == State::Confirmed) transaction.on_ack(kStart);
  if (state == State::Terminated) return {};
  return transaction;
}

std::vector<Action> apply(InviteServerTransaction& transaction, Input input) {
  TransactionActions actions;
  const auto deadline = transaction.next_deadline();
  switch (input) {
    case Input::InviteAgain:
      transaction.on_request_again(actions);
      break;
    case Input::Ack:
      transaction.on_ack(kStart);
      break;
    case Input::Provisional:
      transaction.send(183, kStart, actions);
      break;
    case Input::Success:
      transaction.send(200, kStart, actions);
      break;
    case Input::Failure:
      transaction.send(603, kStart, actions);
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
    {State::Proceeding, Input::Provisional, {Action::SendResponse}},
    {State::Proceeding, Input::Success, {Action::SendResponse}},
    {State::Proceeding, Input::Failure, {Action::SendResponse}},
    {State::Proceeding, Input::TransportError, {Action::ReportTransportError}},
    {State::Provisional, Input::InviteAgain, {Action::ResendResponse}},
    {State::Provisional, Input::Provisional, {Action::SendResponse}},
    {State::Provisional, Input::Success, {Action::SendResponse}},
    {State::Provisional, Input::Failure, {Action::SendResponse}},
    {State::Provisional, Input::TransportError, {Action::ReportTransportError}},
    {State::Accepted, Input::InviteAgain, {Action::ResendResponse}},
    {State::Accepted, Input::Success, {Action::SendResponse}},
    {State::Accepted, Input::TransportError, {Action::ReportTransportError}},
    {State::Accepted, Input::Deadline, {Action::Terminate}, true},
    {State::AcceptedAcked, Input::Success, {Action::SendResponse}},
    {State::AcceptedAcked, Input::TransportError, {Action::ReportTransportError}},
    {State::AcceptedAcked, Input::Deadline, {Action::Terminate}, true},
    {State::Completed, Input::InviteAgain, {Action::ResendResponse}},
    {State::Completed, Input::TransportError, {Action::ReportTransportError}},
    {State::Completed, Input::Deadline, {Action::ResendResponse}},
    {State::Confirmed, Input::Deadline, {Action::Terminate}, true},
};

TEST(InviteServerTransaction, EveryStateMeetsEveryInputAsFigure7Says) {
  for (int state = 0; state < kStates; ++state) {
    for (int input = 0; input < kInputs; ++input) {
      Row expected{static_cast<State>(state), static_cast<Input>(input), {}};
      expected.terminated = expected.state == State::Terminated;
      for (const Row& row : kTable)
        if (row.state == expected.state && row.input == expected.input) expected = row;
      InviteServerTransaction transaction = in_state(expected.state);
      const std::string where = std::to_string(state) + "/" + std::to_string(input);
      EXPECT_EQ(apply(transaction, expected.input), expected.actions) << where;
      EXPECT_EQ(transaction.is_terminated(), expected.terminated) << where;
    }
  }
}

// RFC 3261 §17.2.1: 500 ms, 1 s, 2 s, then every 4 s until timer H.
TEST(InviteServerTransaction, ResendsFinalOnTimerGUntilTimerH) {
  InviteServerTransaction transaction = in_state(State::Completed);
  std::vector<Duration> sent;
  std::vector<Action> last;
  Timestamp at;
  while (const auto deadline = transaction.next_deadline()) {
    at = *deadline;
    last = apply(transaction, Input::Deadline);
    if (last == std::vector{Action::ResendResponse}) sent.push_back(at - kStart);
  }
  EXPECT_EQ(sent, (std::vector<Duration>{500ms, 1500ms, 3500ms, 7500ms, 11500ms, 15500ms, 19500ms, 23500ms,
                                         27500ms, 31500ms}));
  EXPECT_EQ(last, (std::vector{Action::ReportTimeout, Action::Terminate}));
  EXPECT_EQ(at, kStart + 32s);
}

TEST(InviteServerTransaction, OnlyAnAckOfAFailureIsItsOwn) {
  const struct {
    State state;
    bool own;
  } rows[] = {{State::Proceeding, false}, {State::Accepted, false}, {State::AcceptedAcked, false},
              {State::Completed, true},   {State::Confirmed, true}, {State::Terminated, false},
              {State::Provisional, false}};
  for (const auto& row : rows) EXPECT_EQ(in_state(row.state).on_ack(kStart), row.own);
}

TEST(InviteServerTransaction, TimersDependOnTheTransport) {
  EXPECT_EQ(in_state(State::Completed, Reliability::Reliable).next_deadline(), kStart + 32s);  // only H
  EXPECT_EQ(in_state(State::Confirmed, Reliability::Reliable).next_deadline(), kStart);        // I = 0
  EXPECT_EQ(in_state(State::Confirmed).next_deadline(), kStart + 5s);                          // I = T4
  EXPECT_EQ(in_state(State::Accepted).next_deadline(), kStart + 32s);                          // L
  EXPECT_EQ(in_state(State::Proceeding).next_deadline(), std::nullopt);
}

}  // namespace
}  // namespace sallyport::sip
