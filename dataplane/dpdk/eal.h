// eal.h — DPDK's environment layer, once in a process: started with words from eal_arguments.h, ended by the
// destructor.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/data_plane.h"
#include "dataplane/dpdk/eal_arguments.h"
#include "dataplane/dpdk/eal_log.h"
#include "policy/base/result.h"

namespace sallyport::dataplane {

// CPUs, free hugepages, and a file prefix made from the node's name: the folder that a killed instance leaves
// is used again.
[[nodiscard]] EalSurroundings look_around(std::string_view node);

class Eal {
 public:
  // Before any other thread exists. The calling thread keeps the CPUs that it had.
  [[nodiscard]] static Result<std::unique_ptr<Eal>, StartError> start(const EalArguments& arguments);
  ~Eal();
  Eal(const Eal&) = delete;
  Eal& operator=(const Eal&) = delete;

  [[nodiscard]] EalLog& log() noexcept { return log_; }
  [[nodiscard]] bool hugepages() const noexcept { return hugepages_; }

 private:
  explicit Eal(const EalArguments& arguments);

  EalLog log_;
  std::vector<std::string> words_;  // EAL keeps pointers into them
  std::vector<char*> argv_;
  bool hugepages_ = false;
  bool runs_ = false;
  std::string runtime_folder_;  // EAL makes it and leaves it
};

// For a thread of ours, for as long as it handles packets: gives it a mempool cache of its own.
class ThreadRegistration {
 public:
  ThreadRegistration() noexcept;
  ~ThreadRegistration();
  ThreadRegistration(const ThreadRegistration&) = delete;
  ThreadRegistration& operator=(const ThreadRegistration&) = delete;

 private:
  bool registered_ = false;
};

}  // namespace sallyport::dataplane
