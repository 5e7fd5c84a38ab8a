// openapi.h — the description of the REST interface (OpenAPI 3.1), of what there is and nothing else.
#pragma once

#include <string>

namespace sallyport::mgmt {

[[nodiscard]] std::string openapi_json();

}  // namespace sallyport::mgmt
