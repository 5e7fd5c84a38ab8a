// signature_scanner.h — one thread's way to ask what the signatures say of a message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "policy/base/ip_address.h"
#include "policy/base/keyed_hash.h"
#include "policy/base/shared_value.h"
#include "policy/base/time.h"
#include "policy/model/transport.h"
#include "policy/signatures/buffer_checker.h"
#include "policy/signatures/signature_set.h"

namespace sallyport::policy {

// One part of a message. A header field that stands there several times gives several.
struct SipText {
  SipBuffer buffer = SipBuffer::Message;
  std::string_view text;
};

// What is looked at; good for the call only.
struct ScannedMessage {
  Endpoint source, destination;
  Transport transport = Transport::Udp;
  bool is_stranger = true;  // its source is neither trusted nor known
  bool is_request = true;
  std::string_view bytes;   // all of it
  std::string_view callee;  // of a request: who is called
  std::span<const SipText> texts;
};

struct SignatureVerdict {
  const SignatureRule* rule = nullptr;  // the one that decides; null: none. Good until adopt()
  SignatureAction action = SignatureAction::Alert;
  bool is_told = false;  // an operator should hear of it; false: a threshold keeps it quiet
};

class SignatureScanner {
 public:
  // `key`: the same for all scanners that share a set.
  explicit SignatureScanner(const HashKey& key) noexcept : key_(key) {}
  // Null: nothing is looked at from now on. Allocates; not for each message.
  void adopt(SharedValue<SignatureSet> set);
  [[nodiscard]] const SharedValue<SignatureSet>& set() const noexcept { return set_; }
  [[nodiscard]] bool looks_at(bool is_stranger) const noexcept {
    return set_ != nullptr && set_->looks_at(is_stranger);
  }
  // Of several rules the one with the strongest action decides; each counts for itself.
  [[nodiscard]] SignatureVerdict scan(Timestamp now, const ScannedMessage& message);

 private:
  void find_candidates(const ScannedMessage& message);
  void look_at(std::size_t rule, Timestamp now, const ScannedMessage& message, SignatureVerdict& verdict);
  [[nodiscard]] bool holds(const BufferCheck& check, const ScannedMessage& message);
  enum class Crossed : std::uint8_t { No, Quietly, Told };
  [[nodiscard]] Crossed crosses(const Signature& signature, Timestamp now,
                                const ScannedMessage& message) const;

  HashKey key_;
  SharedValue<SignatureSet> set_;
  PatternScratch scratch_;
  BufferChecker checker_;
  std::vector<std::uint32_t> found_;       // by the filters
  std::vector<std::uint32_t> candidates_;  // rules to be looked at closer
};

}  // namespace sallyport::policy
