// judge_matrix_test.cpp — {message} x {tags} x {where from} x {CSeq} x {transport} x {state of the call}: in
// each cell something that names a call comes, and either it takes effect or it does not, for the reason that
// the rules below say. The rules are written down from RFC 3261 §9, §12.2, §17.1.3, RFC 3311, RFC 5922 and
// threats D1 to D4 and section 6, not from what the engine does. Cells that can't be are struck out, each
// with a reason.
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "tests/support/call_fixture.h"

namespace sallyport::sip {
namespace {

using tests::CallFixture;
using tests::only;
using tests::SentMessage;

enum class What : std::uint8_t { Bye, Cancel, ReInvite, Update, Ok, Moved, kCount };
enum class Tags : std::uint8_t { Known, OneWrong, None, kCount };
enum class From : std::uint8_t { Genuine, Sibling, Rebound, SameNet, Foreign, Spoof, kCount };
enum class Order : std::uint8_t { Lower, Equal, Next, Far, kCount };
enum class State : std::uint8_t { Early, Up, Hold, kCount };
// Whether whoever is named still is where it was, and can be asked.
enum class There : std::uint8_t { Yes, No, kCount };

constexpr std::array<std::string_view, 6> kWhat{"BYE", "CANCEL", "INVITE", "UPDATE", "200", "302"};
constexpr std::array<std::string_view, 3> kTags{"both tags", "a wrong tag", "no tags"};
constexpr std::array<std::string_view, 6> kFrom{"genuine",  "sibling", "rebound",
                                                "same /24", "foreign", "spoof"};
constexpr std::array<std::string_view, 4> kOrder{"lower", "equal", "next", "far"};
constexpr std::array<std::string_view, 3> kState{"early", "up", "hold"};

struct Cell {
  What what;
  Tags tags;
  From from;
  Order order;
  Transport transport;
  State state;
  There there;
  [[nodiscard]] bool is_response() const { return what == What::Ok || what == What::Moved; }
  [[nodiscard]] bool is_from_elsewhere() const { return from == From::SameNet || from == From::Foreign; }
  [[nodiscard]] bool is_at_its_address() const {
    return from == From::Genuine || from == From::Rebound || from == From::Spoof;
  }
  [[nodiscard]] bool is_above() const { return order == Order::Next || order == Order::Far; }
  [[nodiscard]] bool is_judged() const {
    return what == What::Bye || what == What::ReInvite || what == What::Update;
  }
  [[nodiscard]] std::string text() const {
    const auto at = [](const auto& names, auto value) { return std::string(names[std::size_t(value)]); };
    return at(kWhat, what) + ", " + at(kTags, tags) + ", from " + at(kFrom, from) + ", CSeq " +
           at(kOrder, order) + ", " + std::string(to_string(transport)) + ", " + at(kState, state) +
           (there == There::No ? ", that side is gone" : "");
  }
};

// Why a cell took no effect, or how it came to take it.
enum class Reason : std::uint8_t {
  AtOnce,          // takes effect
  Believed,        // takes effect, after the known address was asked in vain
  UnknownDialog,   // 481
  OutOfOrder,      // 500
  NotNow,          // 491: the call is not answered yet
  NoSuchInvite,    // 481 to a CANCEL, or 200 to one that comes too late
  ForgedUnasked,   // no word; counted as forged
  ForgedAsked,     // no word to it; the known address answers: counted as forged
  NotProved,       // no word; the known address is silent, which proves nothing here
  ForeignResponse  // dropped
};

struct Rule {
  std::string_view text;
  bool (*holds)(const Cell&);
  Reason reason;
};
constexpr std::array kRequestRules{
    Rule{"CANCEL is for an INVITE without a final answer. RFC 3261 §9.2",
         [](const Cell& c) { return c.what == What::Cancel && c.state != State::Early; },
         Reason::NoSuchInvite},
    Rule{"CANCEL repeats its INVITE and comes from its source. RFC 3261 §9.1, threats D2",
         [](const Cell& c) {
           return c.what == What::Cancel && (c.tags != Tags::Known || c.order != Order::Equal);
         },
         Reason::NoSuchInvite},
    Rule{"hop by hop: whoever sent the INVITE, no sibling",
         [](const Cell& c) { return c.what == What::Cancel && !c.is_at_its_address(); },
         Reason::NoSuchInvite},
    Rule{"CANCEL", [](const Cell& c) { return c.what == What::Cancel; }, Reason::AtOnce},
    Rule{"no dialog without its three names. RFC 3261 §12.2.2",
         [](const Cell& c) { return c.tags != Tags::Known; }, Reason::UnknownDialog},
    Rule{"TLS that does not prove the dialog's peer. RFC 5922",
         [](const Cell& c) { return c.is_from_elsewhere() && c.transport == Transport::Tls; },
         Reason::ForgedUnasked},
    Rule{"from elsewhere only what is new is worth a question",
         [](const Cell& c) { return c.is_from_elsewhere() && !c.is_above(); }, Reason::ForgedUnasked},
    Rule{"the known address answers",
         [](const Cell& c) { return c.is_from_elsewhere() && c.there == There::Yes; }, Reason::ForgedAsked},
    Rule{"silence does not end what is early",
         [](const Cell& c) { return c.is_from_elsewhere() && c.state == State::Early; }, Reason::NotProved},
    Rule{"neither signalling nor media is there any more",
         [](const Cell& c) { return c.is_from_elsewhere(); }, Reason::Believed},
    Rule{"CSeq goes up. RFC 3261 §12.2.2", [](const Cell& c) { return !c.is_above(); }, Reason::OutOfOrder},
    Rule{"one INVITE at a time. RFC 3261 §14.2",
         [](const Cell& c) { return c.what == What::ReInvite && c.state == State::Early; }, Reason::NotNow},
    Rule{"all is right", [](const Cell&) { return true; }, Reason::AtOnce},
};
constexpr std::array kResponseRules{
    Rule{"a response comes from where its request went. Threats D4",
         [](const Cell& c) { return !c.is_at_its_address(); }, Reason::ForeignResponse},
    Rule{"it repeats the CSeq. RFC 3261 §8.2.6.2", [](const Cell& c) { return c.order != Order::Equal; },
         Reason::ForeignResponse},
    Rule{"all is right", [](const Cell&) { return true; }, Reason::AtOnce},
};

struct Strike {
  std::string_view text;
  bool (*holds)(const Cell&);
};
constexpr std::array kStrikes{
    Strike{"nobody speaks over another's connection",
           [](const Cell& c) { return c.from == From::Spoof && is_stream(c.transport); }},
    Strike{"a response is found by its branch; its To tag may be a new dialog's. RFC 3261 §12.1.2, §17.1.3",
           [](const Cell& c) { return c.is_response() && c.tags != Tags::Known; }},
    Strike{"only where something comes from elsewhere does it matter who is still there",
           [](const Cell& c) { return c.there == There::No && !(c.is_judged() && c.is_from_elsewhere()); }},
};

Reason expected(const Cell& cell) {
  if (cell.is_response()) {
    for (const Rule& rule : kResponseRules)
      if (rule.holds(cell)) return rule.reason;
  } else {
    for (const Rule& rule : kRequestRules)
      if (rule.holds(cell)) return rule.reason;
  }
  return Reason::AtOnce;
}

constexpr std::string_view kFarContact = "Contact: <sip:desk-contact@198.18.2.2:5060>\r\n";

// One call from the carrier, a configured peer with two hosts, to the PBX. Requests come in the carrier's
// name, responses in the PBX's. Strangers are heard on both sides, so that nothing is refused unread.
class World : public CallFixture {
 public:
  explicit World(const Cell& cell) : cell_(cell) {
    config.realms[0].trust = RealmTrust::Trusted;
    config.peers[0].sources = {*parse_prefix("198.18.1.3/32")};
    settings.message_ring_bytes = 1 << 16;
    settings.transactions_max = 32;
    settings.calls_max = 4;
    if (cell.transport != Transport::Udp) use(cell.transport, cell.transport);
  }
  void set_up() {
    invite_bytes_ = invite().build();
    invite_out = only(from_carrier(invite_bytes_), "INVITE");
    if (cell_.state == State::Early) {
      ok_out = only(from_pbx(answer(invite_out, 180, "pbxtag", kFarContact)), "180");
      return;
    }
    (void)from_pbx(answer(invite_out, 200, "pbxtag", kFarContact, kSdp));
    ok_out = only(journal(), "200");
    (void)from_carrier(in_dialog("ACK", 1, ok_out));
    if (cell_.state == State::Up) return;
    const std::string held = std::string(kSdp) + "a=sendonly\r\n";
    const SentMessage again = only(from_carrier(in_dialog("INVITE", ++last_, ok_out, {}, held)), "INVITE");
    (void)from_pbx(answer(again, 200, "", kFarContact, std::string(kSdp) + "a=recvonly\r\n"));
    (void)from_carrier(in_dialog("ACK", last_, ok_out));
  }
  // Whether it took effect; the reason is in what is counted and answered.
  bool run() {
    set_up();
    forged_before_ = forged();
    return cell_.is_response() ? run_response() : run_request();
  }
  bool is_as(Reason reason) {
    switch (reason) {
      case Reason::AtOnce:
        return forged() == forged_before_ && !was_asked_;
      case Reason::Believed:
        return forged() == forged_before_ && was_asked_;
      case Reason::UnknownDialog:
        // Without a To tag an INVITE asks for another call, or is the same one by another way.
        return forged() == forged_before_ &&
               (is_told(481) || (cell_.tags == Tags::None && cell_.what == What::ReInvite));
      case Reason::OutOfOrder:
        return is_told(500) && forged() == forged_before_;
      case Reason::NotNow:
        return is_told(491) && forged() == forged_before_;
      case Reason::NoSuchInvite:  // 400: RFC 3261 §8.1.1.3, a From without a tag is broken
        return is_told(481) || (cell_.tags == Tags::None && is_told(400)) ||
               (cell_.state != State::Early && is_told(200));
      case Reason::ForgedUnasked:
        return forged() == forged_before_ + 1 && told_.empty() && !was_asked_;
      case Reason::ForgedAsked:
        return forged() == forged_before_ + 1 && told_.empty() && was_asked_;
      case Reason::NotProved:
        return forged() == forged_before_ && told_.empty() && was_asked_ &&
               dropped(RealmIndex{0}, SipDropReason::ForgedRequest) == 1;
      case Reason::ForeignResponse:
        return dropped(RealmIndex{1}, SipDropReason::ForgedResponse) +
                   dropped(RealmIndex{1}, SipDropReason::UnmatchedResponse) ==
               1;
    }
    return false;
  }
  [[nodiscard]] std::string answers() const {
    std::string all;
    for (const int code : told_) all += std::to_string(code) + " ";
    return all + "forged " + std::to_string(forged() - forged_before_);
  }

