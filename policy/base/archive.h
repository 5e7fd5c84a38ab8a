// archive.h — state as bytes and back, for what must live through a restart: versioned, little-endian,
// bounded.
//
// A type that can be kept offers one function for both directions, in the order of its members:
//   template <class Archive> void archive(Archive& a) { a(number_, state_, deadline_); }
// A number that stands for a name of the configuration is written as the name, see named_numbers.h.
// A point of time is written as its distance from `now`, because the clock of another boot starts anew; the
// default Timestamp{} and Timestamp::max() stay what they are. The reader trusts nothing: after the first
// thing that can't be true, good() is false, nothing more is read and nothing has been allocated that the
// bytes did not pay for.
#pragma once

#include <array>
#include <bit>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "policy/base/fixed_vector.h"
#include "policy/base/ip_address.h"
#include "policy/base/keyed_hash.h"
#include "policy/base/named_numbers.h"
#include "policy/base/time.h"

namespace sallyport {

// Grows by one when what is kept changes its form; bytes of another version are refused whole.
inline constexpr std::uint32_t kArchiveVersion = 11;
inline constexpr std::uint32_t kArchiveStringMax = 1u << 20;    // octets of one string
inline constexpr std::uint32_t kArchiveElementsMax = 1u << 20;  // of one vector

namespace archive_detail {

inline constexpr std::uint32_t kMagic = 0x31415053;  // "SPA1"
inline constexpr std::int64_t kDefaultTime = std::numeric_limits<std::int64_t>::min();
inline constexpr std::int64_t kMaxTime = std::numeric_limits<std::int64_t>::max();

template <class T>
concept Word = std::integral<T> && !std::same_as<T, bool>;

template <class T, class Archive>
concept HasArchive = requires(T& value, Archive& archive) { value.archive(archive); };

// Unsigned words in the order of their octets, least first.
template <class T>
[[nodiscard]] constexpr T little_endian(T word) noexcept {
  if constexpr (std::endian::native == std::endian::big && sizeof(T) > 1) return std::byteswap(word);
  return word;
}

}  // namespace archive_detail

class ArchiveWriter {
 public:
  static constexpr bool kReads = false;

  // Appends to `out`, which must outlive the writer, as must `names`. Without names numbers stay numbers.
  ArchiveWriter(std::string& out, Timestamp now, const NamedNumbers* names = nullptr)
      : out_(out), now_(now), names_(names) {
    put(archive_detail::kMagic);
    put(kArchiveVersion);
  }
  template <class... Values>
  void operator()(const Values&... values) {
    (put(values), ...);
  }
  [[nodiscard]] bool good() const noexcept { return true; }
  [[nodiscard]] Timestamp now() const noexcept { return now_; }

