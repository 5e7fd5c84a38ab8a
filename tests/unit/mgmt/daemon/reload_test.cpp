// reload_test.cpp — the file is read again while the node runs: what is taken, what is refused, who is told.
#include "mgmt/daemon/reload.h"

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <new>
#include <nlohmann/json.hpp>

#include "mgmt/daemon/reload_answer.h"
#include "policy/route/prefix_table.h"
#include "tests/unit/mgmt/calls/fake_engines.h"
#include "tests/unit/mgmt/config/config_text.h"

namespace sallyport::mgmt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kCarrier =
    "  - { name: carrier, realm: outside, targets: [{ address: \"198.18.1.2:5060\" }] }";
constexpr const char* kOther =
    "  - { name: other, realm: outside, targets: [{ address: \"198.18.1.9:5060\" }] }";

class ReloadTest : public testing::Test {
 protected:
  ReloadTest() {
    for (std::size_t i = 0; i < 2; ++i) engines_.desk(i).peers_in_use_ = std::vector<bool>(16);
  }
  // Reads the file for the first time, as a start does.
  void start(const std::string& text = joined(kGoodLines)) {
    write(text);
    LoadedConfig loaded = load_config(file());
    ASSERT_THAT(errors_of(loaded), IsEmpty());
    if (places_ != 0) loaded.config.peer_places = places_;
    slot_.put(make_value<SbcConfig>(std::move(loaded.config)));
    reload_.emplace(ReloadPlaces{.file = file(),
                                 .config = slot_,
                                 .engines = engines_,
                                 .log = log_,
                                 .adopt = [this](SharedValue<SbcConfig> next) -> Result<void, std::string> {
                                   if (has_no_memory_) throw std::bad_alloc();
                                   if (!plane_refuses_.empty()) return fail(plane_refuses_);
                                   adopted_.push_back(std::move(next));
                                   return {};
                                 },
                                 .adopted =
                                     [this](const SbcConfig& before, const SbcConfig& now) {
                                       followed_ = {before.peers[0].name, names(now)};
                                     },
                                 .refresh_certificates = [this] { return certificates_; },
                                 .why_not_now = [this] { return why_not_now_; },
                                 .notify_socket = notify_socket_,
                                 .monotonic = [] { return Timestamp(std::chrono::microseconds(1'234'567)); },
                                 .wall = [this] { return wall_; },
                                 .aside = aside_},
                    std::move(loaded.written));
  }
  void write(const std::string& text) { folder_.write("c.yaml", text); }
  [[nodiscard]] std::string file() const { return (folder_.path() / "c.yaml").string(); }
  auto reload(const std::string& text) {
    write(text);
    return run("command");
  }
  Reload::Done run(std::string_view by) {
    std::optional<Reload::Done> said;
    reload_->begin(by, [&said](const Reload::Done& done) { said = done; });
    return *said;
  }
  // Keys with their signs; or why not.
  std::vector<std::string> changes(const std::string& text) {
    const auto done = reload(text);
    if (!done) return {done.error().why};
    std::vector<std::string> said;
    for (const ConfigChange& change : done->changes) said.push_back(to_string(change));
    return said;
  }
  // As printed, the folder taken off.
  static std::vector<std::string> problems(const Result<ReloadReport, ReloadRefusal>& done) {
    std::vector<std::string> lines;
    if (done) return lines;
    for (ConfigProblem problem : done.error().problems) {
      problem.file = std::filesystem::path(problem.file).filename();
      lines.push_back(to_string(problem));
    }
    return lines;
  }
  // "carrier pbx! other": pbx is retired.
  static std::string names(const SbcConfig& config) {
    std::string out;
    for (const PeerConfig& peer : config.peers)
      out += (out.empty() ? "" : " ") + peer.name + (peer.is_retired ? "!" : "");
    return out;
  }
  [[nodiscard]] std::string peers() const { return names(*slot_.read()); }
  [[nodiscard]] std::string logged() const { return read_file(folder_.path() / "log"); }

  const TestFolder folder_;
  std::unique_ptr<EventLog> log_owner_ =
      EventLog::open(LogConfig{}, (folder_.path() / "log").string(), fake_wall_time).value();
  EventLog& log_ = *log_owner_;
  FakeEngines engines_{2};
  SharedSlot<SbcConfig> slot_{make_value<SbcConfig>()};
  std::vector<SharedValue<SbcConfig>> adopted_;
  std::pair<std::string, std::string> followed_;
  std::vector<std::string> certificates_;
  std::string plane_refuses_, why_not_now_, notify_socket_;
  std::function<void(std::function<void()> work, std::function<void()> then)> aside_;
  std::size_t places_ = 0;
  bool has_no_memory_ = false;
  WallTime wall_{};
  std::optional<Reload> reload_;
};

