// build_operation.cpp — security and management as values.
#include <algorithm>

#include "mgmt/config/build_config.h"

namespace sallyport::mgmt {
namespace {

Reaction build_reaction(const Section& section) {
  return {section.word<DetectorAction>("action"), section.duration("for")};
}

SourceLimits build_limits(const Section& section) {
  SourceLimits limits;
  const Section source = section.child("source");
  limits.source = {source.get("rate", parse_rate), source.number<std::uint64_t>("burst")};
  const Section prefix = section.child("prefix");
  limits.prefix.ipv4_length = prefix.number<std::uint8_t>("ipv4");
  limits.prefix.ipv6_length = prefix.number<std::uint8_t>("ipv6");
  limits.prefix.limit = {prefix.get("rate", parse_rate), prefix.number<std::uint64_t>("burst")};
  limits.unknown = section.child("unknown").get("rate", parse_rate);
  const Section tcp = section.child("tcp");
  limits.tcp.connections_per_source = tcp.number<std::uint32_t>("connections_per_source");
  limits.tcp.handshakes = tcp.get("handshakes", parse_rate);
  limits.tcp.first_message = tcp.duration("first_message");
  limits.tcp.idle = tcp.duration("idle");
  return limits;
}

DetectorsConfig build_detectors(const Section& section) {
  DetectorsConfig detectors;
  detectors.invite_flood = build_reaction(section.child("invite_flood"));
  const Section bruteforce = section.child("register_bruteforce");
  detectors.register_bruteforce = build_reaction(bruteforce);
  detectors.register_failures = bruteforce.number<std::uint32_t>("failures");
  detectors.register_within = bruteforce.duration("within");
  detectors.scanner = build_reaction(section.child("scanner"));
  detectors.forged_request = build_reaction(section.child("forged_request"));
  const Section malformed = section.child("malformed");
  detectors.malformed = build_reaction(malformed);
  detectors.malformed_rate = malformed.get("rate", parse_rate);
  const Section tdos = section.child("tdos");
  detectors.tdos = build_reaction(tdos);
  detectors.tdos_calls_per_callee = tdos.get("calls_per_callee", parse_rate);
  const Section toll_fraud = section.child("toll_fraud");
  detectors.toll_fraud = build_reaction(toll_fraud);
  detectors.toll_fraud_prefixes = toll_fraud.texts("prefixes");
  detectors.toll_fraud_calls = toll_fraud.get("calls", parse_rate);
  detectors.toll_fraud_concurrent = toll_fraud.number<std::uint32_t>("concurrent");
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
        {item.get("source", parse_network), item.text("realm"), item.word<AccessAction>("action")});
  for (const Section& item : section.items("blocklists"))
    security.blocklist_files.push_back(item.file("file"));
  security.limits = build_limits(section.child("limits"));
  const Section promotion = section.child("promotion");
  const std::vector<std::string> by = promotion.texts("by");
  security.promote_by_registration = std::find(by.begin(), by.end(), "registration") != by.end();
  security.promote_by_call = std::find(by.begin(), by.end(), "call") != by.end();
  security.promotion_lasts = promotion.duration("lasts");
  security.overload_queue_delay = section.child("overload").duration("queue_delay");
  security.overload_cpu_percent = section.child("overload").get("cpu", parse_percent);
  security.detectors = build_detectors(section.child("detectors"));
  for (const Section& item : section.items("signatures"))
    security.signatures.push_back(build_signature(item));
}

void build_management(const Section& root, SbcConfig& config) {
  const Section section = root.child("management");
  ManagementConfig& management = config.management;
  management.socket = section.text("socket");
  management.listen = section.get("listen", parse_full_endpoint);
  management.tls_certificate = section.text_unless("tls_certificate", "none");
  for (const Section& item : section.items("tokens"))
    management.tokens.push_back({item.file("file"), item.word<Role>("role")});
  management.metrics_listen = section.child("metrics").get_unless("listen", "same", parse_full_endpoint);
  const Section log = section.child("log");
  management.log = {log.word<LogLevel>("level"), log.word<LogFormat>("format"), log.text("to"),
                    log.word<NumberMask>("mask_numbers")};
  management.cdr.clear();
  for (const Section& item : section.items("cdr"))
    management.cdr.push_back({item.text("to"), item.get("rotate", parse_byte_count), item.duration("keep")});
  management.messages_keep = section.child("messages").get("keep", parse_byte_count);
  if (const YamlNode* written = section.written("hep"); written != nullptr && written->is_map()) {
    const Section hep = section.child("hep");
    management.hep = HepConfig{hep.get("collector", parse_full_endpoint),
                               hep.number<std::uint32_t>("capture_id"), hep.texts("realms")};
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
