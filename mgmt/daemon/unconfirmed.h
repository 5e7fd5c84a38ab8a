// unconfirmed.h — the mark of a configuration that runs on probation, for a restart to find.

#pragma once

#include <string>
#include <string_view>

#include "mgmt/records/disk.h"

namespace sallyport::mgmt {

inline constexpr const char* kUnconfirmedFile = "unconfirmed";  // in node.state

// The mark: a file in node.state that is there while what runs is not confirmed. It holds a line for people.
// `disk` must outlive it.
class UnconfirmedMark {
 public:
  UnconfirmedMark(Disk& disk, std::string folder) : disk_(disk), folder_(std::move(folder)) {}
  // Both wait for the disk. Empty: it is on the disk; else why it is not.
  [[nodiscard]] std::string put(std::string_view line);
  [[nodiscard]] std::string remove();
  // What an earlier run left; empty: nothing.
  [[nodiscard]] std::string read();

 private:
  [[nodiscard]] std::string path() const { return folder_ + "/" + kUnconfirmedFile; }

  Disk& disk_;
  std::string folder_;
};

}  // namespace sallyport::mgmt
