// management.h — what people and programs see: socket, HTTP, log, CDRs, capture, as configured.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "policy/base/ip_address.h"
#include "policy/model/units.h"

namespace sallyport {

enum class Role : std::uint8_t { Viewer, Operator, Admin };
enum class LogLevel : std::uint8_t { Error, Warning, Info, Debug };
enum class LogFormat : std::uint8_t { Json, Text };
enum class NumberMask : std::uint8_t { None, Last4, All };

struct TokenFile {
  std::string file;  // resolved path
  Role role = Role::Viewer;
};

struct LogConfig {
  LogLevel level = LogLevel::Info;
  LogFormat format = LogFormat::Json;
  std::string to = "stderr";  // stderr or a path in node.state
  NumberMask mask_numbers = NumberMask::None;
};

struct CdrSink {
  std::string to = "cdr.jsonl";  // in node.state
  ByteCount rotate{100'000'000};
  Duration keep = std::chrono::hours(24 * 30);
};

struct HepConfig {
  Endpoint collector;
  std::uint32_t capture_id = 2001;
  std::vector<std::string> realms;
};

struct ManagementConfig {
  std::string socket = "/run/sallyport/control.sock";
  Endpoint listen;              // the loader's default: 127.0.0.1:8080
  std::string tls_certificate;  // empty: none
  std::vector<TokenFile> tokens;
  std::optional<Endpoint> metrics_listen;  // nothing: same as listen
  LogConfig log;
  std::vector<CdrSink> cdr{CdrSink{}};
  ByteCount messages_keep{256'000'000};
  std::optional<HepConfig> hep;
  std::string traces;  // empty: none
};

}  // namespace sallyport
