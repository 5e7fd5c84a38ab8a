// unconfirmed.cpp — the mark in node.state.
#include "mgmt/daemon/unconfirmed.h"

#include <fmt/format.h>

#include <algorithm>

namespace sallyport::mgmt {

std::string UnconfirmedMark::put(std::string_view line) {
  const auto refuse = [this](const std::error_code& error) {
    return fmt::format("{} can't be written: {}", path(), error.message());
  };
  auto file = disk_.open(path(), OpenFile::Empty);
  if (!file) return refuse(file.error());
  if (const auto error = (*file)->append(std::string(line) + '\n')) return refuse(error);
  if (const auto error = (*file)->sync()) return refuse(error);
  if (const auto error = disk_.sync_folder(folder_)) return refuse(error);
  return {};
}

std::string UnconfirmedMark::remove() {
  const auto error = disk_.remove(path());
  if (error && error != std::errc::no_such_file_or_directory)
    return fmt::format("{} can't be removed: {}", path(), error.message());
  if (const auto failed = disk_.sync_folder(folder_))
    return fmt::format("{} can't be removed for good: {}", path(), failed.message());
  return {};
}

// An empty one is a mark, too: the power went before its line was there.
std::string UnconfirmedMark::read() {
  constexpr std::uint64_t kBytesMax = 1000;
  const auto names = disk_.list(folder_);
  if (!names || std::find(names->begin(), names->end(), kUnconfirmedFile) == names->end()) return {};
  const auto tail = disk_.read_tail(path(), kBytesMax);
  std::string line = tail ? tail->bytes.substr(0, tail->bytes.find('\n')) : std::string();
  return line.empty() ? "a configuration was not confirmed" : line;
}

}  // namespace sallyport::mgmt
