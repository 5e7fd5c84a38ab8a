// quiet_xdp.cpp — takes the print functions away from libraries that a driver has loaded. What goes wrong
// still comes back as the driver's error.
#include "dataplane/dpdk/quiet_xdp.h"

#include <dlfcn.h>

namespace sallyport::dataplane {
namespace {

void take_printer(const char* library, const char* setter) noexcept {
  void* loaded = dlopen(library, RTLD_NOW | RTLD_NOLOAD);
  if (loaded == nullptr) return;
  // Both are `printer (*)(printer)`, and null means silence.
  using SetPrinter = void* (*)(void*);
  if (const auto set = reinterpret_cast<SetPrinter>(dlsym(loaded, setter)); set != nullptr) set(nullptr);
  dlclose(loaded);  // the driver's own reference stays
}

}  // namespace

void quiet_xdp_libraries() noexcept {
  take_printer("libbpf.so.1", "libbpf_set_print");
  take_printer("libxdp.so.1", "libxdp_set_print");
}

}  // namespace sallyport::dataplane
