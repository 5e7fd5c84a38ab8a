// unwise_test.cpp — what is legal but hardly meant is warned of, and nothing is refused for it.
#include <gmock/gmock.h>

#include "tests/unit/mgmt/config/config_text.h"

namespace sallyport::mgmt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> warned(const std::string& text) {
  const LoadedConfig loaded = load_text(text);
  EXPECT_THAT(errors_of(loaded), IsEmpty());
  EXPECT_FALSE(loaded.is_refused_by_run());
  return warnings_of(loaded);
}

std::vector<std::string> warned_of_access(const std::string& rules) {
  return warned(with_line(13, "security: { access: [" + rules + "] }"));
}

TEST(Unwise, NothingIsSaidOfAUsualConfiguration) { EXPECT_THAT(warned(joined(kGoodLines)), IsEmpty()); }

TEST(Unwise, TrustInHalfTheWorld) {
  EXPECT_THAT(
      warned_of_access("{ source: 0.0.0.0/0, action: trusted }"),
      ElementsAre("c.yaml:13: security.access[0].source: 0.0.0.0/0 makes strangers trusted, whom no limit "
                  "holds; write the prefixes that are meant"));
  EXPECT_THAT(warned_of_access("{ source: \"2000::/3\", action: trusted }"), testing::SizeIs(1));
  EXPECT_THAT(warned_of_access("{ source: 10.0.0.0/8, action: trusted }"), IsEmpty());
  EXPECT_THAT(warned_of_access("{ source: 0.0.0.0/0, action: deny }"), IsEmpty())
      << "all but those before it";
}

// The first match wins.
TEST(Unwise, AnAccessRuleThatNeverDecides) {
  EXPECT_THAT(
      warned_of_access("{ source: 192.0.2.0/24, action: deny }, { source: 192.0.2.7, action: trusted }"),
      ElementsAre("c.yaml:13: security.access[1].source: an earlier rule decides of all of it, that of "
                  "192.0.2.0/24; put this rule before that one, or leave it out"));
  EXPECT_THAT(
      warned_of_access("{ source: 192.0.2.7, action: trusted }, { source: 192.0.2.0/24, action: deny }"),
      IsEmpty());
  EXPECT_THAT(warned_of_access("{ source: 192.0.2.0/24, realm: inside, action: deny }, "
                               "{ source: 192.0.2.7, realm: outside, action: trusted }"),
              IsEmpty())
      << "of another side";
  EXPECT_THAT(
      warned_of_access("{ source: 0.0.0.0/0, action: deny }, { source: \"2001:db8::/32\", action: deny }"),
      IsEmpty())
      << "of another family";
}

TEST(Unwise, APeerWhoseSourcesAreTheWorld) {
  EXPECT_THAT(
      warned(with_line(10,
                       "  - { name: carrier, realm: outside, sources: [0.0.0.0/1], targets: [{ address: "
                       "\"198.18.1.2:5060\" }] }")),
      ElementsAre(
          "c.yaml:10: peers[carrier].sources: 0.0.0.0/1 makes strangers this peer; write the prefixes "
          "that it sends from"));
}

TEST(Unwise, AnyMediaSourceAmongStrangers) {
  const std::string target = "targets: [{ address: \"198.18.1.2:5060\" }]";
  EXPECT_THAT(
      warned(with_line(10, "  - { name: carrier, realm: outside, media: { latch: any }, " + target + " }")),
      ElementsAre("c.yaml:10: peers[carrier].media.latch: is any in an untrusted realm: whoever sends first "
                  "hears the call; write signalled, which is enough for a peer behind NAT"));
  EXPECT_THAT(warned(with_line(11,
                               "  - { name: pbx, realm: inside, media: { latch: any }, targets: [{ address: "
                               "\"198.18.2.2:5060\" }] }")),
              IsEmpty());
}

}  // namespace
}  // namespace sallyport::mgmt
