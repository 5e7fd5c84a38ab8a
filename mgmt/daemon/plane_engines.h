// plane_engines.h — the call desk's engines are those of the data plane.
#pragma once

#include "dataplane/data_plane.h"
#include "mgmt/calls/call_engines.h"

namespace sallyport::mgmt {

class PlaneEngines final : public CallEngines {
 public:
  // `plane` must outlive it. `token_key`: that of the plane's BootSecrets.
  PlaneEngines(dataplane::DataPlane& plane, const HashKey& token_key)
      : plane_(plane), token_key_(token_key) {}

  [[nodiscard]] std::size_t count() const override { return plane_.engines(); }
  [[nodiscard]] std::size_t home_of(std::string_view call_id) const override {
    return sip::shard_of_call_id(token_key_, call_id) % plane_.engines();
  }
  bool run(std::size_t engine, const Work& work) override {
    return plane_.on_engine(engine, [&work](std::size_t, sip::SipEngine& sip, Timestamp now,
                                            sip::EngineOutput& out) { work(sip.desk(), now, out); });
  }
  [[nodiscard]] std::uint64_t calls_active() const override { return plane_.snapshot().calls_active; }

 private:
  dataplane::DataPlane& plane_;
  HashKey token_key_;
};

}  // namespace sallyport::mgmt
