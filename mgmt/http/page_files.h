// page_files.h — the web page that comes with the program: the files of mgmt/page/, compiled in.
#pragma once

#include <span>
#include <string_view>

namespace sallyport::mgmt {

struct PageFile {
  std::string_view name;  // as in mgmt/page/
  std::string_view text;
};

[[nodiscard]] std::span<const PageFile> page_files() noexcept;

}  // namespace sallyport::mgmt
