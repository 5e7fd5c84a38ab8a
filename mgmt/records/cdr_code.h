// cdr_code.h — a Cdr as bytes and back, for the journal. A damaged or strange record is an answer, not a
// crash.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "mgmt/records/cdr_json.h"

namespace sallyport::mgmt {

void append_encoded(std::string& text, const CdrView& cdr);
// Nothing when the bytes are no record of a version that is known here, or have something behind it.
[[nodiscard]] std::optional<Cdr> decode_cdr(std::string_view bytes);
// The same into a record whose memory is used again: nothing is left of what it was. False: it is no record.
[[nodiscard]] bool decode_cdr_into(std::string_view bytes, Cdr& out);
// Its times alone, without a look at what stands behind them.
[[nodiscard]] std::optional<CdrTimes> decode_cdr_times(std::string_view bytes);

}  // namespace sallyport::mgmt
