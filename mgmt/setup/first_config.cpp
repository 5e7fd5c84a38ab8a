// first_config.cpp — see first_config.h.
#include "mgmt/setup/first_config.h"

#include <fmt/format.h>

#include <array>
#include <optional>

#include "mgmt/config/check_scalar.h"
#include "mgmt/config/schema.h"

namespace sallyport::mgmt {
namespace {

constexpr std::array kQuestions{
    SetupQuestion{"name", "Name of this node", "edge-1"},
    SetupQuestion{"outside", "Interface or device of the outside (eth1, pci:0000:3b:00.0)", ""},
    SetupQuestion{"outside-address", "Address outside and the length of its network (198.18.1.1/24)", ""},
    SetupQuestion{"outside-gateway", "Gateway outside", "none"},
    SetupQuestion{"inside", "Interface or device of the inside", ""},
    SetupQuestion{"inside-address", "Address inside and the length of its network (198.18.2.1/24)", ""},
    SetupQuestion{"inside-gateway", "Gateway inside", "none"},
    SetupQuestion{"carrier", "The carrier outside: address, address:port or domain", ""},
    SetupQuestion{"pbx", "The PBX inside: address, address:port or domain", ""},
    SetupQuestion{"phones", "Domain under which phones outside register at the PBX", "none"},
};

[[nodiscard]] std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

[[nodiscard]] Result<std::string, std::string> checked(std::string_view path, std::string said) {
  YamlNode value;
  value.text = said;
  value.quoted = true;
  if (const auto wrong = check_scalar(*find_option(path), value))
    return fail(wrong->what + "; " + wrong->instead);
  return said;
}

[[nodiscard]] Result<std::string, std::string> read_neighbour(std::string said) {
  if (const auto endpoint = parse_address_and_port(said, 5060)) return to_string(*endpoint);
  if (const auto address = parse_address(said)) return to_string(Endpoint{*address, 5060});
  if (parse_domain(said)) return said;
  return fail(
      fmt::format("'{}' is neither an address nor a domain; write one like 198.18.1.2, 198.18.1.2:5060 or "
                  "sip.example.net",
                  said));
}

[[nodiscard]] std::string target(const std::string& neighbour) {
  const bool is_address = parse_address_and_port(neighbour, 0).has_value();
  return fmt::format("targets: [{{ {}: {} }}]", is_address ? "address" : "domain", quoted(neighbour));
}

[[nodiscard]] std::string port(const SetupAnswers& answers, const std::string& side) {
  const std::string& gateway = answers.at(side + "-gateway");
  return fmt::format("  - {{ name: {}, device: {}, addresses: [{}]{} }}\n", side, quoted(answers.at(side)),
                     quoted(answers.at(side + "-address")),
                     gateway == "none" ? "" : fmt::format(", gateways: [{}]", quoted(gateway)));
}

[[nodiscard]] std::string node(const SetupAnswers& answers) {
  const auto state = answers.find("state");
  return fmt::format("node: {{ name: {}{} }}\n", quoted(answers.at("name")),
                     state == answers.end() ? "" : ", state: " + quoted(state->second));
}

}  // namespace

std::span<const SetupQuestion> setup_questions() { return kQuestions; }

Result<std::string, std::string> read_answer(const SetupQuestion& question, std::string_view said) {
  const std::string_view flag = question.flag;
  std::string text(said);
  if (text.empty()) text = question.fallback;
  if (text.empty()) return fail(std::string("an answer is needed"));
  if (text == question.fallback) return text;
  if (flag == "name") return checked("node.name", text);
  if (flag == "outside" || flag == "inside") {
    if (text.find(':') == std::string::npos && text != "discard") text = "af_packet:" + text;
    return checked("ports[].device", text);
  }
  if (flag.ends_with("-address")) return checked("ports[].addresses", text);
  if (flag.ends_with("-gateway")) return checked("ports[].gateways", text);
  if (flag == "phones") return checked("registrars[].domains", text);
  return read_neighbour(text);
}

std::string first_config(const SetupAnswers& answers) {
  const std::string& phones = answers.at("phones");
  const bool has_phones = phones != "none";
  std::string out =
      "# Made by `sallyport init`. Every key: man sallyport.yaml, or `sallyport config explain KEY`.\n"
      "# After a change: `sallyport check -c FILE`, then `sallyport reload`; calls go on.\n"
      "version: 1\n";
  out += node(answers);
  out += "ports:\n" + port(answers, "outside") + port(answers, "inside");
  out +=
      "realms:\n"
      "  - name: outside\n"
      "    port: outside\n"
      "    trust: untrusted                 # whom no peer and no registration names is a stranger\n"
      "    listen: [{ transport: udp, port: 5060 }, { transport: tcp, port: 5060 }]\n"
      "    media: { ports: 20000-29999 }\n"
      "  - name: inside\n"
      "    port: inside\n"
      "    trust: trusted\n"
      "    listen: [{ transport: udp, port: 5060 }, { transport: tcp, port: 5060 }]\n"
      "    media: { ports: 20000-29999 }\n";
  out += fmt::format(
      "peers:\n"
      "  - {{ name: carrier, realm: outside, profile: carrier, {} }}\n"
      "  - {{ name: pbx, realm: inside, profile: pbx, {} }}\n",
      target(answers.at("carrier")), target(answers.at("pbx")));
  if (has_phones)
    out += fmt::format(
        "registrars:                          # phones outside; the PBX keeps them and asks for their "
        "passwords\n"
        "  - {{ name: phones, realm: outside, mode: pass_through, upstream: pbx, domains: [{}] }}\n",
        quoted(phones));
  out += "routes:                              # the first match wins\n";
  out += "  - { name: inbound, match: { peer: [carrier] }, to: [pbx] }\n";
  if (has_phones) out += "  - { name: from-phones, match: { registrar: [phones] }, to: [pbx] }\n";
  out += has_phones ? "  # whom no phone is registered for: the next target\n"
                      "  - { name: from-pbx, match: { peer: [pbx] }, to: [{ registrar: phones }, carrier] }\n"
                    : "  - { name: outbound, match: { peer: [pbx] }, to: [carrier] }\n";
  if (const auto socket = answers.find("socket"); socket != answers.end())
    out += fmt::format("management: {{ socket: {} }}\n", quoted(socket->second));
  return out;
}

}  // namespace sallyport::mgmt
