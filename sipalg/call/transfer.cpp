// transfer.cpp — what a side has said of its media, said to somebody else: RFC 3264 §5.1, §8.4.
#include "sipalg/call/transfer.h"

namespace sallyport::sip {

std::string fresh_offer(std::string_view heard) {
  std::string out;
  out.reserve(heard.size() + 16);
  bool has_stream = false;
  while (!heard.empty()) {
    const std::size_t end = heard.find('\n');
    std::string_view line = heard.substr(0, end);
    heard.remove_prefix(end == std::string_view::npos ? heard.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with("c=") && line.ends_with(" 0.0.0.0")) return {};
    if (line.starts_with("m=")) {
      const std::size_t port = line.find(' ');
      has_stream |= port != std::string_view::npos && !line.substr(port).starts_with(" 0 ");
    }
    if (line == "a=sendonly" || line == "a=recvonly" || line == "a=inactive") line = "a=sendrecv";
    out.append(line).append("\r\n");
  }
  return has_stream ? out : std::string();
}

}  // namespace sallyport::sip