 private:
  [[nodiscard]] std::uint64_t forged() const {
    std::uint64_t count = 0;
    for (const EngineEvent& event : events)
      if (const auto* const one = std::get_if<DetectionEvent>(&event.what))
        count += one->detector == "forged_request" ? 1u : 0u;
    return count;
  }
  [[nodiscard]] bool is_told(int code) const {
    return std::find(told_.begin(), told_.end(), code) != told_.end();
  }
  [[nodiscard]] MessageInput input_from(const Endpoint& of, std::string_view bytes) {
    MessageInput input;
    const bool is_outside = of == carrier;
    Endpoint from = of;
    const std::string net = is_outside ? "198.18.1." : "198.18.2.";
    if (cell_.from == From::Sibling) from = *parse_endpoint(net + "3:5060", 0);
    if (cell_.from == From::Rebound) from.port = 61234;
    if (cell_.from == From::SameNet) from = *parse_endpoint(net + "77:5060", 0);
    if (cell_.from == From::Foreign) from = *parse_endpoint("203.0.113.9:5060", 0);
    input.realm = RealmIndex(is_outside ? 0 : 1);
    input.remote = from;
    input.transport = cell_.transport;
    const ListenerConfig& listener = config.realms[is_outside ? 0 : 1].listen[0];
    input.local = {listener.addresses[0], listener.port};
    input.connection = is_stream(cell_.transport) ? (from == of ? connection_of(of) : 4711) : 0;
    input.trust = cell_.is_from_elsewhere() ? TrustClass::Trusted : TrustClass::Known;
    if (!cell_.is_from_elsewhere()) input.peer = PeerIndex(is_outside ? 0 : 1);
    input.bytes = bytes;
    return input;
  }
  [[nodiscard]] unsigned number(unsigned last) const {
    switch (cell_.order) {
      case Order::Lower:
        return last - 1;
      case Order::Equal:
        return last;
      case Order::Next:
        return last + 1;
      default:
        return last + 1'000'000;
    }
  }
  static std::string replaced(std::string text, std::string_view what, std::string_view by) {
    const std::size_t at = text.find(what);
    EXPECT_NE(at, std::string::npos) << what;
    return at == std::string::npos ? text : text.replace(at, what.size(), by);
  }
  std::string request() {
    const std::string method(kWhat[std::size_t(cell_.what)]);
    const bool has_sdp =
        cell_.what == What::ReInvite || (cell_.what == What::Update && cell_.state != State::Early);
    std::string text;
    if (cell_.what == What::Cancel) {
      text = replaced(cancel_of(invite_bytes_), "CSeq: 1 ", "CSeq: " + std::to_string(number(1)) + " ");
      if (cell_.tags == Tags::OneWrong) text = replaced(text, "callertag", "othertag");
      if (cell_.tags == Tags::None) text = replaced(text, ";tag=callertag", "");
      return text;
    }
    text = in_dialog(method, number(last_), ok_out, {}, has_sdp ? kSdp : std::string_view());
    if (cell_.tags == Tags::OneWrong) text = replaced(text, "callertag", "othertag");
    if (cell_.tags == Tags::None) {
      const std::string to = ok_out.header("To");
      text = replaced(text, to.substr(to.find(";tag=")), "");
    }
    return text;
  }
  bool run_request() {
    const std::string bytes = request();
    const MessageInput input = input_from(carrier, bytes);
    std::vector<SentMessage> sent = put(input);
    for (std::size_t i = 0; i < sent.size(); ++i) {
      if (sent[i].method() != "OPTIONS") continue;
      was_asked_ = true;
      EXPECT_EQ(sent[i].path.remote, carrier) << "the known address, and no other";
      if (cell_.there == There::No) continue;
      const auto more = from_carrier(answer(sent[i], 200, ""));
      sent.insert(sent.end(), more.begin(), more.end());
    }
    for (int step = 0; step < 10; ++step) {
      tell_figures();
      for (SentMessage& one : wait(100ms)) sent.push_back(std::move(one));
    }
    bool has_crossed = false;
    for (const SentMessage& one : sent) {
      if (!one.is_request() && one.path.remote.address == input.remote.address && one.status() >= 200 &&
          one.header("CSeq") == tests::header_of(bytes, "CSeq"))
        told_.push_back(one.status());
      const bool is_of_other_leg = one.is_request() && one.header("Call-ID") == invite_out.header("Call-ID");
      has_crossed |=
          is_of_other_leg && !one.is_again && (one.method() == "INVITE" || one.method() == "UPDATE");
    }
    if (cell_.what == What::Bye || cell_.what == What::Cancel) return !records(CallRecordType::End).empty();
    return has_crossed || (cell_.what == What::Update && is_told(200));
  }
  // Nothing is sent in any stream while that side is gone.
  void tell_figures() {
    for (; figures_told_ < orders.size(); ++figures_told_) {
      if (orders[figures_told_].kind != media::MediaCommand::Kind::Ask) continue;
      media::MediaNotice report;
      report.kind = media::MediaNotice::Kind::Report;
      report.key = orders[figures_told_].key;
      report.shard = orders[figures_told_].shard;
      report.sides[0].packets = cell_.there == There::Yes ? 100 + 50 * figures_told_ : 100;
      (void)tell(report);
    }
  }
  bool run_response() {
    SentMessage asked = invite_out;
    if (cell_.state != State::Early)
      asked = only(from_carrier(in_dialog("INVITE", ++last_, ok_out, {}, kSdp)), "INVITE");
    const unsigned cseq = static_cast<unsigned>(std::atoi(asked.header("CSeq").c_str()));
    const bool is_ok = cell_.what == What::Ok;
    std::string text =
        answer(asked, is_ok ? 200 : 302, cell_.state == State::Early ? "pbxtag" : "",
               is_ok ? kFarContact : "Contact: <sip:x@198.18.2.66>\r\n", is_ok ? kSdp : std::string_view());
    text =
        replaced(text, "CSeq: " + std::to_string(cseq) + " ", "CSeq: " + std::to_string(number(cseq)) + " ");
    std::vector<SentMessage> sent = put(input_from(pbx, text));
    for (SentMessage& one : journal()) sent.push_back(std::move(one));
    for (const SentMessage& one : sent)
      if (!one.is_again) return true;
    return false;
  }

