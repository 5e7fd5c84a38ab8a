// detector_board.cpp — see detector_board.h.
#include "policy/detect/detector_board.h"

namespace sallyport::policy {

struct DetectorBoard::Tables {};

DetectorBoard::DetectorBoard(const DetectorsConfig&, std::uint32_t, const HashKey&, const EarnedTrust&)
    : tables_(std::make_unique<Tables>()) {}
DetectorBoard::~DetectorBoard() = default;
void DetectorBoard::adopt(const DetectorsConfig&) {}

}  // namespace sallyport::policy
