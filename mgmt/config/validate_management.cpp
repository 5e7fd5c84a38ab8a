// validate_management.cpp — management: what must be encrypted.
#include "mgmt/config/quoted.h"
#include "mgmt/config/validate_config.h"

namespace sallyport::mgmt {

void validate_management(const Checked& checked) {
  const ManagementConfig& management = checked.config.management;
  const Section section = checked.root.child("management");
  if (management.listen.address.is_loopback()) return;
  if (!section.has_key("tls_certificate") || section.is("tls_certificate", "none")) {
    checked.problems.error(
        section.place("listen"), section.shown("listen"),
        {in_quotes(section.text("listen")) + " is not a loopback address, and there is no tls_certificate",
         "write 127.0.0.1:8080, or name a certificate in management.tls_certificate"});
    return;
  }
  const Option* option = find_option("management.tls_certificate");
  if (option != nullptr && option->built) return;
  checked.problems
      .warning(section.place("listen"), section.shown("listen"),
               {"TLS is not built yet, and to go on without it would weaken security",
                "run refuses it; write a loopback address until it is built"})
      .weakens_security = true;
}

}  // namespace sallyport::mgmt
