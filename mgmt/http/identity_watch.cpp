// identity_watch.cpp — see identity_watch.h.
#include "mgmt/http/identity_watch.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace sallyport::mgmt {
namespace {

using Loaded = std::optional<Result<LoadedIdentity, std::string>>;  // nothing: no file has changed

}  // namespace

void IdentityWatch::follow(const SbcConfig& now) {
  const auto files = management_identity(now);
  if (!files || *files == identity_.files()) return;
  identity_.take_files(*files);
  looked_ = {};
}

void IdentityWatch::tick(Timestamp now) {
  if (is_looking_ || (looked_ != Timestamp{} && now - looked_ < kLook)) return;
  looked_ = now;
  look();
}

void IdentityWatch::judge() {
  const dataplane::CertificateExpiry own{identity_.files().name, identity_.loaded().not_after,
                                         identity_.files().warn_before};
  const auto others =
      places_.judged_elsewhere ? places_.judged_elsewhere() : std::vector<dataplane::CertificateExpiry>();
  if (std::ranges::find(others, own.name, &dataplane::CertificateExpiry::name) != others.end())
    return certificate_alarms_.leave();
  certificate_alarms_.judge({&own, 1}, places_.wall());
}

void IdentityWatch::look() {
  is_looking_ = true;
  const auto found = std::make_shared<Loaded>();
  aside_.run(
      [found, files = identity_.files(), loaded = identity_.loaded()] {
        if (has_changed(files, loaded)) *found = load_identity(files);
      },
      [this, found, files = identity_.files()] {
        is_looking_ = false;
        if (files != identity_.files()) return;
        if (*found) take(std::move(**found));
        judge();
      });
}

void IdentityWatch::take(Result<LoadedIdentity, std::string> loaded) {
  if (loaded) {
    identity_.take(std::move(*loaded));
    told_.clear();
    places_.log.write(LogLevel::Info, "management", "certificate_read",
                      "the certificate of REST was read again", {{"certificate", identity_.files().name}});
  } else if (std::exchange(told_, loaded.error()) != loaded.error()) {
    places_.log.write(LogLevel::Error, "management", "certificate_failed", loaded.error());
  }
}

}  // namespace sallyport::mgmt
