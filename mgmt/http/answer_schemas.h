// answer_schemas.h — the schemas of what REST takes and answers, by name. JSON Schema 2020-12, OpenAPI 3.1.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace sallyport::mgmt {

[[nodiscard]] nlohmann::ordered_json answer_schemas();

}  // namespace sallyport::mgmt
