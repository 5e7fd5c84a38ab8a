// reload_confirm_test.cpp — a reload on probation: taken back unless confirmed, by the clock or by an
// operator, and what a restart in between finds.
#include <gmock/gmock.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "mgmt/daemon/reload_answer.h"
#include "tests/unit/mgmt/calls/fake_engines.h"
#include "tests/unit/mgmt/config/config_text.h"

namespace sallyport::mgmt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Json = nlohmann::ordered_json;

std::string with_route(const std::string& name) {
  return with_line(12, "routes: [{ name: " + name + ", match: { peer: [carrier] }, to: [pbx] }]");
}

class ReloadConfirmTest : public testing::Test {
 protected:
  ReloadConfirmTest() {
    for (std::size_t i = 0; i < 2; ++i) engines_.desk(i).peers_in_use_ = std::vector<bool>(2000);
    start(with_route("first"));
  }
  // As the daemon does, again and again.
  void start(const std::string& text) {
    reload_.reset();
    alarms_.emplace(*log_, fake_wall_time);
    write(text);
    LoadedConfig loaded = load_config(file());
    ASSERT_THAT(errors_of(loaded), IsEmpty());
    slot_.put(make_value<SbcConfig>(std::move(loaded.config)));
    tokens_ = loaded.tokens;
    ReloadPlaces places{.file = file(),
                        .config = slot_,
                        .engines = engines_,
                        .log = *log_,
                        .adopt = [this](const SharedValue<SbcConfig>&) -> Result<void, std::string> {
                          if (!plane_refuses_.empty()) return fail(plane_refuses_);
                          return {};
                        }};
    places.why_not_now = [this] { return why_not_now_; };
    places.monotonic = [this] { return now_; };
    places.aside = aside_;
    places.take_tokens = [this](std::vector<AccessToken> tokens) { tokens_ = std::move(tokens); };
    places.alarms = &*alarms_;
    places.mark = &mark_;
    places.wall = fake_wall_time;
    commands_ = {};
    router_ = {};
    reload_.emplace(std::move(places), std::move(loaded.written), loaded.tokens);
    add_reload_commands(commands_, *reload_);
    add_reload_paths(router_, *reload_);
  }
  void write(const std::string& text) { folder_.write("c.yaml", text); }
  [[nodiscard]] std::string file() const { return (folder_.path() / "c.yaml").string(); }
  // `confirm`: as of the command line; empty: without.
  Json reload(const std::string& text, const std::string& confirm = {}) {
    write(text);
    return ask("reload", {{"confirm", confirm}});
  }
  Json ask(const std::string& command, const ControlArguments& given = {}) {
    return Json::parse(commands_.answer(command_request(command, given)));
  }
  [[nodiscard]] std::string route() const { return slot_.read()->routes[0].name; }
  [[nodiscard]] std::vector<std::string> alarms() const {
    std::vector<std::string> out;
    for (const ActiveAlarm& alarm : alarms_->active()) out.emplace_back(alarm.name);
    return out;
  }
  void pass(Duration time) {
    now_ += time;
    reload_->tick();
  }
  [[nodiscard]] bool has_mark() const { return std::filesystem::exists(folder_.path() / kUnconfirmedFile); }
  [[nodiscard]] std::string logged() const { return read_file(folder_.path() / "log"); }

  const TestFolder folder_;
  std::unique_ptr<EventLog> log_ =
      EventLog::open(LogConfig{}, (folder_.path() / "log").string(), fake_wall_time).value();
  PosixDisk disk_;
  UnconfirmedMark mark_{disk_, folder_.path().string()};
  std::optional<AlarmRegistry> alarms_;
  FakeEngines engines_{2};
  SharedSlot<SbcConfig> slot_{make_value<SbcConfig>()};
  std::vector<AccessToken> tokens_;
  std::string plane_refuses_, why_not_now_;
  std::function<void(std::function<void()> work, std::function<void()> then)> aside_;
  Timestamp now_{1h};
  ControlCommands commands_;
  Router router_;
  std::optional<Reload> reload_;
};

TEST_F(ReloadConfirmTest, IsTakenBackWhenNobodyConfirmsInTime) {
  const Json done = reload(with_route("second"), "5m");
  EXPECT_EQ(done["status"], 0);
  EXPECT_EQ(done["result"]["unconfirmed"]["seconds"], 300);
  EXPECT_EQ(route(), "second") << "it takes effect at once";
  EXPECT_THAT(alarms(), ElementsAre("config_unconfirmed"));
  EXPECT_TRUE(reload_->was_successful());
  pass(5min - 1ns);
  EXPECT_EQ(route(), "second");
  pass(1ns);
  EXPECT_EQ(route(), "first");
  EXPECT_THAT(alarms(), ElementsAre("config_rolled_back")) << "what runs is not what the files say";
  EXPECT_FALSE(reload_->was_successful());
  EXPECT_THAT(logged(), HasSubstr("\"rolled_back\""));
  EXPECT_FALSE(has_mark());
  pass(24h);
  EXPECT_EQ(route(), "first") << "once";
}

