// key_mask.h — media keys in a SIP message are hidden in place before it is kept or shown: RFC 4568 §9.1
// (a=crypto, inline), RFC 4566 §5.12 (k=, obsolete). The text keeps its length, so that Content-Length stays
// right.
#pragma once

#include <span>

namespace sallyport::sip {

void mask_keys(std::span<char> message) noexcept;

// Behind the end of the headers alone, where keys are: for each message that is kept.
void mask_keys_of_body(std::span<char> message) noexcept;

}  // namespace sallyport::sip
