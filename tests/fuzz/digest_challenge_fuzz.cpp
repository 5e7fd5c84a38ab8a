// digest_challenge_fuzz.cpp — challenges of a stranger, and the credentials that answer them: no crash, views
// inside the input, and what is written is one clean header line.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "policy/base/check.h"
#include "sipalg/auth/digest.h"
#include "sipalg/message/message_writer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace sallyport::sip;
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  DigestChallenges found;
  parse_challenges(text, found);
  for (const DigestChallenge& challenge : found) {
    for (const std::string_view view : {challenge.realm, challenge.nonce, challenge.opaque})
      SALLYPORT_CHECK(view.size() <= kChallengeBytesMax &&
                      (view.empty() || (view.data() >= text.data() &&
                                        view.data() + view.size() <= text.data() + text.size())));
    const std::string line =
        digest_credentials(challenge, {"user", "password"}, {"INVITE", "sip:a@b", "body"}, {"cnonce", 1});
    SALLYPORT_CHECK(!line.empty() && is_plain(line));
    DigestChallenges own;
    parse_challenges(line, own);  // it has the form of a challenge: what was quoted is still quoted
    SALLYPORT_CHECK(own.size() == 1 && own[0].realm == challenge.realm && own[0].nonce == challenge.nonce);
  }
  return 0;
}