TEST_F(ReloadTest, AFileThatSaysTheSameIsTakenAndNothingHasChanged) {
  start();
  EXPECT_THAT(changes(joined(kGoodLines) + "# a remark\n"), IsEmpty());
  EXPECT_EQ(adopted_.size(), 1u) << "certificates and passwords may be others";
  EXPECT_TRUE(reload_->was_successful());
}

TEST_F(ReloadTest, TheLastSuccessIsTheStartUntilAFileIsTakenAgain) {
  wall_ = WallTime{std::chrono::hours(1)};
  start();
  EXPECT_EQ(reload_->last_success(), WallTime{std::chrono::hours(1)});
  wall_ = WallTime{std::chrono::hours(2)};
  EXPECT_FALSE(reload("a: ["));
  EXPECT_EQ(reload_->last_success(), WallTime{std::chrono::hours(1)});
  EXPECT_TRUE(reload(joined(kGoodLines)));
  EXPECT_EQ(reload_->last_success(), WallTime{std::chrono::hours(2)});
}

TEST_F(ReloadTest, WhatHasChangedIsAdoptedAndIsTheConfigurationOfTheDay) {
  start();
  const auto done =
      reload(with_line(12, "routes: [{ name: inbound, match: { peer: [pbx] }, to: [carrier] }]"));
  ASSERT_TRUE(done);
  EXPECT_EQ(done->changes.size(), 2u);
  EXPECT_EQ(to_string(done->changes[0]), "~ routes[inbound].match.peer");
  ASSERT_EQ(adopted_.size(), 1u);
  EXPECT_EQ(slot_.read(), adopted_[0]);
  EXPECT_EQ(slot_.read()->routes[0].name, "inbound");
  EXPECT_THAT(changes(with_line(12, "routes: [{ name: inbound, match: { peer: [pbx] }, to: [carrier] }]")),
              IsEmpty())
      << "the next one is compared with this one";
}

// Whoever asks while the files are read may have changed them since.
TEST_F(ReloadTest, ThoseWhoAskWhileTheFilesAreReadAreAnsweredByOneMoreReading) {
  std::vector<std::pair<std::function<void()>, std::function<void()>>> aside;
  aside_ = [&aside](std::function<void()> work, std::function<void()> then) {
    aside.emplace_back(std::move(work), std::move(then));
  };
  start();
  std::vector<std::string> told;
  const auto ask = [&](const std::string& who) {
    reload_->begin(who, [&told, who](const Reload::Done& done) {
      told.push_back(who + ":" + (done ? std::to_string(done->changes.size()) : done.error().why));
    });
  };
  const auto finish_one = [&aside] {
    const auto one = std::move(aside.at(0));
    aside.erase(aside.begin());
    one.first();
    one.second();
  };
  ask("a");
  aside.at(0).first();  // it has been read
  write(with_line(12, "routes: [{ name: inbound, match: { peer: [pbx] }, to: [carrier] }]"));
  ask("b");
  ask("c");
  EXPECT_THAT(told, IsEmpty());
  EXPECT_THAT(aside, testing::SizeIs(1)) << "never two at once";
  aside.at(0).second();
  aside.erase(aside.begin());
  EXPECT_THAT(told, ElementsAre("a:0"));
  finish_one();
  EXPECT_THAT(told, ElementsAre("a:0", "b:2", "c:2"));
  EXPECT_THAT(aside, IsEmpty());
}

TEST_F(ReloadTest, NothingIsAdoptedWhenTheDrainBeganWhileTheFilesWereRead) {
  std::function<void()> then;
  aside_ = [&then](const std::function<void()>& work, std::function<void()> after) {
    work();
    then = std::move(after);
  };
  start();
  write(with_line(12, "routes: [{ name: inbound, match: { peer: [pbx] }, to: [carrier] }]"));
  std::string why;
  reload_->begin("command", [&why](const Reload::Done& done) { why = done ? "" : done.error().why; });
  why_not_now_ = "draining";
  then();
  EXPECT_EQ(why, "draining");
  EXPECT_THAT(adopted_, IsEmpty());
}

