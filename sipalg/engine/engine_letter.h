// engine_letter.h — what one engine of a node has to say to another: the table in sipalg/README.md.
#pragma once

#include <cstdint>

namespace sallyport::sip {

// Carried as it is, in memory, from the engine that wrote it to the one that its shard belongs to
// (SipEngine::on_letter). What is in it engines alone know.
class EngineLetter {
 public:
  explicit EngineLetter(std::uint8_t to) noexcept : shard(to) {}
  EngineLetter(const EngineLetter&) = delete;
  EngineLetter& operator=(const EngineLetter&) = delete;
  virtual ~EngineLetter() = default;
  const std::uint8_t shard;
};

}  // namespace sallyport::sip
