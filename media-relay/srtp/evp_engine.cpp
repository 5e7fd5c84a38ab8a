// evp_engine.cpp — the engine where the processor lacks AVX2.
#include "media-relay/srtp/evp_transform.h"
#include "media-relay/srtp/own_engine_impl.h"
#include "media-relay/srtp/srtp_engines.h"

namespace sallyport::media {

std::unique_ptr<SrtpEngine> make_evp_engine(std::uint32_t contexts_max) {
  auto engine = std::make_unique<OwnEngine<EvpTransform>>(SrtpEngineKind::Evp, contexts_max);
  if (!engine->good()) return nullptr;
  return engine;
}

}  // namespace sallyport::media