TEST_F(ReloadTest, ABadFileChangesNothingAndEveryProblemIsSaid) {
  start();
  const SharedValue<SbcConfig> before = slot_.read();
  const auto done = reload(with_line(12, "routes: [{ name: inbound, mach: {}, to: [nobody] }]"));
  EXPECT_THAT(problems(done), ElementsAre(HasSubstr("c.yaml:12: routes[inbound].mach: "),
                                          HasSubstr("c.yaml:12: routes[inbound].to")));
  EXPECT_EQ(slot_.read(), before);
  EXPECT_THAT(adopted_, IsEmpty());
  EXPECT_FALSE(reload_->was_successful());
  EXPECT_THAT(changes(joined(kGoodLines)), IsEmpty());
  EXPECT_TRUE(reload_->was_successful());
}

TEST_F(ReloadTest, AFileThatIsGoneOrIsNoYamlChangesNothing) {
  start();
  for (const char* const text : {"", "a: [", "- 1"}) EXPECT_FALSE(reload(text)) << text;
  std::filesystem::remove(file());
  EXPECT_FALSE(run("command"));
  EXPECT_THAT(adopted_, IsEmpty());
}

TEST_F(ReloadTest, WhatNeedsARestartIsNamedWithFileAndLineAndNothingChanges) {
  start();
  std::vector<std::string> lines = kGoodLines;
  lines[1] = "node: { name: edge-2 }";
  lines[6] =
      "  - { name: outside, port: inside, listen: [{ transport: udp, port: 5070 }], media: { ports: "
      "40000-40999 } }";
  lines[9] = kOther;  // this one alone could change
  lines[11] = "routes: []";
  const auto done = reload(joined(lines));
  EXPECT_THAT(
      problems(done),
      ElementsAre("c.yaml:2: node.name: has changed, which needs a restart; restart, or write again what "
                  "was there",
                  HasSubstr("c.yaml:7: realms[outside].port: has changed, which needs a restart")));
  EXPECT_EQ(peers(), "carrier pbx");
  EXPECT_THAT(adopted_, IsEmpty());
  EXPECT_FALSE(reload_->was_successful());
}

TEST_F(ReloadTest, WhatIsNewOrGoneAndNeedsARestartIsNamedInTheFileWhereItStands) {
  folder_.write("more.yaml", "dns: {}\n");
  start(joined(kGoodLines) + "include: more.yaml\n");
  folder_.write("more.yaml", "dataplane: { capacity: { calls: 77 } }\n");
  EXPECT_THAT(problems(run("command")),
              ElementsAre(HasSubstr("c.yaml:1: dns: is gone, which needs a restart"),
                          HasSubstr("more.yaml:1: dataplane: is new, which needs a restart")));
}

TEST_F(ReloadTest, AWarningWithWhichRunWouldNotStartIsRefused) {
  start();
  const auto done = reload(joined(kGoodLines) + "profiles: [{ name: default, media: { srtp: required } }]\n");
  EXPECT_THAT(problems(done), ElementsAre(HasSubstr("srtp")));
  EXPECT_THAT(adopted_, IsEmpty());
}

TEST_F(ReloadTest, WhatTheDataPlaneRefusesOfAKeyIsNamedWithFileAndLine) {
  plane_refuses_ = "security.limits.prefix.ipv4: can't change now";
  const std::string said =
      "c.yaml:13: security.limits.prefix.ipv4: can't change now; restart, or write "
      "again what was there";
  start(with_line(13, "security: { limits: { prefix: { ipv4: 24 } } }"));
  EXPECT_THAT(problems(reload(with_line(13, "security: { limits: { prefix: { ipv4: 16 } } }"))),
              ElementsAre(said));
  start();
  EXPECT_THAT(problems(reload(with_line(13, "security: { limits: { prefix: { ipv4: 16 } } }"))),
              ElementsAre(said))
      << "what it is part of is new";
  EXPECT_THAT(adopted_, IsEmpty());
}

