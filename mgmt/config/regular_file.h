// regular_file.h — files that a configuration names, opened to be read.
#pragma once

#include <cstdio>
#include <memory>
#include <string>

namespace sallyport::mgmt {

struct FileCloser {
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};
using FilePtr = std::unique_ptr<std::FILE, FileCloser>;

// Null for what can't be read, and for what is no regular file: reading a pipe could wait for ever.
[[nodiscard]] FilePtr open_regular(const std::string& path);

}  // namespace sallyport::mgmt
