// media_record.h — what the relay counted, as a call's record keeps it (contract: media[] of a CDR).
#pragma once

#include "media-relay/control/media_notice.h"
#include "policy/record/call_record.h"

namespace sallyport::media {

// `report` is of the side that the record's direction comes from.
inline void fill_in(MediaRecord& record, const SideReport& report) {
  record.is_measured = true;
  record.packets = report.packets;
  record.bytes = report.bytes;
  record.lost = report.lost;
  record.after_bye_packets = report.after_close_packets;
  record.jitter_us = report.jitter_us;
  record.round_trip_us = report.round_trip_us;
  record.mos_times_100 = report.mos_times_100;
  if (report.remote.port != 0) record.remote = report.remote;
}

}  // namespace sallyport::media