 private:
  template <archive_detail::Word T>
  void put(T value) {
    using Unsigned = std::make_unsigned_t<T>;
    const auto word = archive_detail::little_endian(static_cast<Unsigned>(value));
    out_.append(reinterpret_cast<const char*>(&word), sizeof word);
  }
  void put(bool value) { out_.push_back(value ? 1 : 0); }
  template <class T>
    requires std::is_enum_v<T>
  void put(T value) {
    if constexpr (kNamedKind<T>.has_value())
      if (names_ != nullptr) return put(names_->name_of(*kNamedKind<T>, static_cast<std::uint16_t>(value)));
    put(static_cast<std::underlying_type_t<T>>(value));
  }
  template <class Rep, class Period>
  void put(std::chrono::duration<Rep, Period> value) {
    put(value.count());
  }
  void put(Timestamp time) {
    if (time == Timestamp{}) return put(archive_detail::kDefaultTime);
    std::int64_t distance = 0;
    const bool overflow =
        __builtin_sub_overflow(time.time_since_epoch().count(), now_.time_since_epoch().count(), &distance);
    if (overflow || time == Timestamp::max()) distance = archive_detail::kMaxTime;
    put(distance);
  }
  void put(const std::string& text) {
    put(static_cast<std::uint32_t>(text.size()));
    out_.append(text);
  }
  void put(const IpAddress& address) {
    out_.append(reinterpret_cast<const char*>(address.bytes().data()), address.bytes().size());
  }
  void put(const Endpoint& endpoint) { (*this)(endpoint.address, endpoint.port); }
  void put(const Hash128& hash) { (*this)(hash.low, hash.high); }
  template <class T>
  void put(const std::vector<T>& values) {
    static_assert(!std::same_as<T, bool>, "vector<bool> has no elements to write");
    put(static_cast<std::uint32_t>(values.size()));
    for (const T& value : values) put(value);
  }
  template <class T, std::size_t kCapacity>
  void put(const FixedVector<T, kCapacity>& values) {
    put(static_cast<std::uint32_t>(values.size()));
    for (const T& value : values) put(value);
  }
  template <class T, std::size_t kSize>
  void put(const std::array<T, kSize>& values) {
    for (const T& value : values) put(value);
  }
  template <class T>
  void put(const std::optional<T>& value) {
    put(value.has_value());
    if (value) put(*value);
  }
  template <class First, class Second>
  void put(const std::pair<First, Second>& value) {
    (*this)(value.first, value.second);
  }
  template <class... Alternatives>
  void put(const std::variant<Alternatives...>& value) {
    put(static_cast<std::uint8_t>(value.index()));
    std::visit([this](const auto& alternative) { this->put(alternative); }, value);
  }
  void put(std::monostate) {}
  template <class T>
    requires std::is_class_v<T>
  void put(const T& value) {
    // One function serves both directions, so it can't be const; while writing it changes nothing.
    if constexpr (archive_detail::HasArchive<T, ArchiveWriter>)
      const_cast<T&>(value).archive(*this);
    else
      static_assert(std::is_empty_v<T>, "this type needs a member function archive()");
  }

  std::string& out_;
  Timestamp now_;
  const NamedNumbers* names_;
};

class ArchiveReader {
 public:
  static constexpr bool kReads = true;

  // `bytes` and `names` must outlive the reader. Names as the writer had them, or not.
  ArchiveReader(std::string_view bytes, Timestamp now, const NamedNumbers* names = nullptr)
      : rest_(bytes), now_(now), names_(names) {
    std::uint32_t magic = 0;
    std::uint32_t version = 0;
    (*this)(magic, version);
    if (magic != archive_detail::kMagic || version != kArchiveVersion) fail();
  }
  // What can't be read keeps the value that it had, or its default.
  template <class... Values>
  void operator()(Values&... values) {
    ((good_ ? get(values) : void()), ...);
  }
  [[nodiscard]] bool good() const noexcept { return good_; }
  // For types that find what they read impossible.
  void fail() noexcept {
    good_ = false;
    rest_ = {};
  }
  // Good, and nothing is left.
  [[nodiscard]] bool done() const noexcept { return good_ && rest_.empty(); }
  [[nodiscard]] Timestamp now() const noexcept { return now_; }
  // Octets not read yet.
  [[nodiscard]] std::size_t left() const noexcept { return rest_.size(); }

