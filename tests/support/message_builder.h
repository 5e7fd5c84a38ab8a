// message_builder.h — SIP messages for tests, made from named parts with sensible defaults (RFC 3261 §8.1.1).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sallyport::tests {

// A request that is correct unless a test says otherwise. Every setter replaces one part; an empty value
// takes the header out.
class MessageBuilder {
 public:
  explicit MessageBuilder(std::string_view method);

  MessageBuilder& uri(std::string_view value);
  MessageBuilder& version(std::string_view value);
  MessageBuilder& via(std::string_view value);  // all of the header field value
  MessageBuilder& from(std::string_view value);
  MessageBuilder& to(std::string_view value);
  MessageBuilder& call_id(std::string_view value);
  MessageBuilder& cseq(std::string_view value);
  MessageBuilder& max_forwards(std::string_view value);
  MessageBuilder& contact(std::string_view value);
  // One more header field line, behind the others; `line` without its end.
  MessageBuilder& line(std::string_view line);
  // Body with its type; Content-Length is counted.
  MessageBuilder& body(std::string_view type, std::string_view text);
  [[nodiscard]] std::string build() const;

 private:
  std::string method_, uri_ = "sip:desk@edge.test", version_ = "SIP/2.0";
  std::string via_ = "SIP/2.0/UDP 198.18.1.2:5060;branch=z9hG4bKbuilder1;rport";
  std::string from_ = "<sip:probe@198.18.1.2>;tag=f1", to_ = "<sip:desk@edge.test>";
  std::string call_id_ = "builder-1@198.18.1.2", cseq_, max_forwards_ = "70", contact_;
  std::string content_type_, body_;
  std::vector<std::string> lines_;
};

// The status code of a response; 0 when it is none.
[[nodiscard]] int status_of(std::string_view response);
// The value of the first header field line with that long name; empty when there is none.
[[nodiscard]] std::string header_of(std::string_view message, std::string_view name);

}  // namespace sallyport::tests
