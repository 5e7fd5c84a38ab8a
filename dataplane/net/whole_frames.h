// whole_frames.h — has Linux hand up the frames of one interface as they are on a wire, never several TCP
// segments in one piece.
//
// A packet ring cuts what is larger than a frame, and the sender then sends the same piece again and again.
// The far end of a veth cable hands over up to 64 KB as one frame, until an XDP program is attached to the
// near end: the veth driver then takes segmentation offload from the far one. Ours passes everything, and
// goes with the process that holds it, however that ends. Other drivers are told to put nothing together.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/net/net_error.h"
#include "dataplane/net/unique_fd.h"

namespace sallyport::dataplane {

// An XDP program that passes every frame; nothing, and errno, when Linux does not take it. `flags`:
// BPF_F_XDP_HAS_FRAGS for frames larger than a memory page too.
[[nodiscard]] UniqueFd load_pass_program(std::uint32_t flags) noexcept;

class WholeFrames {
 public:
  // Of an interface of the calling thread's namespace, which must be up: veth begins to put segments
  // together itself when it comes up with an XDP program.
  WholeFrames(std::string interface, int ifindex);
  WholeFrames(WholeFrames&&) noexcept = default;
  WholeFrames& operator=(WholeFrames&&) noexcept = default;
  ~WholeFrames() = default;  // takes the program away; restore() also what drivers were told

  // What the operator should know when Linux can't do it (an old kernel, missing rights, somebody else's
  // program, a driver that does not let go). Sallyport works without, but TCP from a neighbour may stall.
  [[nodiscard]] std::optional<NetError> hold();
  void restore() noexcept;

 private:
  [[nodiscard]] int attach_program() noexcept;  // errno
  // Those of the features that are on.
  [[nodiscard]] std::vector<std::string> active_features(const std::vector<std::string>& names) const;
  void set_features(const std::vector<std::string>& names, bool on) noexcept;

  std::string interface_;
  int ifindex_;
  UniqueFd socket_;
  UniqueFd attachment_;
  std::vector<std::string> cleared_;
};

}  // namespace sallyport::dataplane
