// program.h — a fuzzer's input as a small program of steps, and what must hold while it runs.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <source_location>
#include <span>

namespace sallyport::test {

// Ends the run, and says which line wanted it.
inline void require(bool holds, std::source_location where = std::source_location::current()) {
  if (holds) return;
  std::fprintf(stderr, "broken: what line %u requires\n", static_cast<unsigned>(where.line()));
  std::abort();
}

// Octets of the input; zeros behind its end.
class Program {
 public:
  Program(const std::uint8_t* bytes, std::size_t size) : rest_(bytes, size) {}
  [[nodiscard]] bool is_over() const { return rest_.empty(); }
  [[nodiscard]] std::uint8_t octet() {
    if (rest_.empty()) return 0;
    const std::uint8_t value = rest_.front();
    rest_ = rest_.subspan(1);
    return value;
  }
  [[nodiscard]] std::uint16_t word() {
    const unsigned high = octet();
    return static_cast<std::uint16_t>(high << 8 | octet());
  }
  // At most so many: no zeros behind the end.
  [[nodiscard]] std::span<const std::uint8_t> octets(std::size_t count) {
    const auto taken = rest_.first(std::min(count, rest_.size()));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }

 private:
  std::span<const std::uint8_t> rest_;
};

}  // namespace sallyport::test
