// key_source.cpp — HMAC-SHA-512 as a generator with erasure: NIST SP 800-90A §10.1.2 in short.
#include "sipalg/media/key_source.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <cstring>

#include "policy/base/check.h"

namespace sallyport::sip {
namespace {

constexpr std::uint8_t kNextState = 0, kKey = 1;
static_assert(media::kSrtpKeyBytesMax + media::kSrtpSaltBytesMax <= 64, "a key with its salt is one block");

}  // namespace

KeySource::KeySource(const KeySeed& seed, std::uint64_t user) noexcept {
  std::copy(seed.octets.begin(), seed.octets.end(), state_.begin());
  std::memcpy(state_.data() + seed.octets.size(), &user, sizeof user);
  Block next;
  derive(kNextState, next);
  state_ = next;
  media::wipe_octets(next.data(), next.size());
}

KeySource::~KeySource() { media::wipe_octets(state_.data(), state_.size()); }

void KeySource::derive(std::uint8_t purpose, Block& to) noexcept {
  unsigned size = 0;
  const bool is_done = HMAC(EVP_sha512(), state_.data(), static_cast<int>(state_.size()), &purpose, 1,
                            to.data(), &size) != nullptr;
  // Without it there would be keys that anybody knows.
  SALLYPORT_CHECK(is_done && size == to.size());
}

media::WipedSrtpKey KeySource::make(SrtpSuite suite) noexcept {
  Block block;
  derive(kKey, block);
  const media::SrtpSuiteFacts facts = media::facts_of(suite);
  media::WipedSrtpKey key;
  key->suite = suite;
  std::copy_n(block.begin(), facts.key_bytes, key->key.begin());
  std::copy_n(block.begin() + facts.key_bytes, facts.salt_bytes, key->salt.begin());
  derive(kNextState, block);
  state_ = block;
  media::wipe_octets(block.data(), block.size());
  return key;
}

}  // namespace sallyport::sip
