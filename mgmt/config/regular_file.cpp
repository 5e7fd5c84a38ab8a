// regular_file.cpp — see regular_file.h.
#include "mgmt/config/regular_file.h"

#include <sys/stat.h>

namespace sallyport::mgmt {

FilePtr open_regular(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return nullptr;
  return FilePtr(std::fopen(path.c_str(), "re"));
}

}  // namespace sallyport::mgmt
