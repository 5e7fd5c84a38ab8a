// journal.cpp — frames, group commit and replacement of the journal file.
#include "mgmt/records/journal.h"

#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "mgmt/records/byte_code.h"

namespace sallyport::mgmt {
namespace {

constexpr std::size_t kFrameBytes = 8;
static_assert(std::endian::native == std::endian::little, "crc32() reads eight bytes at once");

// Polynomial of IEEE 802.3, reflected.
// Table k: what a byte does that has k bytes behind it.
using CrcTable = std::array<std::uint32_t, 256>;
constexpr std::array<CrcTable, 8> kCrcTables = [] {
  std::array<CrcTable, 8> tables{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value & 1) != 0 ? value >> 1 ^ 0xedb88320u : value >> 1;
    tables[0][i] = value;
  }
  for (std::size_t k = 1; k < tables.size(); ++k)
    for (std::size_t i = 0; i < 256; ++i)
      tables[k][i] = tables[k - 1][i] >> 8 ^ tables[0][tables[k - 1][i] & 0xff];
  return tables;
}();

// The entry at the start of `bytes`; empty when there is no intact one. Zeros are no entry: a file system may
// have given the file its length before its bytes.
[[nodiscard]] std::string_view entry_at(std::string_view bytes) {
  ByteTaker in(bytes);
  const auto length = in.take<std::uint32_t>();
  const auto checksum = in.take<std::uint32_t>();
  if (length == 0 || length > Journal::kEntryBytesMax) return {};
  const std::string_view entry = in.take_bytes(length);
  return in.is_good() && crc32(entry) == checksum ? entry : std::string_view();
}

}  // namespace

std::uint32_t crc32(std::string_view bytes) noexcept {
  std::uint32_t value = 0xffffffffu;
  const auto& t = kCrcTables;
  for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
    std::uint32_t low = 0, high = 0;  // little-endian, as the journal's numbers are
    std::memcpy(&low, bytes.data(), 4);
    std::memcpy(&high, bytes.data() + 4, 4);
    low ^= value;
    value = t[7][low & 0xff] ^ t[6][low >> 8 & 0xff] ^ t[5][low >> 16 & 0xff] ^ t[4][low >> 24] ^
            t[3][high & 0xff] ^ t[2][high >> 8 & 0xff] ^ t[1][high >> 16 & 0xff] ^ t[0][high >> 24];
  }
  for (const char byte : bytes) value = value >> 8 ^ t[0][(value ^ static_cast<unsigned char>(byte)) & 0xff];
  return ~value;
}

Journal::Journal(Disk& disk, std::string folder)
    : disk_(disk),
      folder_(std::move(folder)),
      path_(folder_ + "/journal"),
      new_path_(folder_ + "/journal.new") {}

Result<JournalReading, std::error_code> Journal::read(
    const std::function<void(std::string_view)>& on_entry) const {
  const auto tail = disk_.read_tail(path_, kFileBytesMax);
  if (!tail) return fail(tail.error());
  JournalReading out;
  out.found = !tail->bytes.empty();
  std::string_view rest = tail->bytes;
  for (std::string_view entry = entry_at(rest); !entry.empty(); entry = entry_at(rest)) {
    on_entry(entry);
    ++out.entries;
    rest.remove_prefix(kFrameBytes + entry.size());
  }
  out.bytes_dropped = rest.size();
  return out;
}

void Journal::frame(std::string& out, std::string_view entry) {
  put(out, static_cast<std::uint32_t>(entry.size()));
  put(out, crc32(entry));
  out += entry;
}

std::error_code Journal::rewrite(std::string_view framed) {
  auto opened = disk_.open(new_path_, OpenFile::Empty);
  if (!opened) return opened.error();
  std::unique_ptr<DiskFile> file = std::move(*opened);
  if (const std::error_code error = file->append(framed)) return error;
  if (const std::error_code error = file->sync()) return error;
  if (const std::error_code error = disk_.rename(new_path_, path_)) return error;
  // The old file has lost its name: from here on there is only the new one, synced or not.
  file_.reset();
  group_.clear();
  if (const std::error_code error = disk_.sync_folder(folder_)) return error;
  file_ = std::move(file);
  bytes_ = framed.size();
  return {};
}

std::error_code Journal::commit() {
  std::error_code error = is_usable() ? file_->append(group_) : std::make_error_code(std::errc::io_error);
  if (!error) error = file_->sync();
  if (error)
    file_.reset();
  else
    bytes_ += group_.size();
  group_.clear();
  return error;
}

}  // namespace sallyport::mgmt
