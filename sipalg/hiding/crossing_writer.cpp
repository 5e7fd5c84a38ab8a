// crossing_writer.cpp — header fields of the other leg, and what rules make of them: RFC 3261 §7.3.1, §16.6.
#include "sipalg/hiding/crossing_writer.h"

#include <bitset>

#include "policy/identity/identity_policy.h"
#include "sipalg/hiding/crossing_value.h"
#include "sipalg/hiding/diverted.h"

namespace sallyport::sip {
namespace {

bool is_same_name(std::string_view one, std::string_view other) noexcept {
  if (one.size() != other.size()) return false;
  for (std::size_t i = 0; i < one.size(); ++i) {
    const auto small = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
    if (small(one[i]) != small(other[i])) return false;
  }
  return true;
}

bool is_token(std::string_view name) noexcept {
  Lexer lexer(name);
  return !lexer.take_while<kToken>().empty() && lexer.done();
}

// Who sent it wants nobody to know how it came here. RFC 3323 §4.2, RFC 7044 §10.1
bool hides_history(const SipMessage& message) noexcept {
  if (!message.has(HeaderName::Privacy)) return false;
  for (std::size_t i = 0; i < message.header_count; ++i) {
    if (message.headers[i].name != HeaderName::Privacy) continue;
    const policy::PrivacyWish wish = policy::parse_privacy(message.value_of(message.headers[i]));
    if (wish.history || wish.header || wish.user) return true;
  }
  return false;
}

class CrossingWriter {
 public:
  CrossingWriter(MessageWriter& writer, const CrossingPart& part, const OwnFields& own) noexcept
      : writer_(writer), part_(part), own_(own) {
    for (const policy::HeaderEdit& edit : part.edits)
      edited_.set(static_cast<std::size_t>(header_name_of(edit.name)));
    is_multipart_ = own.has_body && part.message != nullptr &&
                    equals_ignoring_case(part.message->content_type.type, "multipart");
  }

  void write_received() noexcept {
    if (part_.message == nullptr || part_.crossing == nullptr) return;
    const SipMessage& message = *part_.message;
    for (std::size_t i = 0; i < message.header_count; ++i) {
      const HeaderField& field = message.headers[i];
      const std::string_view name = message.name_of(field);
      const CrossingForm form = part_.crossing->form_of(field.name, name, own_.in_request);
      if (form == CrossingForm::Never || is_ours(field.name) || is_edited(field.name, name)) continue;
      if (form == CrossingForm::Session && own_.has_session_id) continue;
      write(field.name, name, {message.value_of(field), message.bytes.data() + message.bytes.size()}, form);
    }
  }

  void write_edits() noexcept {
    for (const policy::HeaderEdit& edit : part_.edits) {
      const HeaderName known = header_name_of(edit.name);
      if (is_ours(known) || !is_token(edit.name)) continue;
      const CrossingForm form = form_of(edit, known);
      if (form == CrossingForm::Never) continue;
      for (const std::string& value : edit.values) write(known, edit.name, ReadableValue(value), form);
    }
  }

 private:
  [[nodiscard]] bool is_ours(HeaderName name) const noexcept {
    switch (name) {
      case HeaderName::Accept:
        return own_.has_accept;
      case HeaderName::RetryAfter:
        return own_.has_retry_after;
      case HeaderName::ContentDisposition:
      case HeaderName::ContentEncoding:
      case HeaderName::ContentLanguage:
      case HeaderName::MimeVersion:
        return !own_.has_body;
      default:
        return false;
    }
  }

  [[nodiscard]] bool is_edited(HeaderName known, std::string_view name) const noexcept {
    if (!edited_.test(static_cast<std::size_t>(known))) return false;
    if (known != HeaderName::Other) return true;
    for (const policy::HeaderEdit& edit : part_.edits)
      if (is_same_name(edit.name, name)) return true;
    return false;
  }

  // What was set crosses whatever the list says, but for what makes up the message.
  [[nodiscard]] CrossingForm form_of(const policy::HeaderEdit& edit, HeaderName known) const noexcept {
    const CrossingForm ruled = crossing_rule(known, edit.name).form;
    if (ruled == CrossingForm::Session && own_.has_session_id) return CrossingForm::Never;
    if (edit.is_set) return ruled == CrossingForm::Never ? CrossingForm::Never : CrossingForm::Text;
    if (part_.crossing == nullptr) return CrossingForm::Never;
    return part_.crossing->form_of(known, edit.name, own_.in_request);
  }

  void write(HeaderName known, std::string_view name, const ReadableValue& value,
             CrossingForm form) noexcept {
    if (count_ == kCrossingFieldsMax) return;
    const auto clean = form == CrossingForm::History || form == CrossingForm::Diversions
                           ? diverted(form, value)
                           : crossing_value(form, value, is_multipart_, buffer_);
    if (!clean) return;
    ++count_;
    known != HeaderName::Other ? writer_.header(known, *clean) : writer_.header(name, *clean);
  }

  [[nodiscard]] std::optional<std::string_view> diverted(CrossingForm form,
                                                         const ReadableValue& value) noexcept {
    if (own_.host.empty() || part_.message == nullptr || part_.crossing == nullptr) return std::nullopt;
    DivertedTerms& terms = form == CrossingForm::History ? history_ : diversions_;
    terms.host = own_.host;
    terms.keeps_privacy = part_.crossing->keeps_privacy();
    if (terms.keeps_privacy && hides_history(*part_.message)) return std::nullopt;  // RFC 7044 §10.1.2
    if (form == CrossingForm::History) return history_value(value, terms, buffer_);
    if (is_first_diversion_) terms.first_number = part_.diversion;
    is_first_diversion_ = false;
    return diversion_value(value, terms, buffer_);
  }

  MessageWriter& writer_;
  const CrossingPart& part_;
  const OwnFields& own_;
  std::bitset<kHeaderNameCount> edited_;  // Other: at least one of those
  bool is_multipart_ = false;
  bool is_first_diversion_ = true;
  std::size_t count_ = 0;
  DivertedTerms history_, diversions_;
  ValueBuffer buffer_;
};

}  // namespace

void write_crossing(MessageWriter& writer, const CrossingPart& part, const OwnFields& own) noexcept {
  CrossingWriter crossing(writer, part, own);
  crossing.write_received();
  crossing.write_edits();
}

}  // namespace sallyport::sip
