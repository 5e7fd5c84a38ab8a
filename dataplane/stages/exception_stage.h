// exception_stage.h — gives what Linux needs (ARP, neighbour discovery, admitted ICMP and TCP) to the stream
// thread, as the frame that Linux expects: without VLAN tag, with finished checksums.
#pragma once

#include <string_view>

#include "dataplane/pipeline/burst.h"
#include "dataplane/worker/doorbell.h"
#include "dataplane/worker/mailbox.h"
#include "dataplane/worker/messages.h"
#include "policy/base/time.h"

namespace sallyport::dataplane {

class ExceptionStage {
 public:
  static constexpr std::string_view kName = "exception";

  // Both outlive the stage.
  ExceptionStage(Mailbox<ToStream>& stream, Doorbell& bell) noexcept : stream_(stream), bell_(bell) {}
  // Packets of class Exception become Consumed, or are dropped with StreamRingFull.
  void process(Timestamp now, Burst& burst) noexcept;

 private:
  Mailbox<ToStream>& stream_;
  Doorbell& bell_;
};

}  // namespace sallyport::dataplane