  const Cell cell_;
  std::string invite_bytes_;
  unsigned last_ = 1;  // CSeq of the carrier's last request
  bool was_asked_ = false;
  std::vector<int> told_;  // final answers to whoever sent it
  std::uint64_t forged_before_ = 0;
  std::size_t figures_told_ = 0;
};

template <class Enum, class Visit>
void each(Visit&& visit) {
  for (std::size_t i = 0; i < std::size_t(Enum::kCount); ++i) visit(Enum(i));
}

class JudgeMatrix : public ::testing::TestWithParam<Transport> {};

TEST_P(JudgeMatrix, TakesEffectOnlyWhereTheRulesSaySo) {
  std::map<std::string_view, unsigned> struck;
  std::map<Reason, unsigned> reasons;
  unsigned cells = 0, run = 0;
  const auto one = [&](const Cell& cell) {
    ++cells;
    for (const Strike& strike : kStrikes)
      if (strike.holds(cell)) {
        ++struck[strike.text];
        return;
      }
    ++run;
    const Reason reason = expected(cell);
    ++reasons[reason];
    World world(cell);
    const bool took_effect = world.run();
    EXPECT_EQ(took_effect, reason == Reason::AtOnce || reason == Reason::Believed) << cell.text();
    EXPECT_TRUE(world.is_as(reason)) << cell.text() << ": reason " << int(reason) << "; " << world.answers();
  };
  each<What>([&](What what) {
    each<Tags>([&](Tags tags) {
      each<From>([&](From from) {
        each<Order>([&](Order order) {
          each<State>([&](State state) {
            each<There>([&](There there) { one({what, tags, from, order, GetParam(), state, there}); });
          });
        });
      });
    });
  });
  EXPECT_EQ(cells, 6u * 3 * 6 * 4 * 3 * 2);
  unsigned all_struck = 0;
  for (const auto& [text, count] : struck) {
    EXPECT_GT(count, 0u) << text;
    all_struck += count;
  }
  EXPECT_EQ(run + all_struck, cells);
  EXPECT_GT(reasons[Reason::AtOnce], 50u);
  // Over TLS nobody from elsewhere is asked about, as nobody can prove to be the peer.
  EXPECT_EQ(reasons[Reason::Believed] > 0, GetParam() != Transport::Tls);
}

INSTANTIATE_TEST_SUITE_P(Over, JudgeMatrix, ::testing::Values(Transport::Udp, Transport::Tcp, Transport::Tls),
                         [](const auto& param) { return std::string(to_string(param.param)); });

}  // namespace
}  // namespace sallyport::sip
