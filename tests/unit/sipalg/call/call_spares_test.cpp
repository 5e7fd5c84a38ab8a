// call_spares_test.cpp — what one call gives back another one has as new: its memory, and nothing that was in
// it.
#include "sipalg/call/call_spares.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace sallyport::sip {
namespace {

Dialog used_dialog(std::size_t size) {
  Dialog dialog;
  for (std::string* const text : {&dialog.call_id, &dialog.local_tag, &dialog.remote_tag,
                                  &dialog.local_address, &dialog.remote_address, &dialog.remote_target})
    text->assign(size, 'x');
  dialog.route_set = {"<sip:first;lr>"};
  dialog.local_cseq = 7;
  dialog.remote_cseq = 8;
  dialog.path.connection = 9;
  dialog.path.peer = PeerIndex{1};
  dialog.peer = PeerIndex{2};
  dialog.state = DialogState::Ended;
  dialog.is_private = dialog.was_secured = dialog.was_savp = true;
  dialog.credentials = "Authorization: Digest secret\r\n";
  return dialog;
}

std::string archived(const Dialog& dialog) {
  std::string bytes;
  ArchiveWriter writer(bytes, Timestamp{std::chrono::seconds(1)});
  writer(dialog);
  return bytes;
}

TEST(CallSpares, ADialogComesBackAsNewWithItsRoom) {
  CallSpares spares;
  spares.give(used_dialog(60));
  const Dialog dialog = spares.dialog();
  EXPECT_EQ(archived(dialog), archived(Dialog{}));
  EXPECT_GE(dialog.call_id.capacity(), 60u);
  EXPECT_GE(dialog.remote_target.capacity(), 60u);
  EXPECT_LT(spares.dialog().call_id.capacity(), 60u);  // there was one
}

TEST(CallSpares, ACopyHasAllThatWasThereAndNothingElse) {
  CallSpares spares;
  spares.give(used_dialog(150));
  Dialog original = used_dialog(20);
  original.remote_tag.clear();
  original.route_set.clear();
  EXPECT_EQ(archived(spares.dialog(original)), archived(original));
  EXPECT_EQ(archived(spares.dialog(original)), archived(original));  // without a spare one
}

TEST(CallSpares, WhatIsStrangelyLongGoesBackToTheHeap) {
  CallSpares spares;
  spares.give(used_dialog(4000));
  EXPECT_LT(spares.dialog().call_id.capacity(), 4000u);
  spares.give(std::string(60000, 'x'));
  EXPECT_LT(spares.text("short").capacity(), 60000u);
}

TEST(CallSpares, ATextTakesTheRoomOfTheLastOne) {
  CallSpares spares;
  std::string used(700, 'x');
  const char* const place = used.data();
  spares.give(std::move(used));
  const std::string text = spares.text(std::string(500, 'y'));
  EXPECT_EQ(text, std::string(500, 'y'));
  EXPECT_EQ(text.data(), place);
}

TEST(CallSpares, AcksComeBackAsNew) {
  CallSpares spares;
  Boxed<SentAck> ack = spares.sent_ack();
  ack->cseq = 3;
  ack->bytes.assign(400, 'x');
  ack->path.connection = 4;
  ack->forget_at = Timestamp::max();
  spares.give(std::move(ack));
  const Boxed<SentAck> again = spares.sent_ack();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->cseq, 0u);
  EXPECT_TRUE(again->bytes.empty());
  EXPECT_GE(again->bytes.capacity(), 400u);
  EXPECT_EQ(again->path.connection, 0u);
  EXPECT_EQ(again->forget_at, Timestamp{});

  AwaitedAck awaited;
  awaited.cseq = 5;
  awaited.response = "SIP/2.0 200 OK";
  awaited.owes_answer = true;
  Boxed<AwaitedAck> box = spares.boxed(std::move(awaited));
  EXPECT_EQ(box->response, "SIP/2.0 200 OK");
  spares.give(std::move(box));
  const Boxed<AwaitedAck> next = spares.boxed({.cseq = 6, .response = {}, .path = {}});
  EXPECT_EQ(next->cseq, 6u);
  EXPECT_TRUE(next->response.empty());
  EXPECT_FALSE(next->owes_answer);
}

// Whether a list is full or not, what was given is gone.
TEST(CallSpares, MoreThanAreKeptGoBackToTheHeap) {
  CallSpares spares;
  for (int i = 0; i < 2000; ++i) {
    Call call;
    Fork& fork = call.forks.emplace_back();
    fork.dialogs = {used_dialog(60), used_dialog(60)};
    fork.sent_ack[0] = SentAck{.cseq = 1, .bytes = "ACK", .path = {}};
    fork.awaited[1] = AwaitedAck{.cseq = 2, .response = "200", .path = {}};
    call.held.emplace_back();
    spares.give(call);
    EXPECT_FALSE(call.forks[0].sent_ack[0]);
    EXPECT_FALSE(call.forks[0].awaited[1]);
  }
  EXPECT_EQ(archived(spares.dialog()), archived(Dialog{}));
  EXPECT_TRUE(spares.held().empty());
}

}  // namespace
}  // namespace sallyport::sip
