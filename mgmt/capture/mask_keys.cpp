// mask_keys.cpp — see sipalg/trace/key_mask.h, which what is kept in memory goes through too.
#include "mgmt/capture/mask_keys.h"

#include "sipalg/trace/key_mask.h"

namespace sallyport::mgmt {

void mask_keys(std::string& message) { sip::mask_keys(message); }

}  // namespace sallyport::mgmt
