// journal_entry.cpp — entries of the journal as bytes and back.
#include "mgmt/records/journal_entry.h"

#include "mgmt/records/byte_code.h"

namespace sallyport::mgmt {

std::string encode_entry(const JournalEntry& entry) {
  std::string out;
  append_entry(out, entry);
  return out;
}

void append_entry(std::string& out, const JournalEntry& entry) {
  put(out, static_cast<std::uint8_t>(entry.kind));
  put(out, static_cast<std::int64_t>(entry.at.time_since_epoch().count()));
  put(out, entry.number);
  out += entry.text;
}

std::optional<JournalEntry> decode_entry(std::string_view bytes) {
  ByteTaker in(bytes);
  JournalEntry out;
  const auto kind = in.take<std::uint8_t>();
  if (kind < static_cast<std::uint8_t>(JournalEntryKind::Base) ||
      kind > static_cast<std::uint8_t>(JournalEntryKind::Ended))
    return std::nullopt;
  out.kind = static_cast<JournalEntryKind>(kind);
  out.at = WallTime{std::chrono::milliseconds(in.take<std::int64_t>())};
  out.number = in.take<std::uint64_t>();
  out.text = in.rest();
  if (!in.is_good()) return std::nullopt;
  return out;
}

}  // namespace sallyport::mgmt