TEST_F(ReloadConfirmTest, StaysWhenItIsConfirmedAndOneStepBackIsStillThere) {
  reload(with_route("second"), "5m");
  EXPECT_EQ(ask("confirm")["result"]["confirmed"], true);
  EXPECT_THAT(alarms(), IsEmpty());
  EXPECT_FALSE(has_mark());
  pass(24h);
  EXPECT_EQ(route(), "second");
  EXPECT_EQ(ask("confirm")["status"], 78) << "nothing waits for it";
  EXPECT_EQ(ask("rollback")["result"]["taken_back"], true);
  EXPECT_EQ(route(), "first");
}

TEST_F(ReloadConfirmTest, RollbackTakesBackAtOnceAlsoWhatWasNotToBeConfirmed) {
  reload(with_route("second"));
  EXPECT_THAT(alarms(), IsEmpty());
  const Json back = ask("rollback");
  EXPECT_EQ(back["status"], 0);
  EXPECT_EQ(back["result"]["changes"].size(), 2u) << "said as changes";
  EXPECT_EQ(route(), "first");
  EXPECT_THAT(alarms(), ElementsAre("config_rolled_back"));
  const Json again = ask("rollback");
  EXPECT_EQ(again["status"], 78) << "one step back";
  EXPECT_EQ(reload(with_route("second"))["status"], 0) << "the files still say it";
  EXPECT_EQ(route(), "second");
  EXPECT_THAT(alarms(), IsEmpty());
  EXPECT_TRUE(reload_->was_successful());
}

TEST_F(ReloadConfirmTest, AtTheStartThereIsNothingToConfirmAndNoStepBack) {
  EXPECT_EQ(ask("rollback")["status"], 78);
  EXPECT_EQ(ask("confirm")["status"], 78);
  EXPECT_TRUE(reload_->was_successful());
}

TEST_F(ReloadConfirmTest, AnotherReloadOnProbationBeginsTheTimeAnewAndTheStepStays) {
  reload(with_route("second"), "5m");
  pass(4min);
  reload(with_route("third"), "5m");
  pass(4min);
  EXPECT_EQ(route(), "third");
  pass(1min);
  EXPECT_EQ(route(), "first") << "what was confirmed last, not what was tried in between";
}

// logrotate, certbot: none of them knows what an operator waits for.
TEST_F(ReloadConfirmTest, AReloadThatNobodyWantsConfirmedNeitherConfirmsNorProlongs) {
  reload(with_route("second"), "5m");
  pass(4min);
  const Json other = reload(with_route("third"));
  EXPECT_EQ(other["result"]["unconfirmed"]["seconds"], 60);
  EXPECT_THAT(alarms(), ElementsAre("config_unconfirmed"));
  pass(1min);
  EXPECT_EQ(route(), "first");
}

TEST_F(ReloadConfirmTest, AReloadThatBroughtNothingIsNoStep) {
  reload(with_route("second"));
  reload(with_route("second"));
  ask("rollback");
  EXPECT_EQ(route(), "first");
}

TEST_F(ReloadConfirmTest, ABadFileChangesNothingOfAProbation) {
  reload(with_route("second"), "5m");
  EXPECT_EQ(reload("nonsense", "5m")["status"], 78);
  EXPECT_EQ(route(), "second");
  pass(5min);
  EXPECT_EQ(route(), "first");
}

TEST_F(ReloadConfirmTest, WhatCanNotBeTakenBackJustNowIsTriedAgain) {
  reload(with_route("second"), "5m");
  plane_refuses_ = "a signalling thread does not answer";
  pass(5min);
  EXPECT_EQ(route(), "second");
  EXPECT_THAT(alarms(), ElementsAre("config_unconfirmed"));
  EXPECT_THAT(logged(), HasSubstr("\"rollback_refused\""));
  EXPECT_EQ(ask("rollback")["status"], 78);
  plane_refuses_.clear();
  pass(1min);
  EXPECT_EQ(route(), "first");
}

TEST_F(ReloadConfirmTest, NothingIsTakenBackWhileItDrains) {
  reload(with_route("second"), "5m");
  why_not_now_ = "draining";
  const std::size_t told = logged().size();
  for (int i = 0; i < 1000; ++i) pass(1min);
  EXPECT_EQ(route(), "second");
  EXPECT_EQ(logged().size(), told);
  EXPECT_TRUE(has_mark()) << "the next start says so";
}

TEST_F(ReloadConfirmTest, WhileFilesAreReadNothingIsTakenBack) {
  std::function<void()> then;
  reload(with_route("second"), "5m");
  aside_ = [&then](const std::function<void()>& work, std::function<void()> after) {
    work();
    then = std::move(after);
  };
  start(with_route("first"));
  write(with_route("second"));
  std::string answer;
  commands_.answer(command_request("reload"), [&answer](std::string text) { answer = std::move(text); });
  EXPECT_EQ(ask("rollback")["status"], 78);
  EXPECT_EQ(answer, "");
  then();
  EXPECT_THAT(answer, HasSubstr("\"status\":0"));
}

