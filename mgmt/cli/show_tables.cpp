// show_tables.cpp — draws ports and stats.
#include "mgmt/cli/show_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "mgmt/cli/drawn.h"
#include "mgmt/cli/json_member.h"
#include "mgmt/cli/text_table.h"

namespace sallyport::mgmt {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kTopReasons = 3;

// A number that names or measures one thing: no separators.
[[nodiscard]] std::string plain(const Json& value) { return value.is_null() ? "-" : value.dump(); }

// "no_listener 3, bad_ip_checksum 2": the largest first.
[[nodiscard]] std::string largest(const Json& counts, std::size_t count_max) {
  std::vector<std::pair<std::string, std::uint64_t>> sorted;
  if (counts.is_object())
    for (const auto& [name, count] : counts.items()) sorted.emplace_back(name, number_of(count));
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  std::string out;
  for (std::size_t i = 0; i < std::min(count_max, sorted.size()); ++i)
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", sorted[i].first, grouped(sorted[i].second));
  if (sorted.size() > count_max) out += fmt::format(", {} more", sorted.size() - count_max);
  return out.empty() ? "-" : out;
}

[[nodiscard]] std::string all_of(const Json& counts) { return largest(counts, static_cast<std::size_t>(-1)); }

[[nodiscard]] std::string joined(const Json& list) {
  std::string out;
  if (list.is_array())
    for (const Json& item : list) out += (out.empty() ? "" : " ") + shown(item);
  return out.empty() ? "-" : out;
}

void add_port(const Json& port, TextTable& ports, TextTable& traffic, TextTable& drops) {
  const std::string name = shown(member(port, "name")), link = shown(member(port, "link"));
  ports.add_row({{name},
                 {shown(member(port, "device"))},
                 {link, link == "up" ? Tint::Good : Tint::Bad},
                 {shown(member(port, "mac"))},
                 {plain(member(port, "mtu"))},
                 {plain(member(port, "vlan"))},
                 {joined(member(port, "addresses"))}});
  const Json &received = member(port, "received"), &sent = member(port, "sent");
  for (const char* const kind : {"signalling", "media", "exception"}) {
    const Json &in = member(received, kind), &out = member(sent, kind);
    traffic.add_row({{name},
                     {kind},
                     {shown(member(in, "packets"))},
                     {shown(member(in, "bytes"))},
                     {shown(member(out, "packets"))},
                     {shown(member(out, "bytes"))}});
  }
  const Json& dropped = member(port, "dropped");
  const Json& total = member(dropped, "total");
  drops.add_row({{name},
                 {shown(total), number_of(total) != 0 ? Tint::Warning : Tint::None},
                 {largest(member(dropped, "reasons"), kTopReasons)}});
}

[[nodiscard]] std::string draw_ports(const Json& root, bool colour) {
  TextTable ports({{"PORT"},
                   {"DEVICE"},
                   {"LINK"},
                   {"MAC"},
                   {"MTU", Align::Right},
                   {"VLAN", Align::Right},
                   {"ADDRESSES"}});
  TextTable traffic({{"PORT"},
                     {"CLASS"},
                     {"RX PACKETS", Align::Right},
                     {"RX BYTES", Align::Right},
                     {"TX PACKETS", Align::Right},
                     {"TX BYTES", Align::Right}});
  TextTable drops({{"PORT"}, {"DROPPED", Align::Right}, {"MOST OF THEM"}});
  for (const Json& port : member(root, "ports")) add_port(port, ports, traffic, drops);
  return ports.draw(colour) + '\n' + traffic.draw(colour) + '\n' + drops.draw(colour);
}

[[nodiscard]] std::string share(const Json& part, const Json& whole) {
  return fmt::format("{} of {}", shown(part), shown(whole));
}

[[nodiscard]] std::string draw_sip(const Json& root, bool colour) {
  TextTable sip({{"REALM"}, {"SIP"}, {"IN"}, {"OUT"}});
  TextTable drops({{"REALM"}, {"DROPPED"}, {"RESENT TO US", Align::Right}, {"RESENT BY US", Align::Right}});
  for (const Json& realm : member(root, "realms")) {
    const std::string name = shown(member(realm, "name"));
    for (const char* const kind : {"requests", "responses"}) {
      const Json& counts = member(realm, kind);
      sip.add_row({{name}, {kind}, {all_of(member(counts, "in"))}, {all_of(member(counts, "out"))}});
    }
    const Json &dropped = member(realm, "dropped"), &again = member(realm, "retransmissions");
    drops.add_row({{name},
                   {all_of(dropped), dropped.empty() ? Tint::None : Tint::Warning},
                   {shown(member(again, "received"))},
                   {shown(member(again, "sent"))}});
  }
  return sip.draw(colour) + '\n' + drops.draw(colour);
}

[[nodiscard]] std::string draw_media(const Json& root, bool colour) {
  TextTable traffic({{"REALM"},
                     {"MEDIA IN", Align::Right},
                     {"BYTES IN", Align::Right},
                     {"MEDIA OUT", Align::Right},
                     {"BYTES OUT", Align::Right},
                     {"PORT PAIRS"},
                     {"DROPPED"}});
  const Json& media = member(root, "media");
  for (const Json& realm : member(media, "realms")) {
    const Json &in = member(realm, "in"), &out = member(realm, "out"), &dropped = member(realm, "dropped"),
               &pairs = member(realm, "port_pairs");
    traffic.add_row({{shown(member(realm, "name"))},
                     {shown(member(in, "packets"))},
                     {shown(member(in, "bytes"))},
                     {shown(member(out, "packets"))},
                     {shown(member(out, "bytes"))},
                     {share(member(pairs, "taken"), member(pairs, "capacity"))},
                     {all_of(dropped), dropped.empty() ? Tint::None : Tint::Warning}});
  }
  return traffic.empty() ? "" : traffic.draw(colour) + '\n';
}

[[nodiscard]] std::string draw_tables(const Json& root, bool colour) {
  TextTable tables({{"TABLE"}, {"USED"}});
  for (const auto& [name, used] :
       {std::pair{"calls", "active"}, std::pair{"transactions", "active"}, std::pair{"sources", "tracked"}}) {
    const Json& one = member(root, name);
    tables.add_row({{name}, {share(member(one, used), member(one, "capacity"))}});
  }
  const Json& streams = member(member(root, "media"), "streams");
  tables.add_row(
      {{"media streams, and those in quarantine"},
       {fmt::format("{}, {}", shown(member(streams, "active")), shown(member(streams, "closing")))}});
  const Json& mbufs = member(root, "mbufs");
  tables.add_row({{"packet buffers free"}, {share(member(mbufs, "free"), member(mbufs, "total"))}});
  for (const Json& ring : member(root, "rings"))
    tables.add_row(
        {{"ring " + shown(member(ring, "name"))}, {share(member(ring, "used"), member(ring, "capacity"))}});
  TextTable lcores({{"LCORE", Align::Right}, {"CPU", Align::Right}, {"BUSY", Align::Right}});
  for (const Json& lcore : member(root, "lcores")) {
    const Json& busy = member(lcore, "busy_ratio");
    const double ratio = busy.is_number() ? busy.get<double>() : 0;
    lcores.add_row({{plain(member(lcore, "lcore"))},
                    {plain(member(lcore, "cpu"))},
                    {fmt::format("{:.1f} %", ratio * 100), ratio > 0.9 ? Tint::Bad : Tint::None}});
  }
  return tables.draw(colour) + '\n' + lcores.draw(colour);
}

[[nodiscard]] std::string draw_stats(const Json& root, bool colour) {
  const Json& hugepages = member(root, "hugepages");
  const bool has_hugepages = hugepages.is_boolean() && hugepages.get<bool>();
  return fmt::format("Sallyport {}, {}, {} hugepages\n\n", shown(member(root, "version")),
                     shown(member(root, "dpdk")), has_hugepages ? "with" : "without") +
         draw_sip(root, colour) + '\n' + draw_media(root, colour) + draw_tables(root, colour);
}

}  // namespace

Drawn ports_tables(std::string_view json, bool colour) { return draw(json, colour, &draw_ports); }
Drawn stats_tables(std::string_view json, bool colour) { return draw(json, colour, &draw_stats); }

}  // namespace sallyport::mgmt
