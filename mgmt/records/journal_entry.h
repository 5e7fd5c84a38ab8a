// journal_entry.h — what the entries of the journal say.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mgmt/log/wall_clock.h"

namespace sallyport::mgmt {

enum class JournalEntryKind : std::uint8_t {
  Base = 1,    // begins a journal; number: the seq that the next record gets
  Open = 2,    // a call was answered, in an earlier journal, and has not ended; text: its record, encoded
  Record = 3,  // a record, written to the CDR files or not; text: encoded
  Mark = 4,    // text: a CDR file as it is configured; number: it has all records up to this seq on the disk
  Alive = 5,   // calls were up at this moment
  Ended = 6,   // a call has ended; its record waits for the relay's last figures and has no seq yet: a Record
               // follows. text: the record as it is, encoded
};

struct JournalEntry {
  JournalEntryKind kind = JournalEntryKind::Alive;
  WallTime at{};  // when it was written: the last of them is the last moment that is known
  std::uint64_t number = 0;
  std::string_view text{};  // of the bytes that were decoded
};

[[nodiscard]] std::string encode_entry(const JournalEntry& entry);
// The same at the end of `out`.
void append_entry(std::string& out, const JournalEntry& entry);
[[nodiscard]] std::optional<JournalEntry> decode_entry(std::string_view bytes);

}  // namespace sallyport::mgmt
