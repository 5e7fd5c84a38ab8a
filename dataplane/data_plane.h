// data_plane.h — the door of dataplane/: starts ports, lcores, shards and the stream thread from a
// configuration, stops them, and shows what they counted. mgmt/ includes only this header of the folder.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/data_plane_snapshot.h"
#include "policy/base/keyed_hash.h"
#include "policy/base/result.h"
#include "policy/model/sbc_config.h"

namespace sallyport::dataplane {

// Why a device, port or namespace can't be had: one clear sentence that names the port and the way out.
struct StartError {
  std::string message;
};

// Random at each start.
struct BootSecrets {
  HashKey tables;  // hash tables of the fast path
  HashKey tokens;  // tags and branches
};

class DataPlane {
 public:
  // Must be called from main before any other thread exists (EAL). The configuration must outlive the
  // result. On error everything that was made (namespaces, taps, XDP programs) has been removed again.
  [[nodiscard]] static Result<std::unique_ptr<DataPlane>, StartError> start(const SbcConfig& config,
                                                                            const BootSecrets& secrets);
  virtual ~DataPlane() = default;  // stops

  // Ends all threads, closes devices, removes namespaces and XDP programs. Idempotent.
  virtual void stop() = 0;
  // Any thread. Sums what the lcores and shards counted; they are not disturbed.
  [[nodiscard]] virtual DataPlaneSnapshot snapshot() const = 0;
  // From now on the lines that libraries below print (DPDK) go to `listener`, without line feeds, on
  // whichever thread printed them, instead of stderr. Once, right after start; it must not wait.
  virtual void listen_to_library(std::function<void(std::string_view line)> listener) {
    static_cast<void>(listener);
  }
};

}  // namespace sallyport::dataplane