TEST_F(ReloadTest, WhatTheDataPlaneRefusesChangesNothing) {
  start();
  const SharedValue<SbcConfig> before = slot_.read();
  plane_refuses_ = "a signalling thread does not answer";
  const std::string next = with_line(12, "routes: []");
  EXPECT_THAT(changes(next), ElementsAre("a signalling thread does not answer"));
  has_no_memory_ = true;
  EXPECT_THAT(changes(next), ElementsAre(HasSubstr("it failed: ")));
  EXPECT_EQ(slot_.read(), before);
  EXPECT_EQ(followed_.second, "");
  EXPECT_FALSE(reload_->was_successful());
  has_no_memory_ = false;
  plane_refuses_.clear();
  EXPECT_THAT(changes(next), ElementsAre("- routes[inbound]")) << "compared with what runs";
}

TEST_F(ReloadTest, ManagementFollowsBeforeTheConfigurationIsThatOfTheDay) {
  start();
  ASSERT_TRUE(reload(with_line(10, kOther + std::string("\n") + kCarrier)));
  EXPECT_EQ(followed_, std::pair(std::string("carrier"), std::string("carrier pbx other")));
  EXPECT_EQ(peers(), "carrier pbx other");
}

TEST_F(ReloadTest, APeerThatIsTakenOutStaysRetiredAndComesBackInItsPlace) {
  start(with_line(12, "routes: []"));
  std::vector<std::string> lines = kGoodLines;
  lines[9].clear();
  lines[11] = "routes: []";
  EXPECT_THAT(changes(joined(lines)), ElementsAre("- peers[carrier]"));
  EXPECT_EQ(peers(), "carrier! pbx");
  EXPECT_THAT(changes(with_line(12, "routes: []")), ElementsAre("+ peers[carrier]"));
  EXPECT_EQ(peers(), "carrier pbx");
}

TEST_F(ReloadTest, ANewPeerHasThePlaceOfARetiredOneOnlyOnceNoEngineNeedsIt) {
  const auto with = [](const std::string& first) {
    std::vector<std::string> lines = kGoodLines;
    lines[9] = first;
    lines[11] = "routes: []";
    return joined(lines);
  };
  const std::string third =
      "  - { name: third, realm: outside, targets: [{ address: \"198.18.1.8:5060\" }] }";
  start(with(kCarrier));
  ASSERT_TRUE(reload(with(kOther)));
  EXPECT_EQ(peers(), "carrier! pbx other") << "a call of the carrier may have begun a moment ago";
  engines_.desk(1).peers_in_use_[0] = true;
  ASSERT_TRUE(reload(with(std::string(kOther) + "\n" + third)));
  EXPECT_EQ(peers(), "carrier! pbx other third");
  engines_.desk(1).peers_in_use_[0] = false;
  ASSERT_TRUE(reload(with(third)));
  EXPECT_EQ(peers(), "carrier! pbx other! third");
  ASSERT_TRUE(
      reload(with("  - { name: fourth, realm: outside, targets: [{ address: \"198.18.1.7:5060\" }] }")));
  EXPECT_EQ(peers(), "fourth pbx other! third!");
}

TEST_F(ReloadTest, AnEngineThatDoesNotSayWhichPeersItNeedsKeepsThemAll) {
  start(with_line(12, "routes: []"));
  std::vector<std::string> lines = kGoodLines;
  lines[9] = kOther;
  lines[11] = "routes: []";
  ASSERT_TRUE(reload(joined(lines)));
  engines_.desk(0).peers_in_use_.clear();
  lines[9] = "  - { name: third, realm: outside, targets: [{ address: \"198.18.1.8:5060\" }] }";
  ASSERT_TRUE(reload(joined(lines)));
  EXPECT_EQ(peers(), "carrier! pbx other! third");
  engines_.stuck_ = 1;
  EXPECT_THAT(changes(with_line(12, "routes: []")),
              ElementsAre("a signalling thread does not answer; try again"));
}

TEST_F(ReloadTest, MorePeersThanThereArePlacesAreRefused) {
  places_ = 2;
  start();
  EXPECT_THAT(changes(with_line(10, std::string(kCarrier) + "\n" + kOther)),
              ElementsAre(HasSubstr("there is room for 2 peers")));
  EXPECT_EQ(peers(), "carrier pbx");
}

