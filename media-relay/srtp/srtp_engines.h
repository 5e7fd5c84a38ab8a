// srtp_engines.h — each engine by itself; make_srtp_engine() chooses. Null: not on this machine.
#pragma once

#include <cstdint>
#include <memory>

#include "media-relay/srtp/srtp_engine.h"

namespace sallyport::media {

[[nodiscard]] std::unique_ptr<SrtpEngine> make_libsrtp_engine(std::uint32_t contexts_max);
[[nodiscard]] std::unique_ptr<SrtpEngine> make_multibuffer_engine(std::uint32_t contexts_max);
[[nodiscard]] std::unique_ptr<SrtpEngine> make_evp_engine(std::uint32_t contexts_max);

}  // namespace sallyport::media
