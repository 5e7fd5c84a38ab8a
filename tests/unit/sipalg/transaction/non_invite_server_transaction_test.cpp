// non_invite_server_transaction_test.cpp — RFC 3261 §17.2.2, Figure 8: every state with every input.
#include "sipalg/transaction/non_invite_server_transaction.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sallyport::sip {
namespace {

using Action = TransactionAction;
enum class State { Trying, Proceeding, Completed, Terminated };
enum class Input { RequestAgain, Provisional, Final, TransportError, TimerEarly, TimerJ };

constexpr Timestamp kStart{std::chrono::seconds(100)};
constexpr TimerSettings kTimers{};

NonInviteServerTransaction in_state(State state, Reliability reliability = Reliability::Unreliable) {
  NonInviteServerTransaction transaction(reliability, kTimers);
  TransactionActions ignored;
  if (state == State::Proceeding) transaction.send(100, kStart, ignored);
  if (state == State::Completed) transaction.send(200, kStart, ignored);
  if (state == State::Terminated) {
    transaction.send(200, kStart, ignored);
    transaction.on_transport_error(ignored);
  }
  return transaction;
}

std::vector<Action> apply(NonInviteServerTransaction& transaction, Input input) {
  TransactionActions actions;
  switch (input) {
    case Input::RequestAgain:
      transaction.on_request_again(actions);
      break;
    case Input::Provisional:
      transaction.send(183, kStart, actions);
      break;
    case Input::Final:
      transaction.send(404, kStart, actions);
      break;
    case Input::TransportError:
      transaction.on_transport_error(actions);
      break;
    case Input::TimerEarly:
      transaction.on_deadline(kStart + 64 * kTimers.t1 - 1ns, actions);
      break;
    case Input::TimerJ:
      transaction.on_deadline(kStart + 64 * kTimers.t1, actions);
      break;
  }
  return {actions.begin(), actions.end()};
}

TEST(NonInviteServerTransaction, EveryStateMeetsEveryInputAsFigure8Says) {
  const struct {
    State state;
    Input input;
    std::vector<Action> actions;
    bool runs_j;
    bool terminated;
  } table[] = {
      {State::Trying, Input::RequestAgain, {}, false, false},
      {State::Trying, Input::Provisional, {Action::SendResponse}, false, false},
      {State::Trying, Input::Final, {Action::SendResponse}, true, false},
      {State::Trying, Input::TransportError, {}, false, false},
      {State::Trying, Input::TimerEarly, {}, false, false},
      {State::Trying, Input::TimerJ, {}, false, false},
      {State::Proceeding, Input::RequestAgain, {Action::ResendResponse}, false, false},
      {State::Proceeding, Input::Provisional, {Action::SendResponse}, false, false},
      {State::Proceeding, Input::Final, {Action::SendResponse}, true, false},
      {State::Proceeding,
       Input::TransportError,
       {Action::ReportTransportError, Action::Terminate},
       false,
       true},
      {State::Proceeding, Input::TimerEarly, {}, false, false},
      {State::Proceeding, Input::TimerJ, {}, false, false},
      {State::Completed, Input::RequestAgain, {Action::ResendResponse}, true, false},
      {State::Completed, Input::Provisional, {}, true, false},
      {State::Completed, Input::Final, {}, true, false},
      {State::Completed,
       Input::TransportError,
       {Action::ReportTransportError, Action::Terminate},
       false,
       true},
      {State::Completed, Input::TimerEarly, {}, true, false},
      {State::Completed, Input::TimerJ, {Action::Terminate}, false, true},
      {State::Terminated, Input::RequestAgain, {}, false, true},
      {State::Terminated, Input::Provisional, {}, false, true},
      {State::Terminated, Input::Final, {}, false, true},
      {State::Terminated, Input::TransportError, {}, false, true},
      {State::Terminated, Input::TimerEarly, {}, false, true},
      {State::Terminated, Input::TimerJ, {}, false, true},
  };
  ASSERT_EQ(std::size(table), 4u * 6u);
  for (const auto& row : table) {
    NonInviteServerTransaction transaction = in_state(row.state);
    const std::string where =
        std::to_string(static_cast<int>(row.state)) + "/" + std::to_string(static_cast<int>(row.input));
    EXPECT_EQ(apply(transaction, row.input), row.actions) << where;
    EXPECT_EQ(transaction.next_deadline().has_value(), row.runs_j) << where;
    EXPECT_EQ(transaction.is_terminated(), row.terminated) << where;
  }
}

// RFC 3261 §17.2.2: 64*T1 on UDP, at once on a reliable transport.
TEST(NonInviteServerTransaction, TimerJDependsOnTheTransport) {
  EXPECT_EQ(in_state(State::Completed).next_deadline(), kStart + 32s);
  EXPECT_EQ(in_state(State::Completed, Reliability::Reliable).next_deadline(), kStart);
}

}  // namespace
}  // namespace sallyport::sip
