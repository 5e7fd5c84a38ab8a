// pattern_database.cpp — see pattern_database.h.
#include "policy/signatures/pattern_database.h"

#include <hs.h>

#include <array>

#include "policy/base/check.h"

namespace sallyport::policy {
namespace {

[[nodiscard]] unsigned flags_of(const ScannedPattern& pattern) noexcept {
  return HS_FLAG_SINGLEMATCH | (pattern.is_caseless ? HS_FLAG_CASELESS : 0u) |
         (pattern.dot_is_all ? HS_FLAG_DOTALL : 0u) | (pattern.is_multi_line ? HS_FLAG_MULTILINE : 0u);
}

int add_id(unsigned id, unsigned long long, unsigned long long, unsigned, void* ids) {
  static_cast<std::vector<std::uint32_t>*>(ids)->push_back(id);
  return 0;
}

int stop_at_first(unsigned, unsigned long long, unsigned long long, unsigned, void* found) {
  *static_cast<bool*>(found) = true;
  return 1;
}

[[nodiscard]] unsigned length_of(std::string_view text) noexcept {
  return static_cast<unsigned>(text.size() & 0xffff'ffffu);
}

}  // namespace

std::string expression_of(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 4);
  for (const char c : bytes) {
    const auto octet = static_cast<unsigned char>(c);
    out += "\\x";
    out += kDigits[octet >> 4];
    out += kDigits[octet & 15];
  }
  return out;
}

void PatternScratch::Free::operator()(hs_scratch* scratch) const noexcept { hs_free_scratch(scratch); }
void PatternDatabase::Free::operator()(hs_database* database) const noexcept { hs_free_database(database); }

bool PatternScratch::fit(const PatternDatabase& database) {
  hs_scratch_t* scratch = scratch_.release();
  const bool is_fit = hs_alloc_scratch(database.database_.get(), &scratch) == HS_SUCCESS;
  scratch_.reset(scratch);
  return is_fit;
}

Result<PatternDatabase, std::string> PatternDatabase::compile(std::span<const ScannedPattern> patterns,
                                                              std::span<const std::uint32_t> ids) {
  SALLYPORT_CHECK(patterns.size() == ids.size());
  std::vector<const char*> expressions;
  std::vector<unsigned> flags;
  for (const ScannedPattern& pattern : patterns) {
    expressions.push_back(pattern.expression.c_str());
    flags.push_back(flags_of(pattern));
  }
  hs_database_t* database = nullptr;
  hs_compile_error_t* error = nullptr;
  const hs_error_t done =
      hs_compile_multi(expressions.data(), flags.data(), ids.data(), static_cast<unsigned>(patterns.size()),
                       HS_MODE_BLOCK, nullptr, &database, &error);
  if (done == HS_SUCCESS) return PatternDatabase(database);
  std::string why = error == nullptr ? "can't be compiled" : error->message;
  hs_free_compile_error(error);
  if (why.ends_with('.')) why.pop_back();
  return fail(std::move(why));
}

void PatternDatabase::find(std::string_view text, const PatternScratch& scratch,
                           std::vector<std::uint32_t>& ids) const {
  if (text.empty()) return;  // no pattern matches that
  const hs_error_t done =
      hs_scan(database_.get(), text.data(), length_of(text), 0, scratch.scratch_.get(), add_id, &ids);
  SALLYPORT_CHECK(done == HS_SUCCESS);
}

bool PatternDatabase::matches(std::string_view text, const PatternScratch& scratch) const noexcept {
  bool is_found = false;
  if (text.empty()) return is_found;
  const hs_error_t done = hs_scan(database_.get(), text.data(), length_of(text), 0, scratch.scratch_.get(),
                                  stop_at_first, &is_found);
  SALLYPORT_CHECK(done == HS_SUCCESS || done == HS_SCAN_TERMINATED);
  return is_found;
}

}  // namespace sallyport::policy
