// schema_operation.cpp — table of keys, part three: security, identity, cluster, management.
#include <array>

#include "mgmt/config/schema_table.h"

namespace sallyport::mgmt {
namespace {

using T = OptionType;
constexpr bool kBuilt = true;
constexpr std::string_view kActions = "log|challenge|reject|block";
constexpr std::int64_t kMinute = 60'000, kHour = 60 * kMinute,
                       kDay = 24 * kHour;  // in the milliseconds of ranges
constexpr std::int64_t kMegabyte = 1'000'000;

// clang-format off
constexpr std::array kRows{
    Option{.path = "security", .type = T::Map, .doc = "Who may send, and how much.", .built = kBuilt},
    Option{.path = "security.access", .type = T::Maps, .doc = "Access rules; the first match wins.", .fallback = "[]", .built = kBuilt},
    Option{.path = "security.access[].source", .type = T::Network, .doc = "Prefix of the sender.", .built = kBuilt, .required = true},
    Option{.path = "security.access[].realm", .type = T::Name, .doc = "On that side only; every side when left out.", .built = kBuilt, .refers = "realms"},
    Option{.path = "security.access[].action", .type = T::Word, .doc = "What such a source is.", .built = kBuilt, .required = true, .words = "deny|untrusted|trusted"},
    Option{.path = "security.blocklists", .type = T::Maps, .doc = "Files of prefixes from which nothing is taken, but for peers.", .fallback = "[]", .built = kBuilt},
    Option{.path = "security.blocklists[].file", .type = T::InputFile, .doc = "A prefix a line.", .built = kBuilt, .required = true},
    Option{.path = "security.limits", .type = T::Map, .doc = "Token buckets for untrusted sources.", .built = kBuilt},
    Option{.path = "security.limits.source", .type = T::Map, .doc = "For each address.", .built = kBuilt},
    Option{.path = "security.limits.source.rate", .type = T::Rate, .doc = "Packets.", .fallback = "50/s", .built = kBuilt, .min = 1, .max = 10'000'000},
    Option{.path = "security.limits.source.burst", .type = T::Integer, .doc = "Packets at once.", .fallback = "100", .built = kBuilt, .min = 1, .max = 10'000'000},
    Option{.path = "security.limits.prefix", .type = T::Map, .doc = "For each prefix.", .built = kBuilt},
    Option{.path = "security.limits.prefix.ipv4", .type = T::Integer, .doc = "Length of such a prefix.", .fallback = "24", .built = kBuilt, .min = 8, .max = 32},
    Option{.path = "security.limits.prefix.ipv6", .type = T::Integer, .doc = "Length of such a prefix.", .fallback = "64", .built = kBuilt, .min = 16, .max = 128},
    Option{.path = "security.limits.prefix.rate", .type = T::Rate, .doc = "Packets.", .fallback = "200/s", .built = kBuilt, .min = 1, .max = 10'000'000},
    Option{.path = "security.limits.prefix.burst", .type = T::Integer, .doc = "Packets at once.", .fallback = "400", .built = kBuilt, .min = 1, .max = 10'000'000},
    Option{.path = "security.limits.unknown", .type = T::Map, .doc = "For all sources without earned trust together.", .built = kBuilt},
    Option{.path = "security.limits.unknown.rate", .type = T::Rate, .doc = "Packets.", .fallback = "2000/s", .built = kBuilt, .min = 1, .max = 100'000'000},
    Option{.path = "security.limits.tcp", .type = T::Map, .doc = "For TCP and TLS connections.", .built = kBuilt},
    Option{.path = "security.limits.tcp.connections_per_source", .type = T::Integer, .doc = "Open at once.", .fallback = "20", .built = kBuilt, .min = 1, .max = 65535},
    Option{.path = "security.limits.tcp.handshakes", .type = T::Rate, .doc = "New ones of each source.", .fallback = "10/s", .built = kBuilt, .min = 1, .max = 1'000'000},
    Option{.path = "security.limits.tcp.first_message", .type = T::Duration, .doc = "Longest wait for a whole message.", .fallback = "10s", .built = kBuilt, .min = 100, .max = kHour},
    Option{.path = "security.limits.tcp.idle", .type = T::Duration, .doc = "Longest silence.", .fallback = "10m", .built = kBuilt, .min = 1000, .max = kDay},
    Option{.path = "security.promotion", .type = T::Map, .doc = "How a source earns trust.", .built = kBuilt},
    Option{.path = "security.promotion.by", .type = T::Word, .doc = "What earns it.", .fallback = "[registration, call]", .built = kBuilt, .many = Many::List, .words = "registration|call"},
    Option{.path = "security.promotion.lasts", .type = T::Duration, .doc = "How long it lasts.", .fallback = "1h", .built = kBuilt, .min = 1000, .max = 30 * kDay},
    Option{.path = "security.overload", .type = T::Map, .doc = "When new calls are shed.", .built = kBuilt},
    Option{.path = "security.overload.queue_delay", .type = T::Duration, .doc = "Longest wait of a message for its shard.", .fallback = "50ms", .built = kBuilt, .min = 1, .max = 5000},
    Option{.path = "security.overload.cpu", .type = T::Percent, .doc = "Busy share of a signalling thread above which part of what strangers send is dropped, then calls of those who earned trust are refused.", .fallback = "85%", .built = kBuilt, .min = 10, .max = 100},
    Option{.path = "security.detectors", .type = T::Map, .doc = "What is recognised as an attack, and what is done.", .built = kBuilt},
    Option{.path = "security.detectors.invite_flood", .type = T::Map, .doc = "Too many calls from a source.", .built = kBuilt},
    Option{.path = "security.detectors.invite_flood.action", .type = T::Word, .doc = "What is done.", .fallback = "block", .built = kBuilt, .words = kActions},
    Option{.path = "security.detectors.invite_flood.for", .type = T::Duration, .doc = "How long a block lasts.", .fallback = "10m", .built = kBuilt, .min = 1000, .max = 365 * kDay},
    Option{.path = "security.detectors.register_bruteforce", .type = T::Map, .doc = "Password guessing.", .built = kBuilt},
    Option{.path = "security.detectors.register_bruteforce.failures", .type = T::Integer, .doc = "Wrong passwords.", .fallback = "5", .built = kBuilt, .min = 1, .max = 10'000},
    Option{.path = "security.detectors.register_bruteforce.within", .type = T::Duration, .doc = "In that time.", .fallback = "60s", .built = kBuilt, .min = 1000, .max = kDay},
    Option{.path = "security.detectors.register_bruteforce.action", .type = T::Word, .doc = "What is done.", .fallback = "block", .built = kBuilt, .words = kActions},
    Option{.path = "security.detectors.register_bruteforce.for", .type = T::Duration, .doc = "How long a block lasts.", .fallback = "1h", .built = kBuilt, .min = 1000, .max = 365 * kDay},
    Option{.path = "security.detectors.scanner", .type = T::Map, .doc = "Search for extensions and open relays.", .built = kBuilt},
    Option{.path = "security.detectors.scanner.action", .type = T::Word, .doc = "What is done.", .fallback = "block", .built = kBuilt, .words = kActions},
    Option{.path = "security.detectors.scanner.for", .type = T::Duration, .doc = "How long a block lasts.", .fallback = "1h", .built = kBuilt, .min = 1000, .max = 365 * kDay},
    Option{.path = "security.detectors.forged_request", .type = T::Map, .doc = "BYE, CANCEL, re-INVITE, UPDATE and responses of a third party.", .built = kBuilt},
    Option{.path = "security.detectors.forged_request.action", .type = T::Word, .doc = "What is done.", .fallback = "reject", .built = kBuilt, .words = kActions},
    Option{.path = "security.detectors.forged_request.for", .type = T::Duration, .doc = "How long a block lasts.", .fallback = "10m", .built = kBuilt, .min = 1000, .max = 365 * kDay},
    Option{.path = "security.detectors.malformed", .type = T::Map, .doc = "Messages that can't be parsed.", .built = kBuilt},
    Option{.path = "security.detectors.malformed.rate", .type = T::Rate, .doc = "More than so many.", .fallback = "30/m", .built = kBuilt, .min = 1, .max = 1'000'000},
    Option{.path = "security.detectors.malformed.action", .type = T::Word, .doc = "What is done.", .fallback = "block", .built = kBuilt, .words = kActions},
    Option{.path = "security.detectors.malformed.for", .type = T::Duration, .doc = "How long a block lasts.", .fallback = "10m", .built = kBuilt, .min = 1000, .max = 365 * kDay},
    Option{.path = "security.detectors.tdos", .type = T::Map, .doc = "Many calls to one number.", .built = kBuilt},
    Option{.path = "security.detectors.tdos.calls_per_callee", .type = T::Rate, .doc = "More than so many; twenty times as many through configured peers.", .fallback = "5/s", .built = kBuilt, .min = 1, .max = 1'000'000},
    Option{.path = "security.detectors.tdos.action", .type = T::Word, .doc = "What is done.", .fallback = "reject", .built = kBuilt, .words = kActions},
    Option{.path = "security.detectors.tdos.for", .type = T::Duration, .doc = "How long a block lasts.", .fallback = "10m", .built = kBuilt, .min = 1000, .max = 365 * kDay},
    Option{.path = "security.detectors.toll_fraud", .type = T::Map, .doc = "Calls to expensive numbers.", .built = kBuilt},
    Option{.path = "security.detectors.toll_fraud.prefixes", .type = T::Dialled, .doc = "Beginnings of such numbers.", .fallback = "[\"+882\", \"+979\"]", .built = kBuilt, .many = Many::List},
    Option{.path = "security.detectors.toll_fraud.calls", .type = T::Rate, .doc = "More than so many.", .fallback = "10/h", .built = kBuilt, .min = 1, .max = 1'000'000},
    Option{.path = "security.detectors.toll_fraud.concurrent", .type = T::Integer, .doc = "More than so many at once.", .fallback = "2", .built = kBuilt, .min = 0, .max = 100'000},
    Option{.path = "security.detectors.toll_fraud.action", .type = T::Word, .doc = "What is done.", .fallback = "reject", .built = kBuilt, .words = kActions},
    Option{.path = "security.detectors.toll_fraud.for", .type = T::Duration, .doc = "How long a block lasts.", .fallback = "10m", .built = kBuilt, .min = 1000, .max = 365 * kDay},
    Option{.path = "security.detectors.toll_fraud.hours", .type = T::TimeSpan, .doc = "Days and hours (UTC) in which these limits hold; outside them, off_hours. Empty: always.", .fallback = "[]", .built = kBuilt, .many = Many::OneOrList},
    Option{.path = "security.detectors.toll_fraud.off_hours", .type = T::Map, .doc = "Limits outside `hours`.", .built = kBuilt},
    Option{.path = "security.detectors.toll_fraud.off_hours.calls", .type = T::Rate, .doc = "More than so many.", .fallback = "2/h", .built = kBuilt, .min = 1, .max = 1'000'000},
    Option{.path = "security.detectors.toll_fraud.off_hours.concurrent", .type = T::Integer, .doc = "More than so many at once.", .fallback = "1", .built = kBuilt, .min = 0, .max = 100'000},
    Option{.path = "security.detectors.call_spam", .type = T::Map, .doc = "Calls of callers who are named here; as shipped nobody is.", .built = kBuilt},
    Option{.path = "security.detectors.call_spam.deny", .type = T::Dialled, .doc = "Callers' numbers; with a \"*\" at the end, all that begin so.", .fallback = "[]", .built = kBuilt, .many = Many::List},
    Option{.path = "security.detectors.call_spam.deny_file", .type = T::InputFile, .doc = "A file of such numbers, one a line.", .built = kBuilt},
    Option{.path = "security.detectors.call_spam.allow", .type = T::Dialled, .doc = "Callers who are not refused by this list, nor by tdos.", .fallback = "[]", .built = kBuilt, .many = Many::List},
    Option{.path = "security.detectors.call_spam.action", .type = T::Word, .doc = "What is done.", .fallback = "reject", .built = kBuilt, .words = "log|challenge|reject"},
    Option{.path = "security.signatures", .type = T::Maps, .doc = "Files of signatures.", .fallback = "[]", .built = kBuilt},
    Option{.path = "security.signatures[].file", .type = T::InputFile, .doc = "Rules file.", .built = kBuilt, .required = true},
    Option{.path = "security.signatures[].apply_to", .type = T::Word, .doc = "Whose messages are looked at.", .fallback = "untrusted", .built = kBuilt, .words = "untrusted|all"},
    Option{.path = "security.signatures[].dry_run", .type = T::Integer, .doc = "Signatures (sid) that are only counted.", .fallback = "[]", .built = kBuilt, .many = Many::List, .min = 1, .max = 4'294'967'295},

    Option{.path = "identity", .type = T::Map, .doc = "STIR/SHAKEN."},
    Option{.path = "identity.mode", .type = T::Word, .doc = "Whether calls are signed or signatures verified.", .fallback = "none", .words = "none|sign|verify|both"},
    Option{.path = "identity.certificate_url", .type = T::Uri, .doc = "Where others find the certificate."},
    Option{.path = "identity.key", .type = T::SecretFile, .doc = "Private key for signing."},

    Option{.path = "cluster", .type = T::Map, .doc = "High availability."},
    Option{.path = "cluster.mode", .type = T::Word, .doc = "Alone, or with a partner.", .fallback = "none", .words = "none|pair"},

    Option{.path = "management", .type = T::Map, .doc = "What people and programs see.", .built = kBuilt},
    Option{.path = "management.socket", .type = T::AbsolutePath, .doc = "UNIX socket of the command line.", .fallback = "/run/sallyport/control.sock", .built = kBuilt},
    Option{.path = "management.listen", .type = T::Endpoint, .doc = "REST and web page, in the namespace in which the daemon was started.", .fallback = "127.0.0.1:8080", .built = kBuilt},
    Option{.path = "management.tls_certificate", .type = T::Name, .doc = "A must for any address but loopback.", .fallback = "none", .built = kBuilt, .words = "none", .refers = "tls.certificates"},
    Option{.path = "management.tokens", .type = T::Maps, .doc = "Who may use REST; with none it only reads, and only on loopback.", .fallback = "[]", .built = kBuilt},
    Option{.path = "management.tokens[].file", .type = T::SecretFile, .doc = "File that holds the token.", .built = kBuilt, .required = true},
    Option{.path = "management.tokens[].role", .type = T::Word, .doc = "What its bearer may do.", .built = kBuilt, .required = true, .words = "viewer|operator|admin"},
    Option{.path = "management.metrics", .type = T::Map, .doc = "Prometheus.", .built = kBuilt},
    Option{.path = "management.metrics.listen", .type = T::Endpoint, .doc = "An address for Prometheus alone.", .fallback = "same", .built = kBuilt, .words = "same"},
    Option{.path = "management.log", .type = T::Map, .doc = "The log.", .built = kBuilt},
    Option{.path = "management.log.level", .type = T::Word, .doc = "How much is logged.", .fallback = "info", .built = kBuilt, .words = "error|warning|info|debug"},
    Option{.path = "management.log.format", .type = T::Word, .doc = "For programs or for people.", .fallback = "json", .built = kBuilt, .words = "json|text"},
    Option{.path = "management.log.to", .type = T::OutputFile, .doc = "stderr or a file in node.state.", .fallback = "stderr", .built = kBuilt, .words = "stderr"},
    Option{.path = "management.log.mask_numbers", .type = T::Word, .doc = "Which digits of telephone numbers are hidden.", .fallback = "none", .built = kBuilt, .words = "none|last4|all"},
    Option{.path = "management.cdr", .type = T::Maps, .doc = "Call records.", .fallback = "[{ to: cdr.jsonl, rotate: 100MB, keep: 30d }]", .built = kBuilt},
    Option{.path = "management.cdr[].to", .type = T::OutputFile, .doc = "File in node.state.", .fallback = "cdr.jsonl", .built = kBuilt},
    Option{.path = "management.cdr[].rotate", .type = T::ByteCount, .doc = "Size at which a new file begins.", .fallback = "100MB", .built = kBuilt, .min = 64'000, .max = 1'000'000 * kMegabyte},
    Option{.path = "management.cdr[].keep", .type = T::Duration, .doc = "How long old files are kept.", .fallback = "30d", .built = kBuilt, .min = kHour, .max = 3650 * kDay},
    Option{.path = "management.messages", .type = T::Map, .doc = "Ring of recent messages for ladders and capture.", .built = kBuilt},
    Option{.path = "management.messages.keep", .type = T::ByteCount, .doc = "Its size.", .fallback = "256MB", .built = kBuilt, .min = kMegabyte, .max = 1'000'000 * kMegabyte},
    Option{.path = "management.hep", .type = T::Map, .doc = "Copies of messages to Homer, and how good media was when a call ends.", .fallback = "none", .built = kBuilt, .whole = "none"},
    Option{.path = "management.hep.collector", .type = T::Endpoint, .doc = "Where Homer listens.", .built = kBuilt, .required = true},
    Option{.path = "management.hep.capture_id", .type = T::Integer, .doc = "Number of this node there.", .fallback = "2001", .built = kBuilt, .min = 0, .max = 4'294'967'295},
    Option{.path = "management.hep.realms", .type = T::Name, .doc = "Sides whose messages and media are told of; empty: all.", .fallback = "[]", .built = kBuilt, .many = Many::List, .refers = "realms"},
    Option{.path = "management.traces", .type = T::Uri, .doc = "OTLP/HTTP address.", .fallback = "none", .words = "none"},
};
// clang-format on

}  // namespace

std::span<const Option> operation_options() { return kRows; }

}  // namespace sallyport::mgmt
