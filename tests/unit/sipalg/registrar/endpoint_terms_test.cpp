// endpoint_terms_test.cpp — names of endpoints, and where their credentials may go: threats I3, I4.
#include "sipalg/registrar/endpoint_terms.h"

#include <gtest/gtest.h>

#include "tests/support/message_builder.h"

namespace sallyport::sip {
namespace {

Bindings registered(const std::vector<std::string>& aors) {
  Bindings bindings;
  for (const std::string& aor : aors) {
    Binding binding;
    binding.aor = aor;
    bindings.push_back(make_value<Binding>(std::move(binding)));
  }
  return bindings;
}

std::string speaker_of(std::string_view from, const Bindings& bindings) {
  const std::string bytes = tests::MessageBuilder("MESSAGE").from(from).build();
  SipMessage message;
  EXPECT_EQ(parse_message(bytes, {}, message), ParseStatus::Complete);
  const auto found = binding_of_sender(message, bindings);
  return found != nullptr ? found->aor : "nobody";
}

TEST(EndpointTerms, SenderIsWhomItNamesAmongThoseRegisteredFromThere) {
  const Bindings lines = registered({"200@a.test", "201@a.test"});
  EXPECT_EQ(speaker_of("<sip:201@a.test>;tag=1", lines), "201@a.test");
  EXPECT_EQ(speaker_of("<sip:2%301@a.test>;tag=1", lines), "201@a.test");
  EXPECT_EQ(speaker_of("<sip:202@a.test>;tag=1", lines), "nobody");
  EXPECT_EQ(speaker_of("\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=1", lines), "200@a.test");
  EXPECT_EQ(speaker_of("<sip:200@a.test>;tag=1", {}), "nobody");
}

TEST(EndpointTerms, DomainIsTheOneThatIsNamedElseTheFirst) {
  RegistrarConfig registrar;
  EXPECT_EQ(domain_of_registrar(registrar, "a.test"), "");
  registrar.domains = {"a.test", "b.test"};
  EXPECT_EQ(domain_of_registrar(registrar, "B.test"), "b.test");
  EXPECT_EQ(domain_of_registrar(registrar, "198.18.1.1"), "a.test");
}

TEST(EndpointTerms, OnlyTheUpstreamOfAPassThroughRegistrarSeesCredentials) {
  SbcConfig config;
  config.peers.resize(3);
  config.peers[0].name = "pbx";
  config.peers[1].name = "carrier";
  config.peers[2].registrar = 0;
  config.registrars.resize(1);
  config.registrars[0].upstream = "pbx";
  EXPECT_NE(terms_of_upstream(config, PeerIndex(2), PeerIndex(0)), nullptr);
  EXPECT_EQ(terms_of_upstream(config, PeerIndex(2), PeerIndex(1)), nullptr);
  EXPECT_EQ(terms_of_upstream(config, PeerIndex(2), PeerIndex::kNone), nullptr);
  EXPECT_EQ(terms_of_upstream(config, PeerIndex(0), PeerIndex(0)), nullptr);
  config.registrars[0].mode = RegistrarMode::Local;
  EXPECT_EQ(terms_of_upstream(config, PeerIndex(2), PeerIndex(0)), nullptr);
}

}  // namespace
}  // namespace sallyport::sip
