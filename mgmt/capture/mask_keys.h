// mask_keys.h — media keys in SDP are hidden in whatever leaves the node: RFC 4568 §9.1 (a=crypto, inline),
// RFC 8866 §5.12 (k=).
#pragma once

#include <string>

namespace sallyport::mgmt {

// Every octet of a key becomes '*': lengths stay what they were.
void mask_keys(std::string& message);

}  // namespace sallyport::mgmt
