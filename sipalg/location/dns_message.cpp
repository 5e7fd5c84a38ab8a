// dns_message.cpp — reads a DNS message once, from its head to the SOA of its authority section: RFC 1035 §4.
#include "sipalg/location/dns_message.h"

#include <algorithm>
#include <optional>

namespace sallyport::sip {
namespace {

constexpr std::size_t kHeadBytes = 12;
constexpr unsigned kPointersMax = 127;  // a name has no more labels
constexpr std::size_t kLabelMax = 63;
constexpr std::uint16_t kClassIn = 1;
constexpr std::uint16_t kTypeCname = 5, kTypeSoa = 6;
constexpr unsigned kCodeNoError = 0, kCodeNoName = 3;

char small(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_name_octet(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

// A name in a message. One that cannot be asked for (strange octets) is read past, and equals nothing.
struct WireName {
  std::string text;
  bool is_clean = true;
};

class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> message) : message_(message) {}

  [[nodiscard]] bool good() const noexcept { return good_; }
  [[nodiscard]] std::size_t at() const noexcept { return at_; }
  void go_to(std::size_t at) noexcept { at_ = at; }

  std::uint8_t octet() noexcept {
    if (!good_ || at_ >= message_.size()) return fail();
    return message_[at_++];
  }
  std::uint16_t word() noexcept {
    const unsigned high = octet();
    return static_cast<std::uint16_t>(high << 8 | octet());
  }
  std::uint32_t long_word() noexcept {
    const std::uint32_t high = word();
    return high << 16 | word();
  }
  std::span<const std::uint8_t> octets(std::size_t count) noexcept {
    if (!good_ || message_.size() - at_ < count) return fail(), std::span<const std::uint8_t>();
    at_ += count;
    return message_.subspan(at_ - count, count);
  }
  WireName name();

 private:
  std::uint8_t fail() noexcept {
    good_ = false;
    return 0;
  }
  std::span<const std::uint8_t> message_;
  std::size_t at_ = 0;
  bool good_ = true;
};

void append_label(std::span<const std::uint8_t> label, WireName& name) {
  if (!name.text.empty()) name.text += '.';
  for (const std::uint8_t octet : label) {
    const char c = small(static_cast<char>(octet));
    name.is_clean = name.is_clean && is_name_octet(c);
    name.text += c;
  }
}

// A pointer leads to before where the name, or the part of it that a pointer led to, began: so it ends.
WireName Reader::name() {
  WireName name;
  std::optional<std::size_t> after;  // where reading goes on, once a pointer was followed
  std::size_t began = at_;
  for (unsigned pointers = 0; good_;) {
    const std::uint8_t length = octet();
    if (!good_ || length == 0) break;
    if ((length & 0xc0) == 0xc0) {  // RFC 1035 §4.1.4
      const std::size_t target = static_cast<std::size_t>(length & 0x3f) << 8 | octet();
      if (!good_ || target >= began || ++pointers > kPointersMax) return fail(), name;
      if (!after) after = at_;
      at_ = began = target;
      continue;
    }
    if ((length & 0xc0) != 0) return fail(), name;
    const auto label = octets(length);
    if (name.text.size() + 1 + label.size() > kDnsNameMax + 1) return fail(), name;
    append_label(label, name);
  }
  if (name.text.size() > kDnsNameMax) return fail(), name;
  if (after) at_ = *after;
  return name;
}

struct RecordHead {
  WireName owner;
  std::uint16_t type = 0, dns_class = 0;
  Duration ttl{};
  std::size_t end = 0;  // of its RDATA
};

RecordHead record_head(Reader& reader, std::size_t message_size) {
  RecordHead head;
  head.owner = reader.name();
  head.type = reader.word();
  head.dns_class = reader.word();
  const std::uint32_t ttl = reader.long_word();
  // With the top bit set it counts as zero. RFC 2181 §8
  if ((ttl & 0x80000000u) == 0) head.ttl = std::min<Duration>(std::chrono::seconds(ttl), kDnsTtlMax);
  const std::size_t length = reader.word();
  head.end = reader.at() + length;
  if (head.end > message_size) (void)reader.octets(length);  // fails
  return head;
}

struct Alias {
  std::string owner, target;
  Duration ttl{};
};

// One record of the type that was asked for; its owner may be the end of a chain of aliases.
struct Found {
  std::string owner;
  Duration ttl{};
  IpAddress address;
  SrvRecord service;
  NaptrRecord pointer;
};

class AnswerParser {
 public:
  AnswerParser(std::span<const std::uint8_t> message, DnsType type, std::string_view name)
      : reader_(message), size_(message.size()), type_(type), name_(normal_dns_name(name)) {}
  DnsAnswer parse();

