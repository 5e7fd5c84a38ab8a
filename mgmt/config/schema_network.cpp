// schema_network.cpp — table of keys, part one: version, node, dns, dataplane, ports, tls, realms.
#include <array>

#include "mgmt/config/schema_table.h"

namespace sallyport::mgmt {
namespace {

using T = OptionType;
constexpr bool kBuilt = true;
constexpr std::int64_t kHour = 3'600'000, kDay = 24 * kHour;  // in the milliseconds of ranges

// clang-format off
constexpr std::array kRows{
    Option{.path = "version", .type = T::Integer, .doc = "Schema of this file.", .built = kBuilt, .required = true, .min = 1, .max = 1},
    Option{.path = "include", .type = T::Glob, .doc = "Further files, beside this one; their lists are joined in order.", .fallback = "[]", .built = kBuilt, .many = Many::OneOrList},

    Option{.path = "node", .type = T::Map, .doc = "This instance.", .built = kBuilt, .required = true},
    Option{.path = "node.name", .type = T::NodeName, .doc = "Name of this instance; part of its namespaces' names.", .built = kBuilt, .required = true},
    Option{.path = "node.state", .type = T::AbsolutePath, .doc = "Folder for registrations, blocks, CDR spool and token keys.", .fallback = "/var/lib/sallyport", .built = kBuilt},

    Option{.path = "dns", .type = T::Map, .doc = "How names are resolved.", .built = kBuilt},
    Option{.path = "dns.servers", .type = T::Endpoint, .doc = "Resolvers; auto: those of the system.", .fallback = "auto", .built = kBuilt, .many = Many::OneOrList, .whole = "auto"},
    Option{.path = "dns.via", .type = T::Name, .doc = "The management side (host) or a port.", .fallback = "host", .built = kBuilt, .words = "host", .refers = "ports"},
    Option{.path = "dns.timeout", .type = T::Duration, .doc = "Longest wait for an answer.", .fallback = "2s", .built = kBuilt, .min = 100, .max = 60'000},
    Option{.path = "dns.serve_stale", .type = T::Duration, .doc = "How long an expired answer still serves when no resolver answers.", .fallback = "1h", .built = kBuilt, .min = 0, .max = 7 * kDay},

    Option{.path = "dataplane", .type = T::Map, .doc = "Threads and memory.", .built = kBuilt},
    Option{.path = "dataplane.lcores", .type = T::Lcores, .doc = "Polling threads: auto, a number, or CPU ids.", .fallback = "auto", .built = kBuilt, .words = "auto"},
    Option{.path = "dataplane.signalling_threads", .type = T::Integer, .doc = "Threads over which the 256 shards are spread.", .fallback = "auto", .built = kBuilt, .words = "auto", .min = 1, .max = 256},
    Option{.path = "dataplane.idle", .type = T::Word, .doc = "adaptive sleeps when there is nothing to do; poll never sleeps.", .fallback = "adaptive", .built = kBuilt, .words = "adaptive|poll"},
    Option{.path = "dataplane.processor_sleep", .type = T::Word, .doc = "shallow: from 2,000 packets of media a second on, idle processors wait without halting: media waits less, the machine takes more power; deep: they halt.", .fallback = "shallow", .built = kBuilt, .words = "shallow|deep"},
    Option{.path = "dataplane.hugepages", .type = T::Word, .doc = "auto uses hugepages where there are some.", .fallback = "auto", .built = kBuilt, .words = "auto|never"},
    Option{.path = "dataplane.srtp_engine", .type = T::Word, .doc = "Which code encrypts media.", .fallback = "auto", .built = kBuilt, .words = "auto|libsrtp2|multibuffer"},
    Option{.path = "dataplane.capacity", .type = T::Map, .doc = "Room, fixed at start; check prints the memory needed.", .built = kBuilt},
    Option{.path = "dataplane.capacity.calls", .type = T::Integer, .doc = "Concurrent calls.", .fallback = "10000", .built = kBuilt, .min = 1, .max = 1'000'000},
    Option{.path = "dataplane.capacity.transactions", .type = T::Integer, .doc = "Concurrent SIP transactions.", .fallback = "50000", .built = kBuilt, .min = 256, .max = 10'000'000},
    Option{.path = "dataplane.capacity.registrations", .type = T::Integer, .doc = "Registered contacts.", .fallback = "100000", .built = kBuilt, .min = 0, .max = 10'000'000},
    Option{.path = "dataplane.capacity.sources", .type = T::Integer, .doc = "Source addresses whose rates are counted.", .fallback = "1000000", .built = kBuilt, .min = 1024, .max = 100'000'000},
    Option{.path = "dataplane.capacity.blocked", .type = T::Integer, .doc = "Blocked prefixes.", .fallback = "250000", .built = kBuilt, .min = 0, .max = 10'000'000},
    Option{.path = "dataplane.capacity.connections", .type = T::Integer, .doc = "TCP and TLS connections.", .fallback = "20000", .built = kBuilt, .min = 0, .max = 1'000'000},

    Option{.path = "ports", .type = T::Maps, .doc = "Attachments to networks: device, VLAN and addresses.", .built = kBuilt, .required = true, .min = 1, .max = 256},
    Option{.path = "ports[].name", .type = T::PortName, .doc = "Name of the port; part of its namespace's name.", .built = kBuilt, .required = true},
    Option{.path = "ports[].device", .type = T::Device, .doc = "pci, af_xdp, af_packet, memif, pcap, ring or discard.", .built = kBuilt, .required = true},
    Option{.path = "ports[].vlan", .type = T::Integer, .doc = "IEEE 802.1Q VLAN; ports of different VLANs may share a device.", .fallback = "none", .built = kBuilt, .words = "none", .min = 1, .max = 4094},
    Option{.path = "ports[].mtu", .type = T::Integer, .doc = "Largest IP packet sent.", .fallback = "1500", .built = kBuilt, .min = 1280, .max = 9000},
    Option{.path = "ports[].checksums", .type = T::Word, .doc = "verify drops wrong ones; complete finishes half-done ones; auto: verify on PCI, else complete.", .fallback = "auto", .built = kBuilt, .words = "auto|verify|complete"},
    Option{.path = "ports[].addresses", .type = T::InterfaceAddress, .doc = "The port's own addresses with the lengths of their networks.", .built = kBuilt, .required = true, .many = Many::List, .min = 1},
    Option{.path = "ports[].gateways", .type = T::Address, .doc = "Default routes of this port alone, at most one a family.", .fallback = "[]", .built = kBuilt, .many = Many::List},
    Option{.path = "ports[].linux", .type = T::Map, .doc = "What Linux may use here besides ARP, ND and SIP over TCP.", .built = kBuilt},
    Option{.path = "ports[].linux.ping", .type = T::Rate, .doc = "Echo requests that Linux answers.", .fallback = "10/s", .built = kBuilt, .min = 0, .max = 1'000'000},
    Option{.path = "ports[].linux.services", .type = T::LinuxService, .doc = "Further services of the port's namespace.", .fallback = "[]", .built = kBuilt, .many = Many::List},

    Option{.path = "tls", .type = T::Map, .doc = "Certificates and whom to trust.", .built = kBuilt},
    Option{.path = "tls.minimum_version", .type = T::Word, .doc = "Oldest TLS version spoken.", .fallback = "\"1.2\"", .built = kBuilt, .words = "1.2|1.3"},
    Option{.path = "tls.certificates", .type = T::Maps, .doc = "Own certificates; re-read when they change.", .fallback = "[]", .built = kBuilt},
    Option{.path = "tls.certificates[].name", .type = T::Name, .doc = "Name of the certificate.", .built = kBuilt, .required = true},
    Option{.path = "tls.certificates[].certificate", .type = T::InputFile, .doc = "PEM file; chains allowed.", .built = kBuilt, .required = true},
    Option{.path = "tls.certificates[].key", .type = T::SecretFile, .doc = "PEM file of the private key.", .built = kBuilt, .required = true},
    Option{.path = "tls.certificates[].warn_before", .type = T::Duration, .doc = "How long before expiry an alarm is raised.", .fallback = "21d", .built = kBuilt, .min = 0, .max = 3650 * kDay},
    Option{.path = "tls.authorities", .type = T::Maps, .doc = "Authorities, named, so that each peer can trust its own.", .fallback = "[]", .built = kBuilt},
    Option{.path = "tls.authorities[].name", .type = T::Name, .doc = "Name of the authority.", .built = kBuilt, .required = true},
    Option{.path = "tls.authorities[].files", .type = T::InputFile, .doc = "PEM files of its certificates.", .built = kBuilt, .required = true, .many = Many::List, .min = 1},

    Option{.path = "realms", .type = T::Maps, .doc = "Sides of the border: listeners, media range, trust.", .built = kBuilt, .required = true, .min = 1, .max = 1000},
    Option{.path = "realms[].name", .type = T::Name, .doc = "Name of the realm.", .built = kBuilt, .required = true},
    Option{.path = "realms[].port", .type = T::Name, .doc = "The port it lives on.", .built = kBuilt, .required = true, .refers = "ports"},
    Option{.path = "realms[].trust", .type = T::Word, .doc = "Class of a source that no peer, registration or access rule names.", .fallback = "untrusted", .built = kBuilt, .words = "untrusted|trusted"},
    Option{.path = "realms[].listen", .type = T::Maps, .doc = "Where SIP is listened for.", .built = kBuilt, .required = true, .min = 1, .max = 64},
    Option{.path = "realms[].listen[].transport", .type = T::Word, .doc = "Transport of the listener.", .built = kBuilt, .required = true, .words = "udp|tcp|tls"},
    Option{.path = "realms[].listen[].port", .type = T::Integer, .doc = "Port number; 5060, with TLS 5061, when left out.", .built = kBuilt, .min = 1, .max = 65535},
    Option{.path = "realms[].listen[].address", .type = T::Address, .doc = "One of the port's addresses; all of them when left out.", .built = kBuilt, .many = Many::OneOrList},
    Option{.path = "realms[].listen[].certificate", .type = T::Name, .doc = "With TLS: the certificate shown.", .built = kBuilt, .refers = "tls.certificates"},
    Option{.path = "realms[].listen[].client_certificate", .type = T::Word, .doc = "With TLS: whether a client must show one.", .fallback = "optional", .built = kBuilt, .words = "none|optional|required", .weakens = "required"},
    Option{.path = "realms[].advertise", .type = T::Map, .doc = "What neighbours are told in place of the port's addresses.", .built = kBuilt},
    Option{.path = "realms[].advertise.ipv4", .type = T::Address, .doc = "Public address behind 1:1 NAT.", .fallback = "own", .built = kBuilt, .words = "own"},
    Option{.path = "realms[].advertise.ipv6", .type = T::Address, .doc = "Public address behind 1:1 NAT.", .fallback = "own", .built = kBuilt, .words = "own"},
    Option{.path = "realms[].advertise.domain", .type = T::DomainName, .doc = "Host in Contact, From and To in place of an address.", .fallback = "none", .built = kBuilt, .words = "none"},
    Option{.path = "realms[].media", .type = T::Map, .doc = "Where media is sent and received.", .built = kBuilt},
    Option{.path = "realms[].media.addresses", .type = T::Address, .doc = "Which of the port's addresses.", .fallback = "all", .built = kBuilt, .many = Many::OneOrList, .whole = "all"},
    Option{.path = "realms[].media.ports", .type = T::PortRange, .doc = "Even ports carry RTP, the odd ones above them RTCP.", .fallback = "20000-29999", .built = kBuilt},
    Option{.path = "realms[].media.dscp", .type = T::Dscp, .doc = "DSCP of media packets.", .fallback = "EF", .built = kBuilt},
    Option{.path = "realms[].media.quarantine", .type = T::Duration, .doc = "How long a freed port is not used again; at least 3s, in which what still comes is counted.", .fallback = "10s", .built = kBuilt, .min = 0, .max = kHour},
    Option{.path = "realms[].signalling_dscp", .type = T::Dscp, .doc = "DSCP of SIP packets.", .fallback = "CS3", .built = kBuilt},
    Option{.path = "realms[].nat", .type = T::Word, .doc = "auto answers to the source when it differs from Via or Contact.", .fallback = "auto", .built = kBuilt, .words = "auto|never"},
    Option{.path = "realms[].limits", .type = T::Map, .doc = "Limits of the realm as a whole.", .built = kBuilt},
    Option{.path = "realms[].limits.calls", .type = T::Integer, .doc = "Concurrent calls.", .fallback = "10000", .built = kBuilt, .min = 0, .max = 1'000'000},
    Option{.path = "realms[].limits.rate", .type = T::Rate, .doc = "New calls.", .fallback = "500/s", .built = kBuilt, .min = 0, .max = 1'000'000},
    Option{.path = "realms[].limits.media", .type = T::BitRate, .doc = "Sum of all media.", .fallback = "1Gbit", .built = kBuilt, .min = 64'000, .max = 1'000'000'000'000},
};
// clang-format on

}  // namespace

std::span<const Option> network_options() { return kRows; }

}  // namespace sallyport::mgmt
