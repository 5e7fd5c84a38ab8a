// page_paths.h — the web page over HTTP: GET / and GET /page/{file}. WHATWG HTML, W3C CSP Level 3.
#pragma once

#include "mgmt/http/router.h"

namespace sallyport::mgmt {

// The files say nothing of the node, so anybody may have them; what they show is asked of /api/v1 with a
// token.
void add_page_paths(Router& router);

}  // namespace sallyport::mgmt
