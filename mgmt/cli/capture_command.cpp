// capture_command.cpp — asks the daemon for the next blocks five times a second.
#include "mgmt/cli/capture_command.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "mgmt/capture/base64.h"
#include "mgmt/cli/control_client.h"
#include "mgmt/cli/json_member.h"
#include "mgmt/log/log_line.h"
#include "mgmt/state/descriptor.h"

namespace sallyport::mgmt {
namespace {

using Json = nlohmann::ordered_json;

struct Blocks {
  std::string bytes;
  bool has_ended = false;
  std::uint64_t packets = 0, dropped = 0;
};

[[nodiscard]] bool write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

[[nodiscard]] std::string begin_request(const CommandLine& line) {
  const CaptureQuestion& asked = line.capture;
  ControlArguments arguments;
  if (!asked.call.empty()) arguments["call"] = asked.call;
  if (!asked.peer.empty()) arguments["peer"] = asked.peer;
  if (!asked.address.empty()) arguments["address"] = asked.address;
  if (asked.longest) arguments["for_ms"] = std::to_string(asked.longest->count());
  if (!asked.media) arguments["media"] = "none";
  return command_request("capture", arguments);
}

[[nodiscard]] Result<Blocks, ControlFailure> next_blocks(const CommandLine& line, const std::string& capture,
                                                         bool stops) {
  const auto result =
      ask_daemon(line.socket,
                 command_request("capture_next", {{"capture", capture}, {"stop", stops ? "true" : "false"}}));
  if (!result) return fail(result.error());
  const Json answer = Json::parse(*result, nullptr, false);
  auto bytes = from_base64(text_of(member(answer, "blocks"), ""));
  if (!bytes) return fail(ControlFailure{kExitInternal, "the daemon's answer can't be understood"});
  return Blocks{std::move(*bytes), is_true(member(answer, "ended")), number_of(member(answer, "packets")),
                number_of(member(answer, "dropped"))};
}

// True: told to stop. Else a fifth of a second is over.
[[nodiscard]] bool wait_for_signal(const sigset_t& stops) {
  const timespec pause{.tv_sec = 0, .tv_nsec = 200'000'000};
  return ::sigtimedwait(&stops, nullptr, &pause) > 0;
}

[[nodiscard]] int refuse(std::FILE* error, int status, const std::string& why) {
  fmt::print(error, "sallyport: {}\n", escaped(why));
  return status;
}

// Until the daemon or a signal ends it.
[[nodiscard]] int write_blocks(const CommandLine& line, const std::string& capture, int file,
                               std::FILE* error, Blocks& last) {
  sigset_t stops;
  sigemptyset(&stops);
  sigaddset(&stops, SIGINT);
  sigaddset(&stops, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &stops, nullptr);
  std::uint64_t written = 0;
  for (bool stop = false; !last.has_ended; stop = last.has_ended || wait_for_signal(stops)) {
    auto blocks = next_blocks(line, capture, stop || written >= line.capture.bytes_max);
    if (!blocks) return refuse(error, blocks.error().status, blocks.error().message);
    last = std::move(*blocks);
    if (!write_all(file, last.bytes)) {
      static_cast<void>(next_blocks(line, capture, true));
      return refuse(error, kExitCannotHave,
                    fmt::format("{} can't be written: {}", line.capture.file, std::strerror(errno)));
    }
    written += last.bytes.size();
  }
  return kExitOk;
}

}  // namespace

int capture_command(const CommandLine& line, std::FILE* out, std::FILE* error) {
  const auto begun = ask_daemon(line.socket, begin_request(line));
  if (!begun) return refuse(error, begun.error().status, begun.error().message);
  const std::string capture =
      std::to_string(number_of(member(Json::parse(*begun, nullptr, false), "capture")));
  const Descriptor file(
      ::open(line.capture.file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (file.number() < 0 || ::fchmod(file.number(), 0600) != 0) {
    const int why = errno;
    static_cast<void>(next_blocks(line, capture, true));
    return refuse(error, kExitCannotHave,
                  fmt::format("{} can't be made: {}", line.capture.file, std::strerror(why)));
  }
  Blocks last;
  const int status = write_blocks(line, capture, file.number(), error, last);
  if (status != kExitOk) return status;
  fmt::print(out, "{} packets in {}", last.packets, escaped(line.capture.file));
  if (last.dropped != 0) fmt::print(out, "; {} were too many and are left out", last.dropped);
  fmt::print(out, "\n");
  return kExitOk;
}

}  // namespace sallyport::mgmt
