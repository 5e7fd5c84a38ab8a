// hep_sender.h — sends copies of messages, and what became of media, to a collector (Homer) over UDP; never
// waits for it. What the kernel does not take at once is dropped and counted.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "mgmt/hep/hep_packet.h"
#include "mgmt/state/descriptor.h"
#include "policy/base/ip_address.h"
#include "policy/base/result.h"
#include "policy/model/sbc_config.h"

namespace sallyport::mgmt {

// Any thread.
class HepSender {
 public:
  // From the network namespace of this thread. The error is a sentence.
  [[nodiscard]] static Result<std::unique_ptr<HepSender>, std::string> open(const Endpoint& collector,
                                                                            HepSource source);
  HepSender(int socket, HepSource source) : socket_(socket), source_(std::move(source)) {}

  void send(const CapturedMessage& message);
  // A report for each direction that was measured.
  void send_quality(const CallRecord& end);
  [[nodiscard]] std::uint64_t sent() const noexcept { return sent_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }

 private:
  void send_packet(const std::string& packet) noexcept;

  Descriptor socket_;
  HepSource source_;
  std::atomic<std::uint64_t> sent_{0}, dropped_{0};
};

// Which messages go to the collector of that configuration, which has one.
[[nodiscard]] MessageFilter hep_filter(const SbcConfig& config);

}  // namespace sallyport::mgmt
