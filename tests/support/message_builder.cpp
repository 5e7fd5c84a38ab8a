// message_builder.cpp — SIP messages for tests (RFC 3261 §7).
#include "tests/support/message_builder.h"

#include <cstdlib>

namespace sallyport::tests {

MessageBuilder::MessageBuilder(std::string_view method) : method_(method), cseq_("1 " + std::string(method)) {
  if (method == "INVITE") contact_ = "<sip:probe@198.18.1.2:5060>";
}

MessageBuilder& MessageBuilder::uri(std::string_view value) { return uri_ = value, *this; }
MessageBuilder& MessageBuilder::version(std::string_view value) { return version_ = value, *this; }
MessageBuilder& MessageBuilder::via(std::string_view value) { return via_ = value, *this; }
MessageBuilder& MessageBuilder::from(std::string_view value) { return from_ = value, *this; }
MessageBuilder& MessageBuilder::to(std::string_view value) { return to_ = value, *this; }
MessageBuilder& MessageBuilder::call_id(std::string_view value) { return call_id_ = value, *this; }
MessageBuilder& MessageBuilder::cseq(std::string_view value) { return cseq_ = value, *this; }
MessageBuilder& MessageBuilder::max_forwards(std::string_view value) { return max_forwards_ = value, *this; }
MessageBuilder& MessageBuilder::contact(std::string_view value) { return contact_ = value, *this; }
MessageBuilder& MessageBuilder::line(std::string_view line) { return lines_.emplace_back(line), *this; }
MessageBuilder& MessageBuilder::body(std::string_view type, std::string_view text) {
  content_type_ = type;
  body_ = text;
  return *this;
}

std::string MessageBuilder::build() const {
  std::string out = method_ + " " + uri_ + " " + version_ + "\r\n";
  const auto add = [&out](std::string_view name, const std::string& value) {
    if (!value.empty()) out.append(name).append(": ").append(value).append("\r\n");
  };
  add("Via", via_);
  add("Max-Forwards", max_forwards_);
  add("From", from_);
  add("To", to_);
  add("Call-ID", call_id_);
  add("CSeq", cseq_);
  add("Contact", contact_);
  add("Content-Type", content_type_);
  for (const std::string& line : lines_) out.append(line).append("\r\n");
  add("Content-Length", std::to_string(body_.size()));
  return out + "\r\n" + body_;
}

int status_of(std::string_view response) {
  if (response.substr(0, 8) != "SIP/2.0 ") return 0;
  return std::atoi(std::string(response.substr(8, 3)).c_str());
}

std::string header_of(std::string_view message, std::string_view name) {
  const std::string wanted = "\r\n" + std::string(name) + ":";
  const std::size_t at = message.find(wanted);
  if (at == std::string_view::npos || at > message.find("\r\n\r\n")) return {};
  std::string_view value = message.substr(at + wanted.size());
  value = value.substr(0, value.find("\r\n"));
  while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  return std::string(value);
}

}  // namespace sallyport::tests