 private:
  [[nodiscard]] bool read_head();
  [[nodiscard]] bool read_answers();
  void take(const RecordHead& head);
  [[nodiscard]] bool read_wanted(Found& found, std::size_t end);
  [[nodiscard]] std::string text();
  // False: they lead in a circle, or are too many.
  [[nodiscard]] bool follow_aliases();
  void keep_found(DnsAnswer& answer) const;
  [[nodiscard]] Duration negative_ttl();

  Reader reader_;
  const std::size_t size_;
  const DnsType type_;
  const std::string name_;
  std::string end_of_chain_;
  Duration chain_ttl_ = kDnsTtlMax;
  unsigned code_ = 0;
  bool is_truncated_ = false;
  std::uint16_t answers_ = 0, authorities_ = 0;
  std::vector<Alias> aliases_;
  std::vector<Found> found_;
};

bool AnswerParser::read_head() {
  if (size_ < kHeadBytes || name_.empty()) return false;
  (void)reader_.word();  // the rim has compared it
  const std::uint16_t flags = reader_.word();
  const std::uint16_t questions = reader_.word();
  answers_ = reader_.word();
  authorities_ = reader_.word();
  (void)reader_.word();
  if ((flags & 0x8000) == 0 || (flags & 0x7800) != 0 || questions != 1) return false;  // a response to QUERY
  is_truncated_ = (flags & 0x0200) != 0;
  code_ = flags & 0x000f;
  const WireName asked = reader_.name();
  const std::uint16_t type = reader_.word();
  const std::uint16_t dns_class = reader_.word();
  return reader_.good() && asked.is_clean && asked.text == name_ &&
         type == static_cast<std::uint16_t>(type_) && dns_class == kClassIn;
}

// Of a character-string only what services and flags are made of. RFC 3403 §4.1
std::string AnswerParser::text() {
  std::string text;
  for (const std::uint8_t octet : reader_.octets(reader_.octet())) {
    const char c = small(static_cast<char>(octet));
    if (!is_name_octet(c) && c != '+' && c != ':') return "?";  // no service that we know
    text += c;
  }
  return text;
}

bool AnswerParser::read_wanted(Found& found, std::size_t end) {
  switch (type_) {
    case DnsType::A:
      if (end - reader_.at() != 4) return false;
      found.address = IpAddress::v4_from_wire(reader_.octets(4).data());
      return true;
    case DnsType::Aaaa:
      if (end - reader_.at() != 16) return false;
      found.address = IpAddress::v6_from_wire(reader_.octets(16).data());
      return !found.address.is_v4();  // a mapped one is for sockets, not for the wire. RFC 4038 §4.2
    case DnsType::Srv: {
      found.service.priority = reader_.word();
      found.service.weight = reader_.word();
      found.service.port = reader_.word();
      WireName target = reader_.name();
      found.service.target = std::move(target.text);
      return target.is_clean && reader_.at() == end;
    }
    case DnsType::Naptr: {
      found.pointer.order = reader_.word();
      found.pointer.preference = reader_.word();
      found.pointer.flags = text();
      found.pointer.service = text();
      (void)reader_.octets(reader_.octet());  // the expression
      WireName replacement = reader_.name();
      found.pointer.replacement = std::move(replacement.text);
      return replacement.is_clean && reader_.at() == end;
    }
  }
  return false;
}

void AnswerParser::take(const RecordHead& head) {
  if (head.dns_class != kClassIn || !head.owner.is_clean) return;
  if (head.type == kTypeCname) {
    const WireName target = reader_.name();
    const bool is_whole = reader_.good() && reader_.at() == head.end;
    if (is_whole && target.is_clean && !target.text.empty() && aliases_.size() < kDnsKeptMax)
      aliases_.push_back({head.owner.text, target.text, head.ttl});
    return;
  }
  if (head.type != static_cast<std::uint16_t>(type_) || found_.size() >= kDnsKeptMax) return;
  Found found;
  if (!read_wanted(found, head.end) || !reader_.good()) return;
  found.owner = head.owner.text;
  found.ttl = head.ttl;
  found_.push_back(std::move(found));
}

bool AnswerParser::read_answers() {
  for (unsigned i = 0; i < answers_; ++i) {
    const RecordHead head = record_head(reader_, size_);
    if (!reader_.good()) return false;
    take(head);
    if (!reader_.good()) return false;
    reader_.go_to(head.end);
  }
  return true;
}

bool AnswerParser::follow_aliases() {
  end_of_chain_ = name_;
  for (unsigned i = 0; i <= kDnsAliasesMax; ++i) {
    const auto alias = std::ranges::find(aliases_, end_of_chain_, &Alias::owner);
    if (alias == aliases_.end()) return true;
    chain_ttl_ = std::min(chain_ttl_, alias->ttl);
    end_of_chain_ = alias->target;
  }
  return false;
}

template <class T>
void settle(std::vector<T>& list) {
  std::ranges::sort(list);
  const auto twice = std::ranges::unique(list);
  list.erase(twice.begin(), twice.end());
}

void AnswerParser::keep_found(DnsAnswer& answer) const {
  answer.ttl = chain_ttl_;
  bool has_any = false;
  for (const Found& found : found_) {
    if (found.owner != end_of_chain_) continue;
    has_any = true;
    answer.ttl = std::min(answer.ttl, found.ttl);
    if (type_ == DnsType::Srv) {
      answer.services.push_back(found.service);
    } else if (type_ == DnsType::Naptr) {
      answer.pointers.push_back(found.pointer);
    } else {
      answer.addresses.push_back(found.address);
    }
  }
  settle(answer.addresses);
  settle(answer.services);
  settle(answer.pointers);
  if (has_any) answer.outcome = DnsOutcome::Records;
}

bool is_within(std::string_view name, std::string_view zone) noexcept {
  if (zone.empty() || name == zone) return true;
  return name.size() > zone.size() && name.ends_with(zone) && name[name.size() - zone.size() - 1] == '.';
}

// The SOA of a zone that the name lies in. RFC 2308 §3, §5
Duration AnswerParser::negative_ttl() {
  for (unsigned i = 0; i < authorities_; ++i) {
    const RecordHead head = record_head(reader_, size_);
    if (!reader_.good()) break;
    const bool is_of_zone = is_within(end_of_chain_, head.owner.text) && head.owner.is_clean;
    if (head.type == kTypeSoa && head.dns_class == kClassIn && is_of_zone) {
      (void)reader_.name();
      (void)reader_.name();
      (void)reader_.octets(16);
      const std::uint32_t minimum = reader_.long_word();
      if (!reader_.good() || reader_.at() != head.end) break;
      const Duration longest = std::min<Duration>(std::chrono::seconds(minimum), kNegativeTtlMax);
      return std::min({head.ttl, longest, chain_ttl_});
    }
    reader_.go_to(head.end);
  }
  return std::min(kNegativeTtl, chain_ttl_);
}

DnsAnswer AnswerParser::parse() {
  DnsAnswer answer;
  if (!read_head()) return answer;
  answer.outcome = DnsOutcome::Failed;
  if (is_truncated_ || (code_ != kCodeNoError && code_ != kCodeNoName)) return answer;
  if (unsigned{answers_} + authorities_ > kDnsRecordsMax) return answer;
  if (!read_answers()) {
    answer.outcome = DnsOutcome::Malformed;
    return answer;
  }
  if (!follow_aliases()) return answer;
  if (code_ == kCodeNoError) keep_found(answer);
  if (answer.outcome == DnsOutcome::Records) return answer;
  answer.outcome = code_ == kCodeNoName ? DnsOutcome::NoName : DnsOutcome::NoRecords;
  answer.ttl = negative_ttl();
  return answer;
}

}  // namespace

DnsAnswer parse_dns_answer(std::span<const std::uint8_t> message, DnsType type, std::string_view name) {
  return AnswerParser(message, type, name).parse();
}

std::string normal_dns_name(std::string_view name) {
  if (name.empty() || name.size() > kDnsNameMax) return {};
  std::string normal;
  std::size_t label = 0;
  for (const char written : name) {
    const char c = small(written);
    if (c == '.' ? label == 0 : !is_name_octet(c) || label == kLabelMax) return {};
    label = c == '.' ? 0 : label + 1;
    normal += c;
  }
  return label == 0 ? std::string() : normal;
}

}  // namespace sallyport::sip