 private:
  // The next octets; empty, and good() false, when there are not so many.
  [[nodiscard]] std::string_view take(std::size_t size) noexcept {
    if (size > rest_.size()) {
      fail();
      return {};
    }
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  template <archive_detail::Word T>
  void get(T& value) {
    const std::string_view octets = take(sizeof(T));
    if (!good_) return;
    std::make_unsigned_t<T> word;
    std::memcpy(&word, octets.data(), sizeof word);
    value = static_cast<T>(archive_detail::little_endian(word));
  }
  void get(bool& value) {
    std::uint8_t octet = 0;
    get(octet);
    if (octet > 1) return fail();
    if (good_) value = octet == 1;
  }
  // Any value of the underlying type: whoever uses an enum as an index checks it.
  template <class T>
    requires std::is_enum_v<T>
  void get(T& value) {
    if constexpr (kNamedKind<T>.has_value())
      if (names_ != nullptr) {
        std::uint64_t name = 0;
        get(name);
        if (good_) value = static_cast<T>(names_->number_of(*kNamedKind<T>, name));
        return;
      }
    std::underlying_type_t<T> number{};
    get(number);
    if (good_) value = static_cast<T>(number);
  }
  template <class Rep, class Period>
  void get(std::chrono::duration<Rep, Period>& value) {
    Rep count{};
    get(count);
    if (good_) value = std::chrono::duration<Rep, Period>(count);
  }
  void get(Timestamp& time) {
    std::int64_t distance = 0;
    get(distance);
    if (!good_) return;
    if (distance == archive_detail::kDefaultTime) {
      time = Timestamp{};
    } else if (distance == archive_detail::kMaxTime) {
      time = Timestamp::max();
    } else {
      std::int64_t count = 0;
      if (__builtin_add_overflow(now_.time_since_epoch().count(), distance, &count)) return fail();
      time = Timestamp(Duration(count));
    }
  }
  void get(std::string& text) {
    const std::string_view octets = take(get_size(kArchiveStringMax));
    if (good_) text.assign(octets);
  }
  void get(IpAddress& address) {
    const std::string_view octets = take(16);
    if (good_) address = IpAddress::v6_from_wire(octets.data());
  }
  void get(Endpoint& endpoint) { (*this)(endpoint.address, endpoint.port); }
  void get(Hash128& hash) { (*this)(hash.low, hash.high); }
  template <class T>
  void get(std::vector<T>& values) {
    values.clear();
    const std::uint32_t count = get_size(kArchiveElementsMax);
    // Grows as the elements come: a count alone takes no memory.
    for (std::uint32_t i = 0; i < count && good_; ++i) {
      T value{};
      get(value);
      if (good_) values.push_back(std::move(value));
    }
  }
  template <class T, std::size_t kCapacity>
  void get(FixedVector<T, kCapacity>& values) {
    values.clear();
    const std::uint32_t count = get_size(kCapacity);
    for (std::uint32_t i = 0; i < count && good_; ++i) {
      T value{};
      get(value);
      if (good_ && !values.push_back(value)) fail();
    }
  }
  template <class T, std::size_t kSize>
  void get(std::array<T, kSize>& values) {
    for (T& value : values) (*this)(value);
  }
  template <class T>
  void get(std::optional<T>& value) {
    bool present = false;
    get(present);
    if (!good_) return;
    value.reset();
    if (!present) return;
    T inner{};
    get(inner);
    if (good_) value.emplace(std::move(inner));
  }
  template <class First, class Second>
  void get(std::pair<First, Second>& value) {
    (*this)(value.first, value.second);
  }
  template <class... Alternatives>
  void get(std::variant<Alternatives...>& value) {
    std::uint8_t index = 0;
    get(index);
    if (!good_) return;
    std::uint8_t number = 0;
    const bool known = ((number++ == index && (get(value.template emplace<Alternatives>()), true)) || ...);
    if (!known) fail();
  }
  void get(std::monostate&) {}
  template <class T>
    requires std::is_class_v<T>
  void get(T& value) {
    if constexpr (archive_detail::HasArchive<T, ArchiveReader>)
      value.archive(*this);
    else
      static_assert(std::is_empty_v<T>, "this type needs a member function archive()");
  }
  // Each octet or element takes at least one octet, but for elements that are empty.
  [[nodiscard]] std::uint32_t get_size(std::size_t max) {
    std::uint32_t size = 0;
    get(size);
    if (size > max || size > rest_.size()) fail();
    return good_ ? size : 0;
  }

  std::string_view rest_;
  Timestamp now_;
  const NamedNumbers* names_;
  bool good_ = true;
};

}  // namespace sallyport
