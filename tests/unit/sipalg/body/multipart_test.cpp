// multipart_test.cpp — SDP found in multipart bodies, and bodies that two readers would read in two ways: RFC
// 2046 §5.1; threats P10.
#include "sipalg/body/multipart.h"

#include <gtest/gtest.h>

#include <string>

namespace sallyport::sip {
namespace {

constexpr std::string_view kType = "multipart/mixed;boundary=b1";

std::string part(std::string_view type, std::string_view content, std::string_view boundary = "b1") {
  return "--" + std::string(boundary) + "\r\nContent-Type: " + std::string(type) + "\r\n\r\n" +
         std::string(content) + "\r\n";
}
std::string nested(unsigned depth) {
  const std::string name = "n" + std::to_string(depth);
  const std::string inner =
      depth == 1 ? part("application/sdp", "v=0", name)
                 : part("multipart/mixed;boundary=n" + std::to_string(depth - 1), nested(depth - 1), name);
  return inner + "--" + name + "--";
}

TEST(Multipart, FindsTheOneSdp) {
  const std::string body = "preamble\r\n" + part("application/isup;version=itu-t92+", "\x01\x10\r\n\x00") +
                           part("Application/SDP", "v=0\r\n") + "--b1--\r\nepilogue";
  const MultipartView view = view_multipart(kType, body);
  EXPECT_TRUE(view.is_readable);
  EXPECT_EQ(view.sdp_parts, 1u);
  EXPECT_EQ(view.sdp_head, "Content-Type: Application/SDP\r\n\r\n");
  EXPECT_EQ(view.sdp, "v=0\r\n");
  EXPECT_TRUE(view.whole.starts_with("--b1\r\n"));
  EXPECT_TRUE(view.whole.ends_with("--b1--\r\n"));
}

TEST(Multipart, CountsEverySdp) {
  const std::string body = part("application/sdp", "v=0") + part("application/sdp", "v=0") + "--b1--";
  EXPECT_EQ(view_multipart(kType, body).sdp_parts, 2u);
  const std::string hidden =
      part("application/sdp", "v=0") + part("multipart/mixed; boundary=\"n1\"", nested(1)) + "--b1--";
  EXPECT_EQ(view_multipart(kType, hidden).sdp_parts, 2u);
}

TEST(Multipart, FoldedAndCompactHeadFieldsAreRead) {
  for (const char* head :
       {"Content-Type:\r\n application/sdp", "c: application/sdp", "CONTENT-TYPE :application/sdp",
        "X-A: b\r\nContent-Type: application\r\n\t/ sdp;x=\"y\r\n z\"",
        "Content-Length: 7\r\nContent-Type: application/sdp"}) {
    const std::string body = "--b1\r\n" + std::string(head) + "\r\n\r\nv=0\r\n--b1--";
    const MultipartView view = view_multipart(kType, body);
    EXPECT_TRUE(view.is_readable) << head;
    EXPECT_EQ(view.sdp, "v=0") << head;
  }
}

TEST(Multipart, BoundaryIsTakenAsTheGrammarSays) {
  const auto readable = [](std::string_view type, std::string_view boundary) {
    return view_multipart(type,
                          "--" + std::string(boundary) + "\r\n\r\nx\r\n--" + std::string(boundary) + "--")
        .is_readable;
  };
  EXPECT_TRUE(readable("multipart/mixed;boundary=\"gc0p4Jq0M:2Yt08j34c0p\"", "gc0p4Jq0M:2Yt08j34c0p"));
  EXPECT_TRUE(readable("multipart/mixed ; x=y; Boundary = \"a b\"", "a b"));
  EXPECT_TRUE(readable("multipart/mixed;boundary=" + std::string(70, 'a'), std::string(70, 'a')));
  EXPECT_FALSE(readable("multipart/mixed;boundary=" + std::string(71, 'a'), std::string(71, 'a')));
  EXPECT_FALSE(readable("multipart/mixed;boundary=\"a \"", "a "));
  EXPECT_FALSE(readable("multipart/mixed;boundary=\"a\\\"b\"", "a\"b"));
  EXPECT_FALSE(readable("multipart/mixed;boundary=\"\"", ""));
  EXPECT_FALSE(readable("multipart/mixed", ""));
  EXPECT_FALSE(readable("multipart/mixed;boundary=a;boundary=b", "a"));
  EXPECT_FALSE(readable("multipart/mixed;boundary", ""));
}

TEST(Multipart, PaddingBehindADelimiterIsAllowedAndNothingElse) {
  EXPECT_TRUE(view_multipart(kType, "--b1 \t\r\n\r\nx\r\n--b1--  ").is_readable);
  EXPECT_FALSE(view_multipart(kType, "--b1\r\n\r\nx\r\n--b1x\r\ny\r\n--b1--").is_readable);
  EXPECT_FALSE(view_multipart(kType, "--b1\r\n\r\nx\r\n--b1-\r\ny\r\n--b1--").is_readable);
  EXPECT_FALSE(view_multipart(kType, "--b1\r\n\r\nx\r\n--b1--x").is_readable);
}

TEST(Multipart, LoneLineFeedEndsALineToo) {
  const MultipartView view = view_multipart(
      kType, "--b1\nContent-Type: text/plain\n\nx\n--b1\nContent-Type: application/sdp\n\nv=0\n--b1--\n");
  EXPECT_TRUE(view.is_readable);
  EXPECT_EQ(view.sdp, "v=0");
}

TEST(Multipart, WithoutItsLastDelimiterIsNotReadable) {
  EXPECT_FALSE(view_multipart(kType, "").is_readable);
  EXPECT_FALSE(view_multipart(kType, "no delimiter").is_readable);
  EXPECT_FALSE(view_multipart(kType, "--b1\r\n\r\nx\r\n").is_readable);
  EXPECT_FALSE(view_multipart(kType, "--b1--").is_readable);
  EXPECT_FALSE(view_multipart(kType, "x --b1\r\n\r\nx\r\n--b1--").is_readable);
}

TEST(Multipart, HeadsThatCannotBeReadAreNotGuessedAt) {
  for (const char* head :
       {"no colon", " folded: first", "Content-Type: application/sdp\r\nContent-Type: text/plain",
        "Content-Type: sdp", "Content-Type: application/sdp;=x", "Content-Type: application/sdp x",
        "Content-Type: application/sdp\r\nContent-Transfer-Encoding: base64",
        "Content-Encoding: gzip\r\nContent-Type: application/sdp", ": x", "Content Type: application/sdp"})
    EXPECT_FALSE(view_multipart(kType, "--b1\r\n" + std::string(head) + "\r\n\r\nv=0\r\n--b1--").is_readable)
        << head;
}

TEST(Multipart, PartsMayBeEmptyOrHaveNoHead) {
  EXPECT_TRUE(view_multipart(kType, "--b1\r\n--b1--").is_readable);
  EXPECT_TRUE(view_multipart(kType, "--b1\r\n\r\n--b1--").is_readable);
  const MultipartView view = view_multipart(kType, "--b1\r\nContent-Type: application/sdp\r\n--b1--");
  EXPECT_TRUE(view.is_readable);
  EXPECT_EQ(view.sdp_parts, 1u);
  EXPECT_TRUE(view.sdp.empty());
}

TEST(Multipart, DepthAndNumberOfPartsAreBounded) {
  EXPECT_TRUE(view_multipart("multipart/mixed;boundary=n2", nested(2)).is_readable);
  EXPECT_EQ(view_multipart("multipart/mixed;boundary=n2", nested(2)).sdp_parts, 1u);
  EXPECT_FALSE(view_multipart("multipart/mixed;boundary=n3", nested(3)).is_readable);
  EXPECT_FALSE(view_multipart("multipart/mixed;boundary=n9", nested(9)).is_readable);
  std::string body;
  for (std::size_t i = 0; i < kPartsMax; ++i) body += "--b1\r\n\r\nx\r\n";
  EXPECT_TRUE(view_multipart(kType, body + "--b1--").is_readable);
  EXPECT_FALSE(view_multipart(kType, body + "--b1\r\n\r\nx\r\n--b1--").is_readable);
}

// Any octets, cut anywhere: no harm, and never a view outside the body.
TEST(Multipart, EveryPieceOfABodyIsHarmless) {
  const std::string body = "p\r\n" + part("multipart/mixed;boundary=n1", nested(1)) +
                           part("application/pidf+xml", std::string("\0\xff\r\n", 4)) + "--b1--\r\n";
  for (std::size_t start = 0; start < body.size(); start += 3)
    for (std::size_t size = 0; size <= body.size() - start; ++size) {
      const std::string piece = body.substr(start, size);
      const MultipartView view = view_multipart(kType, piece);
      if (!view.is_readable) continue;
      EXPECT_GE(view.whole.data(), piece.data());
      EXPECT_LE(view.whole.data() + view.whole.size(), piece.data() + piece.size());
    }
}

}  // namespace
}  // namespace sallyport::sip