TEST_F(ReloadTest, ATableWhoseFileSaysSomethingElseIsReadAgainAndOthersKeepTheirMemory) {
  folder_.write("a.csv", "49,carrier\n");
  folder_.write("b.csv", "1,carrier\n");
  const std::string text =
      joined(kGoodLines) + "tables: [{ name: a, file: a.csv }, { name: b, file: b.csv }]\n";
  start(text);
  const SharedValue<SbcConfig> before = slot_.read();
  folder_.write("a.csv", "49,carrier\n43,carrier\n");
  const auto done = run("command");
  ASSERT_TRUE(done);
  EXPECT_THAT(done->changes, IsEmpty());
  ASSERT_EQ(done->tables.size(), 1u);
  EXPECT_EQ(done->tables[0].name, "a");
  EXPECT_EQ(done->tables[0].lines, 2u);
  EXPECT_FALSE(slot_.read()->tables[0].content->find("431").empty());
  EXPECT_EQ(slot_.read()->tables[1].content, before->tables[1].content);
  folder_.write("a.csv", "49,pbx\n43,pbx\n");
  EXPECT_EQ(run("command")->tables.size(), 1u) << "the same prefixes to another peer";
  folder_.write("a.csv", "49,nobody\n");
  EXPECT_THAT(problems(run("command")), ElementsAre(HasSubstr("a.csv:1: tables[a]")));
}

TEST_F(ReloadTest, APasswordFileThatSaysSomethingElseIsReadAgainAndNeverShown) {
  std::vector<std::string> lines = kGoodLines;
  lines[9] =
      "  - { name: carrier, realm: outside, targets: [{ address: \"198.18.1.2:5060\" }], credentials: [{ "
      "digest_realm: x, user: u, password_file: p }] }";
  const auto put = [this](const char* password) {
    std::filesystem::permissions(folder_.write("p", password),
                                 std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  };
  put("first-secret\n");
  start(joined(lines));
  put("second-secret\n");
  const auto done = run("command");
  ASSERT_TRUE(done);
  EXPECT_THAT(done->passwords, ElementsAre("carrier"));
  EXPECT_EQ(slot_.read()->peers[0].credentials[0].password, "second-secret");
  EXPECT_THAT(*reload_answer(done), Not(HasSubstr("secret")));
  EXPECT_THAT(logged(), Not(HasSubstr("secret")));
}

TEST_F(ReloadTest, WhenItCannotBeJustNowASentenceSaysSo) {
  start();
  why_not_now_ = "Sallyport is draining";
  EXPECT_THAT(changes("bad"), ElementsAre("Sallyport is draining"));
  EXPECT_TRUE(reload_->was_successful()) << "no configuration was looked at";
  EXPECT_THAT(logged(), HasSubstr("Sallyport is draining"));
}

TEST_F(ReloadTest, TheLogSaysWhoAskedAndHowManyChanges) {
  start();
  static_cast<void>(reload(with_line(12, "routes: []")));
  EXPECT_THAT(logged(), HasSubstr("\"event\":\"reloaded\""));
  EXPECT_THAT(logged(), HasSubstr("\"by\":\"command\",\"changes\":1"));
  write(with_line(12, "routes: [{ name: inbound, mach: {}, to: [nobody] }]"));
  reload_->begin("SIGHUP");
  EXPECT_THAT(logged(), HasSubstr("\"event\":\"reload_refused\""));
  EXPECT_THAT(logged(), HasSubstr("\"by\":\"SIGHUP\""));
  EXPECT_THAT(logged(), HasSubstr("c.yaml:12: routes[inbound].mach: "));
  EXPECT_THAT(logged(), HasSubstr("\"problems\":2"));
}

TEST_F(ReloadTest, TheServiceManagerIsToldBeforeAndAfter) {
  notify_socket_ = "@sallyport-reload-" + std::to_string(::getpid());
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  notify_socket_.copy(address.sun_path, notify_socket_.size());
  address.sun_path[0] = '\0';
  const int receiver = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + notify_socket_.size());
  ASSERT_EQ(::bind(receiver, reinterpret_cast<const sockaddr*>(&address), length), 0);
  const auto heard = [receiver] {
    std::array<char, 128> bytes{};
    const ssize_t got = ::recv(receiver, bytes.data(), bytes.size(), MSG_DONTWAIT);
    return std::string(bytes.data(), got < 0 ? 0 : static_cast<std::size_t>(got));
  };
  start();
  for (const char* const text : {"bad", "worse"}) {
    static_cast<void>(reload(text));
    EXPECT_EQ(heard(), "RELOADING=1\nMONOTONIC_USEC=1234567");
    EXPECT_EQ(heard(), "READY=1");
    EXPECT_EQ(heard(), "");
  }
  ::close(receiver);
}

