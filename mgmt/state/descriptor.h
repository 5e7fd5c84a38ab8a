// descriptor.h — a file or socket that is closed when its owner goes.
#pragma once

#include <unistd.h>

#include <utility>

namespace sallyport::mgmt {

class Descriptor {
 public:
  // Below 0: none.
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int number() const { return number_; }
  [[nodiscard]] int release() { return std::exchange(number_, -1); }

 private:
  int number_;
};

}  // namespace sallyport::mgmt
