// journal.cpp — frames, group commit and replacement of the journal file.
#include "mgmt/records/journal.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "mgmt/records/byte_code.h"

namespace sallyport::mgmt {
namespace {

constexpr std::size_t kFrameBytes = 8;
static_assert(std::endian::native == std::endian::little,
              "crc32() reads eight bytes at once, end_frame() writes");

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

namespace {

// The remainder after `bytes`, of a remainder before them.
[[nodiscard]] std::uint32_t crc_by_tables(std::uint32_t value, std::string_view bytes) {
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
  return value;
}

#ifdef __x86_64__
constexpr std::size_t kFold = sizeof(__m128i);

__attribute__((target("pclmul"))) __m128i fold(__m128i bytes, __m128i next) {
  const __m128i factors = _mm_set_epi64x(0x0ccaa009e, 0x1751997d0);  // x^(128-32), x^(128+32)
  const __m128i low = _mm_clmulepi64_si128(bytes, factors, 0x00);
  const __m128i high = _mm_clmulepi64_si128(bytes, factors, 0x11);
  return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

// Sixteen bytes become sixteen that have the same remainder, added to the next: multiplied without carries by
// powers of x modulo the polynomial, reflected. Zeros in front change no remainder, so they fill up the first
// sixteen: the tables are needed for the last sixteen only. `bytes`: at least as many.
[[nodiscard]] __attribute__((target("pclmul"))) std::uint32_t crc_by_folding(std::uint32_t value,
                                                                             std::string_view bytes) {
  const auto load = [](const char* at) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at)); };
  std::array<char, 2 * kFold> begin{};
  const std::size_t first = kFold + bytes.size() % kFold;
  char* const at = begin.data() + begin.size() - first;
  std::memcpy(at, bytes.data(), first);
  std::uint32_t word = 0;
  std::memcpy(&word, at, sizeof word);
  word ^= value;
  std::memcpy(at, &word, sizeof word);
  __m128i folded = fold(load(begin.data()), load(begin.data() + kFold));
  for (bytes.remove_prefix(first); !bytes.empty(); bytes.remove_prefix(kFold))
    folded = fold(folded, load(bytes.data()));
  std::array<char, kFold> left;
  std::memcpy(left.data(), &folded, kFold);
  return crc_by_tables(0, {left.data(), left.size()});
}
#endif

}  // namespace

std::uint32_t crc32(std::string_view bytes) noexcept {
  constexpr std::uint32_t kBegin = 0xffffffffu;
#ifdef __x86_64__
  constexpr std::size_t kWorthFolding = 64;
  if (bytes.size() >= kWorthFolding && __builtin_cpu_supports("pclmul"))
    return ~crc_by_folding(kBegin, bytes);
#endif
  return ~crc_by_tables(kBegin, bytes);
}

Journal::Journal(Disk& disk, std::string folder, std::uint64_t room)
    : disk_(disk),
      folder_(std::move(folder)),
      path_(folder_ + "/journal"),
      new_path_(folder_ + "/journal.new"),
      room_(room) {}

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
  out.bytes_dropped = rest.find_last_not_of('\0') + 1;  // npos is one before 0
  return out;
}

void Journal::frame(std::string& out, std::string_view entry) {
  const std::size_t begin = begin_frame(out);
  out += entry;
  end_frame(out, begin);
}

std::size_t begin_frame(std::string& out) {
  const std::size_t begin = out.size();
  out.append(kFrameBytes, '\0');
  return begin;
}

std::string_view end_frame(std::string& out, std::size_t begin) {
  const std::string_view entry = std::string_view(out).substr(begin + kFrameBytes);
  const std::uint32_t length = static_cast<std::uint32_t>(entry.size()), checksum = crc32(entry);
  std::memcpy(out.data() + begin, &length, sizeof length);
  std::memcpy(out.data() + begin + sizeof length, &checksum, sizeof checksum);
  return entry;
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
  bytes_ = length_ = framed.size();
  has_room_ = true;
  return {};
}

// A disk that is full may still have room for the group: what was taken for zeros is given back.
std::error_code Journal::make_room() {
  if (!has_room_) return {};
  const std::uint64_t count = group_.size() + room_;
  if (file_->append_zeros(count)) {
    has_room_ = false;
    return file_->truncate(length_);
  }
  length_ += count;
  return {};
}

std::error_code Journal::write_group() {
  if (bytes_ + group_.size() > length_)
    if (const std::error_code error = make_room()) return error;
  const std::string_view group = group_;
  const std::size_t over = std::min<std::uint64_t>(group.size(), length_ - bytes_);
  if (over != 0)
    if (const std::error_code error = file_->write_at(bytes_, group.substr(0, over))) return error;
  if (over == group.size()) return {};
  length_ += group.size() - over;
  return file_->append(group.substr(over));
}

std::error_code Journal::commit() {
  std::error_code error = is_usable() ? write_group() : std::make_error_code(std::errc::io_error);
  if (!error) error = file_->sync();
  if (error)
    file_.reset();
  else
    bytes_ += group_.size();
  group_.clear();
  return error;
}

}  // namespace sallyport::mgmt