TEST_F(ReloadTest, TheAnswerHasAllThatChangedOrAllThatIsWrong) {
  start();
  certificates_ = {"certificate edge was read again"};
  const auto good = nlohmann::json::parse(*reload_answer(reload(with_line(12, "routes: []"))));
  EXPECT_EQ(good["changes"][0], "- routes[inbound]");
  EXPECT_EQ(good["certificates"][0], "certificate edge was read again");
  const ControlResult bad = reload_answer(reload(with_line(12, "routes: 7")));
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().status, 78);
  EXPECT_THAT(bad.error().message, HasSubstr("c.yaml is refused; what ran goes on"));
  EXPECT_THAT(bad.error().lines, ElementsAre(HasSubstr("c.yaml:12: routes: ")));
}

constexpr const char* kRegistrar =
    "registrars: [{ name: phones, realm: outside, mode: local, users_file: users.yaml, domains: "
    "[example.com] }]\n";

TEST_F(ReloadTest, UsersOfARegistrarAreReadAgainAndNoSecretIsTold) {
  folder_.write("users.yaml", "users: [{ user: \"1001\", password: geheim1 }]\n");
  start(joined(kGoodLines) + kRegistrar);
  const auto same = reload(joined(kGoodLines) + kRegistrar);
  ASSERT_TRUE(same);
  EXPECT_THAT(same->users, IsEmpty());
  const SharedValue<RegistrarUsers> before = slot_.read()->registrars[0].users;
  folder_.write("users.yaml",
                "users: [{ user: \"1001\", password: geheim2 }, { user: \"1002\", password: x }]\n");
  const auto done = reload(joined(kGoodLines) + kRegistrar);
  ASSERT_TRUE(done);
  EXPECT_THAT(done->changes, IsEmpty());
  ASSERT_EQ(done->users.size(), 1u);
  EXPECT_EQ(done->users[0].registrar, "phones");
  EXPECT_EQ(done->users[0].users, 2u);
  EXPECT_EQ(slot_.read()->registrars[0].users->size(), 2u);
  EXPECT_NE(slot_.read()->registrars[0].users, before);
  EXPECT_EQ(logged().find("geheim"), std::string::npos);
}

TEST_F(ReloadTest, ABadFileOfUsersLeavesThoseThatWere) {
  folder_.write("users.yaml", "users: [{ user: \"1001\", password: geheim1 }]\n");
  start(joined(kGoodLines) + kRegistrar);
  folder_.write("users.yaml", "users: [{ user: \"1001\", passwort: geheim2 }]\n");
  const auto done = reload(joined(kGoodLines) + kRegistrar);
  EXPECT_THAT(problems(done),
              testing::Contains(HasSubstr("users.yaml:1: registrars[phones].users_file.users[1001]"
                                          ".passwort: there is no such key")));
  EXPECT_EQ(slot_.read()->registrars[0].users->size(), 1u);
}

TEST_F(ReloadTest, RegistrarsThemselvesNeedARestartTheirUsersAndDomainsDoNot) {
  folder_.write("users.yaml", "users: [{ user: \"1001\", password: x }]\n");
  folder_.write("others.yaml", "users: [{ user: \"1002\", password: x }]\n");
  start(joined(kGoodLines) + kRegistrar);
  EXPECT_THAT(problems(reload(joined(kGoodLines))),
              ElementsAre(HasSubstr("c.yaml:1: registrars: is gone, which needs a restart")));
  std::string changed = kRegistrar;
  changed.replace(changed.find("realm: outside"), 14, "realm: inside ");
  EXPECT_THAT(
      problems(reload(joined(kGoodLines) + changed)),
      ElementsAre(HasSubstr("c.yaml:13: registrars[phones].realm: has changed, which needs a restart")));
  changed = kRegistrar;
  changed.replace(changed.find("example.com"), 11, "example.net");
  EXPECT_THAT(changes(joined(kGoodLines) + changed), ElementsAre("~ registrars[phones].domains"));
  changed = kRegistrar;
  changed.replace(changed.find("users.yaml"), 10, "others.yaml");
  EXPECT_THAT(
      changes(joined(kGoodLines) + changed),
      testing::UnorderedElementsAre("~ registrars[phones].users_file", "~ registrars[phones].domains"));
  EXPECT_EQ(slot_.read()->registrars[0].users->at(0).user, "1002");
  EXPECT_EQ(peers(), "carrier pbx phones");
}

}  // namespace
}  // namespace sallyport::mgmt
