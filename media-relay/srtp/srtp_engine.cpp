// srtp_engine.cpp — names and choice of engines.
#include "media-relay/srtp/srtp_engine.h"

#include <array>

#include "media-relay/srtp/srtp_engines.h"

namespace sallyport::media {

std::string_view to_string(SrtpResult result) noexcept {
  static constexpr std::array<std::string_view, static_cast<std::size_t>(SrtpResult::kCount)> kNames{
      "ok",      "malformed",        "no_room",     "bad_tag",   "replayed",
      "too_old", "too_many_sources", "key_expired", "no_context"};
  return result < SrtpResult::kCount ? kNames[static_cast<std::size_t>(result)] : std::string_view{};
}

std::string_view to_string(SrtpEngineKind kind) noexcept {
  switch (kind) {
    case SrtpEngineKind::Libsrtp2:
      return "libsrtp2";
    case SrtpEngineKind::Multibuffer:
      return "multibuffer";
    case SrtpEngineKind::Evp:
      return "evp";
  }
  return {};
}

std::unique_ptr<SrtpEngine> make_srtp_engine(SrtpEngineKind kind, std::uint32_t contexts_max) {
  switch (kind) {
    case SrtpEngineKind::Libsrtp2:
      return make_libsrtp_engine(contexts_max);
    case SrtpEngineKind::Multibuffer:
      return make_multibuffer_engine(contexts_max);
    case SrtpEngineKind::Evp:
      return make_evp_engine(contexts_max);
  }
  return nullptr;
}

}  // namespace sallyport::media
