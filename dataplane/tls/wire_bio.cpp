// wire_bio.cpp — a BIO of our own: memory BIOs keep the most that they ever held.
#include "dataplane/tls/wire_bio.h"

#include <algorithm>
#include <utility>

namespace sallyport::dataplane {
namespace {

WireBuffers& buffers_of(BIO* bio) noexcept { return *static_cast<WireBuffers*>(BIO_get_data(bio)); }

int read_wire(BIO* bio, char* into, std::size_t room, std::size_t* got) {
  BIO_clear_retry_flags(bio);
  *got = buffers_of(bio).take_in({reinterpret_cast<std::uint8_t*>(into), room});
  if (*got != 0) return 1;
  BIO_set_retry_read(bio);
  return 0;
}

int write_wire(BIO* bio, const char* octets, std::size_t size, std::size_t* written) {
  BIO_clear_retry_flags(bio);
  *written = 0;
  if (!buffers_of(bio).put_out({reinterpret_cast<const std::uint8_t*>(octets), size})) return 0;
  *written = size;
  return 1;
}

long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

const BIO_METHOD* wire_method() noexcept {
  static const OpensslPtr<BIO_METHOD> method = [] {
    OpensslPtr<BIO_METHOD> made(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "wire"));
    if (made) {
      BIO_meth_set_read_ex(made.get(), read_wire);
      BIO_meth_set_write_ex(made.get(), write_wire);
      BIO_meth_set_ctrl(made.get(), control);
    }
    return made;
  }();
  return method.get();
}

}  // namespace

std::size_t WireBuffers::take_in(std::span<std::uint8_t> into) noexcept {
  const std::size_t size = std::min(into.size(), in_size());
  std::copy_n(in_.begin() + static_cast<std::ptrdiff_t>(in_taken_), size, into.begin());
  in_taken_ += size;
  return size;
}

bool WireBuffers::put_out(std::span<const std::uint8_t> octets) {
  if (out().size() + octets.size() > kOutMax) return false;
  if (out_written_ != 0) {
    out_.erase(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(out_written_));
    out_written_ = 0;
  }
  out_.insert(out_.end(), octets.begin(), octets.end());
  return true;
}

void WireBuffers::written(std::size_t octets) noexcept {
  out_written_ += std::min(octets, out().size());
  if (out_written_ != out_.size()) return;
  std::vector<std::uint8_t>().swap(out_);
  out_written_ = 0;
}

void WireBuffers::compact() {
  if (in_taken_ == 0) return;
  if (in_taken_ == in_.size())
    std::vector<std::uint8_t>().swap(in_);
  else
    in_.erase(in_.begin(), in_.begin() + static_cast<std::ptrdiff_t>(in_taken_));
  in_taken_ = 0;
}

BioPtr make_wire_bio(WireBuffers& buffers) noexcept {
  const BIO_METHOD* method = wire_method();
  BioPtr bio(method == nullptr ? nullptr : BIO_new(method));
  if (!bio) return bio;
  BIO_set_data(bio.get(), &buffers);
  BIO_set_init(bio.get(), 1);
  return bio;
}

}  // namespace sallyport::dataplane
