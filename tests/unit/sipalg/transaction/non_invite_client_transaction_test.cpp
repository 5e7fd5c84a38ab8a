// non_invite_client_transaction_test.cpp — RFC 3261 §17.1.2, Figure 6: every state with every input.
#include "sipalg/transaction/non_invite_client_transaction.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sallyport::sip {
namespace {

using Action = TransactionAction;
enum class State { Trying, Proceeding, Completed, Terminated };
enum class Input { Provisional, Final, TransportError, Early, Deadline, TimerF };
constexpr int kStates = 4;
constexpr int kInputs = 6;

constexpr Timestamp kStart{std::chrono::seconds(100)};
constexpr TimerSettings kTimers{};

NonInviteClientTransaction in_state(State state, Reliability reliability = Reliability::Unreliable) {
  NonInviteClientTransaction transaction(reliability, kTimers, kStart);
  TransactionActions ignored;
  if (state == State::Proceeding) transaction.on_response(100, kStart, ignored);
  if (state == State::Completed) transaction.on_response(200, kStart, ignored);
  if (state == State::Terminated) transaction.on_transport_error(ignored);
  return transaction;
}

std::vector<Action> apply(NonInviteClientTransaction& transaction, Input input) {
  TransactionActions actions;
  const auto deadline = transaction.next_deadline();
  switch (input) {
    case Input::Provisional:
      transaction.on_response(183, kStart, actions);
      break;
    case Input::Final:
      transaction.on_response(404, kStart, actions);
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
    case Input::TimerF:
      transaction.on_deadline(kStart + 32s, actions);
      break;
  }
  return {actions.begin(), actions.end()};
}

TEST(NonInviteClientTransaction, EveryStateMeetsEveryInputAsFigure6Says) {
  const struct Row {
    State state;
    Input input;
    std::vector<Action> actions;
    bool terminated;
  } table[] = {
      {State::Trying, Input::Provisional, {Action::DeliverResponse}, false},
      {State::Trying, Input::Final, {Action::DeliverResponse}, false},
      {State::Trying, Input::TransportError, {Action::ReportTransportError, Action::Terminate}, true},
      {State::Trying, Input::Early, {}, false},
      {State::Trying, Input::Deadline, {Action::ResendRequest}, false},
      {State::Trying, Input::TimerF, {Action::ReportTimeout, Action::Terminate}, true},
      {State::Proceeding, Input::Provisional, {Action::DeliverResponse}, false},
      {State::Proceeding, Input::Final, {Action::DeliverResponse}, false},
      {State::Proceeding, Input::TransportError, {Action::ReportTransportError, Action::Terminate}, true},
      {State::Proceeding, Input::Early, {}, false},
      {State::Proceeding, Input::Deadline, {Action::ResendRequest}, false},
      {State::Proceeding, Input::TimerF, {Action::ReportTimeout, Action::Terminate}, true},
      {State::Completed, Input::Provisional, {}, false},
      {State::Completed, Input::Final, {}, false},
      {State::Completed, Input::TransportError, {}, false},
      {State::Completed, Input::Early, {}, false},
      {State::Completed, Input::Deadline, {Action::Terminate}, true},
      {State::Completed, Input::TimerF, {Action::Terminate}, true},
      {State::Terminated, Input::Provisional, {}, true},
      {State::Terminated, Input::Final, {}, true},
      {State::Terminated, Input::TransportError, {}, true},
      {State::Terminated, Input::Early, {}, true},
      {State::Terminated, Input::Deadline, {}, true},
      {State::Terminated, Input::TimerF, {}, true},
  };
  ASSERT_EQ(std::size(table), static_cast<std::size_t>(kStates * kInputs));
  for (const Row& row : table) {
    NonInviteClientTransaction transaction = in_state(row.state);
    const std::string where =
        std::to_string(static_cast<int>(row.state)) + "/" + std::to_string(static_cast<int>(row.input));
    EXPECT_EQ(apply(transaction, row.input), row.actions) << where;
    EXPECT_EQ(transaction.is_terminated(), row.terminated) << where;
  }
}

std::vector<Duration> times_sent(NonInviteClientTransaction transaction) {
  std::vector<Duration> sent;
  while (const auto deadline = transaction.next_deadline()) {
    TransactionActions actions;
    transaction.on_deadline(*deadline, actions);
    if (!actions.empty() && actions[0] == Action::ResendRequest) sent.push_back(*deadline - kStart);
  }
  return sent;
}

// RFC 3261 §17.1.2.2: 500 ms, 1 s, 2 s, then every 4 s until 64*T1: eleven requests in all.
TEST(NonInviteClientTransaction, TimerEDoublesUpToT2) {
  EXPECT_EQ(times_sent(in_state(State::Trying)),
            (std::vector<Duration>{500ms, 1500ms, 3500ms, 7500ms, 11500ms, 15500ms, 19500ms, 23500ms, 27500ms,
                                   31500ms}));
}

// RFC 3261 §17.1.2.2: the timer that runs goes on, and is T2 from then on.
TEST(NonInviteClientTransaction, TimerEIsT2OnceItProceeds) {
  EXPECT_EQ(times_sent(in_state(State::Proceeding)),
            (std::vector<Duration>{500ms, 4500ms, 8500ms, 12500ms, 16500ms, 20500ms, 24500ms, 28500ms}));
}

TEST(NonInviteClientTransaction, ReliableTransportSendsOnceAndForgetsAtOnce) {
  EXPECT_TRUE(times_sent(in_state(State::Trying, Reliability::Reliable)).empty());
  EXPECT_EQ(in_state(State::Completed, Reliability::Reliable).next_deadline(), kStart);
  EXPECT_EQ(in_state(State::Completed).next_deadline(), kStart + 5s);  // timer K = T4
}

}  // namespace
}  // namespace sallyport::sip
