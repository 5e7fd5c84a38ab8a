// hep_sender.h — sends copies of messages to a collector (Homer) over UDP; never waits for it. What the
// kernel does not take at once is dropped and counted.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "mgmt/hep/hep_packet.h"
#include "mgmt/state/descriptor.h"
#include "policy/base/ip_address.h"
#include "policy/base/result.h"

namespace sallyport::mgmt {

class HepSender {
 public:
  // From the network namespace of this thread. The error is a sentence.
  [[nodiscard]] static Result<std::unique_ptr<HepSender>, std::string> open(const Endpoint& collector,
                                                                            HepSource source);
  HepSender(int socket, HepSource source) : socket_(socket), source_(std::move(source)) {}

  void send(const CapturedMessage& message, Duration utc);
  [[nodiscard]] std::uint64_t sent() const noexcept { return sent_; }
  [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_; }

 private:
  Descriptor socket_;
  HepSource source_;
  std::uint64_t sent_ = 0, dropped_ = 0;
};

}  // namespace sallyport::mgmt
