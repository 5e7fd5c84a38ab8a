// result.h — a value or the reason why there is none; how every fallible function of the core answers.
#pragma once

#include <expected>

namespace sallyport {

template <class T, class E>
using Result = std::expected<T, E>;

template <class E>
[[nodiscard]] constexpr std::unexpected<std::decay_t<E>> fail(E&& error) {
  return std::unexpected<std::decay_t<E>>(std::forward<E>(error));
}

}  // namespace sallyport
