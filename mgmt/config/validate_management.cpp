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
  if (management.tokens.empty())
    checked.problems.warning(section.place("listen"), section.shown("listen"),
                             {"REST listens for other machines, and no token lets anybody use it",
                              "name a file of a token in management.tokens"});
}

}  // namespace sallyport::mgmt
