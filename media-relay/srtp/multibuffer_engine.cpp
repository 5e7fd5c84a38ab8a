// multibuffer_engine.cpp — the fast engine, and whether this processor can.
#include "media-relay/srtp/multibuffer_transform.h"
#include "media-relay/srtp/own_engine_impl.h"
#include "media-relay/srtp/srtp_engines.h"

namespace sallyport::media {

MultibufferPtr make_multibuffer() noexcept {
  MultibufferPtr library(alloc_mb_mgr(0));
  if (library == nullptr || (library->features & IMB_FEATURE_AVX2) == 0) return nullptr;
  IMB_ARCH arch = IMB_ARCH_NONE;
  init_mb_mgr_auto(library.get(), &arch);
  if (imb_get_errno(library.get()) != 0 || arch < IMB_ARCH_AVX2) return nullptr;
  return library;
}

bool has_multibuffer() noexcept { return make_multibuffer() != nullptr; }

std::unique_ptr<SrtpEngine> make_multibuffer_engine(std::uint32_t contexts_max) {
  auto engine = std::make_unique<OwnEngine<MultibufferTransform>>(SrtpEngineKind::Multibuffer, contexts_max);
  if (!engine->good()) return nullptr;
  return engine;
}

}  // namespace sallyport::media
