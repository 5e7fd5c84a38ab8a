// build_operation.cpp — security and management as values.
#include <algorithm>

#include "mgmt/config/build_config.h"

namespace sallyport::mgmt {
namespace {

Reaction build_reaction(const Section& section) {
  return {read_word<DetectorAction>(section, "action"), read_duration(section, "for")};
}

SourceLimits build_limits(const Section& section) {
  SourceLimits limits;
  const Section source = section.child("source");
  limits.source = {read(source, "rate", parse_rate), read_number<std::uint64_t>(source, "burst")};
  const Section prefix = section.child("prefix");
  limits.prefix.ipv4_length = read_number<std::uint8_t>(prefix, "ipv4");
  limits.prefix.ipv6_length = read_number<std::uint8_t>(prefix, "ipv6");
  limits.prefix.limit = {read(prefix, "rate", parse_rate), read_number<std::uint64_t>(prefix, "burst")};
  limits.unknown = read(section.child("unknown"), "rate", parse_rate);
  const Section tcp = section.child("tcp");
  limits.tcp.connections_per_source = read_number<std::uint32_t>(tcp, "connections_per_source");
  limits.tcp.handshakes = read(tcp, "handshakes", parse_rate);
  limits.tcp.first_message = read_duration(tcp, "first_message");
  limits.tcp.idle = read_duration(tcp, "idle");
  return limits;
}

DetectorsConfig build_detectors(const Section& section) {
  DetectorsConfig detectors;
  detectors.invite_flood = build_reaction(section.child("invite_flood"));
  const Section bruteforce = section.child("register_bruteforce");
  detectors.register_bruteforce = build_reaction(bruteforce);
  detectors.register_failures = read_number<std::uint32_t>(bruteforce, "failures");
  detectors.register_within = read_duration(bruteforce, "within");
  detectors.scanner = build_reaction(section.child("scanner"));
  detectors.forged_request = build_reaction(section.child("forged_request"));
  const Section malformed = section.child("malformed");
  detectors.malformed = build_reaction(malformed);
  detectors.malformed_rate = read(malformed, "rate", parse_rate);
  const Section tdos = section.child("tdos");
  detectors.tdos = build_reaction(tdos);
  detectors.tdos_calls_per_callee = read(tdos, "calls_per_callee", parse_rate);
  const Section toll_fraud = section.child("toll_fraud");
  detectors.toll_fraud = build_reaction(toll_fraud);
  detectors.toll_fraud_prefixes = toll_fraud.texts("prefixes");
  detectors.toll_fraud_calls = read(toll_fraud, "calls", parse_rate);
  detectors.toll_fraud_concurrent = read_number<std::uint32_t>(toll_fraud, "concurrent");
  detectors.toll_fraud_hours = toll_fraud.texts("hours");
  const Section off_hours = toll_fraud.child("off_hours");
  detectors.toll_fraud_off_hours_calls = read(off_hours, "calls", parse_rate);
  detectors.toll_fraud_off_hours_concurrent = read_number<std::uint32_t>(off_hours, "concurrent");
  detectors.call_spam.action = read_word<DetectorAction>(section.child("call_spam"), "action");
  return detectors;
}

SignatureFile build_signature(const Section& section) {
  SignatureFile signature;
  signature.file = section.file("file");
  signature.apply_to_all = section.is("apply_to", "all");
  for (const std::string& sid : section.texts("dry_run"))
    signature.dry_run.push_back(static_cast<std::uint32_t>(parse_integer(sid).value_or(0)));
  return signature;
}

Value<Endpoint> parse_full_endpoint(std::string_view text) { return parse_address_and_port(text, 0); }

}  // namespace

void build_security(const Section& root, SbcConfig& config) {
  const Section section = root.child("security");
  SecurityConfig& security = config.security;
  for (const Section& item : section.items("access"))
    security.access.push_back(
        {read(item, "source", parse_network), item.text("realm"), read_word<AccessAction>(item, "action")});
  for (const Section& item : section.items("blocklists"))
    security.blocklist_files.push_back(item.file("file"));
  security.limits = build_limits(section.child("limits"));
  const Section promotion = section.child("promotion");
  const std::vector<std::string> by = promotion.texts("by");
  security.promote_by_registration = std::find(by.begin(), by.end(), "registration") != by.end();
  security.promote_by_call = std::find(by.begin(), by.end(), "call") != by.end();
  security.promotion_lasts = read_duration(promotion, "lasts");
  security.overload_queue_delay = read_duration(section.child("overload"), "queue_delay");
  security.overload_cpu_percent = read(section.child("overload"), "cpu", parse_percent);
  security.detectors = build_detectors(section.child("detectors"));
  for (const Section& item : section.items("signatures"))
    security.signatures.push_back(build_signature(item));
}

void build_management(const Section& root, SbcConfig& config) {
  const Section section = root.child("management");
  ManagementConfig& management = config.management;
  management.socket = section.text("socket");
  management.listen = read(section, "listen", parse_full_endpoint);
  management.tls_certificate = section.text_unless("tls_certificate", "none");
  for (const Section& item : section.items("tokens"))
    management.tokens.push_back({item.file("file"), read_word<Role>(item, "role")});
  management.metrics_listen = read_unless(section.child("metrics"), "listen", "same", parse_full_endpoint);
  const Section log = section.child("log");
  management.log = {read_word<LogLevel>(log, "level"), read_word<LogFormat>(log, "format"), log.text("to"),
                    read_word<NumberMask>(log, "mask_numbers")};
  management.cdr.clear();
  for (const Section& item : section.items("cdr"))
    management.cdr.push_back(
        {item.text("to"), read(item, "rotate", parse_byte_count), read_duration(item, "keep")});
  management.messages_keep = read(section.child("messages"), "keep", parse_byte_count);
  if (const YamlNode* written = section.written("hep"); written != nullptr && written->is_map()) {
    const Section hep = section.child("hep");
    management.hep = HepConfig{read(hep, "collector", parse_full_endpoint),
                               read_number<std::uint32_t>(hep, "capture_id"), hep.texts("realms")};
  }
  management.traces = section.text_unless("traces", "none");
}

SbcConfig build_config(const Section& root) {
  SbcConfig config;
  build_network(root, config);
  build_neighbours(root, config);
  build_routes(root, config);
  build_security(root, config);
  build_management(root, config);
  return config;
}

}  // namespace sallyport::mgmt
