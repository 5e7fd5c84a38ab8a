// clean_evidence.cpp — see clean_evidence.h.
#include "mgmt/detections/clean_evidence.h"

#include "mgmt/log/log_line.h"
#include "mgmt/log/mask_numbers.h"

namespace sallyport::mgmt {

std::string clean_evidence(std::string_view evidence, NumberMask mask, std::size_t bytes_max) {
  // A number that the limit would cut in two is masked first, as its stump might pass for none.
  constexpr std::size_t kLookedAtMax = 2048;
  std::string out = escaped(mask_text(evidence.substr(0, kLookedAtMax), mask));
  if (out.size() <= bytes_max) return out;
  std::size_t end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(out[end]) & 0xc0) == 0x80) --end;
  out.resize(end);
  return out;
}

}  // namespace sallyport::mgmt