// The way back is compiled and kept: whatever became of the files.
TEST_F(ReloadConfirmTest, ItIsTakenBackAlthoughTheFilesAreGone) {
  reload(with_route("second"), "5m");
  std::filesystem::remove(file());
  pass(5min);
  EXPECT_EQ(route(), "first");
}

TEST_F(ReloadConfirmTest, PeersComeBackInTheirPlaces) {
  std::vector<std::string> lines = kGoodLines;
  lines[9] = "  - { name: other, realm: outside, targets: [{ address: \"198.18.1.9:5060\" }] }";
  lines[11] = "routes: []";
  EXPECT_EQ(reload(joined(lines), "5m")["status"], 0);
  EXPECT_TRUE(slot_.read()->peers[0].is_retired);
  pass(5min);
  const SharedValue<SbcConfig> back = slot_.read();
  EXPECT_EQ(back->peers[0].name, "carrier");
  EXPECT_FALSE(back->peers[0].is_retired);
  EXPECT_TRUE(back->peers[2].is_retired) << "its calls go on";
  EXPECT_EQ(route(), "first");
}

TEST_F(ReloadConfirmTest, TokensComeAndGoWithTheConfiguration) {
  folder_.write("ops.token", "0123456789abcdef0123456789abcdef\n");
  const Json done =
      reload(with_route("second") + "management: { tokens: [{ file: ops.token, role: admin }] }\n", "5m");
  EXPECT_EQ(done["result"]["tokens"], Json::array({"ops"}));
  ASSERT_EQ(tokens_.size(), 1u);
  pass(5min);
  EXPECT_THAT(tokens_, IsEmpty());
}

TEST_F(ReloadConfirmTest, AStartDuringTheWaitRunsTheFilesAndSaysSoUntilConfirmed) {
  reload(with_route("second"), "5m");
  EXPECT_TRUE(has_mark());
  for (int restart = 0; restart < 2; ++restart) {
    start(with_route("second"));
    EXPECT_EQ(route(), "second");
    EXPECT_THAT(alarms(), ElementsAre("config_unconfirmed"));
    pass(24h);
    EXPECT_EQ(route(), "second") << "there is no other";
    EXPECT_EQ(ask("rollback")["status"], 78);
  }
  reload(with_route("third"), "5m");
  pass(5min);
  EXPECT_EQ(route(), "second");
  EXPECT_THAT(alarms(), testing::Contains("config_unconfirmed"))
      << "what the start found was never confirmed";
  EXPECT_EQ(ask("confirm")["status"], 0);
  EXPECT_THAT(alarms(), Not(testing::Contains("config_unconfirmed")));
  start(with_route("second"));
  EXPECT_THAT(alarms(), IsEmpty());
}

TEST_F(ReloadConfirmTest, ATimeThatIsNoneIsAMistakeAndNothingIsRead) {
  for (const char* const time : {"5", "0s", "soon", "-5m", "25h", "999ms", "5m;"}) {
    EXPECT_EQ(reload(with_route("second"), time)["status"], 64) << time;
    EXPECT_EQ(route(), "first");
  }
  EXPECT_EQ(reload(with_route("second"), "24h")["status"], 0);
}

TEST_F(ReloadConfirmTest, RestDoesTheSame) {
  const auto post = [this](const char* path, std::string_view body) {
    return router_.answer({"POST", path, body});
  };
  write(with_route("second"));
  for (const char* const body : {"[]", "{", "{\"confirm\":5}", "{\"confirm\":\"soon\"}"})
    EXPECT_EQ(post("/api/v1/reload", body).status, 400u) << body;
  EXPECT_EQ(route(), "first");
  const HttpResponse done = post("/api/v1/reload", "{\"confirm\":\"5m\"}");
  EXPECT_EQ(done.status, 200u);
  EXPECT_EQ(Json::parse(done.body)["unconfirmed"]["seconds"], 300);
  EXPECT_EQ(post("/api/v1/confirm", "").status, 200u);
  EXPECT_EQ(post("/api/v1/confirm", "{}").status, 409u);
  EXPECT_EQ(post("/api/v1/rollback", "").status, 200u);
  EXPECT_EQ(route(), "first");
  EXPECT_EQ(post("/api/v1/rollback", "").status, 409u);
  write("version: 1\nnonsense: 7\n");
  const HttpResponse refused = post("/api/v1/reload", "");
  EXPECT_EQ(refused.status, 409u);
  EXPECT_THAT(Json::parse(refused.body)["problems"].dump(), HasSubstr("nonsense"));
}

}  // namespace
}  // namespace sallyport::mgmt
