// pattern_database.h — patterns compiled by Hyperscan, in block mode: any number of them in one pass.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policy/base/result.h"

struct hs_database;
struct hs_scratch;

namespace sallyport::policy {

struct ScannedPattern {
  std::string expression;
  bool is_caseless = false, dot_is_all = false, is_multi_line = false;
  friend auto operator<=>(const ScannedPattern&, const ScannedPattern&) = default;
};

// These octets and nothing else.
[[nodiscard]] std::string expression_of(std::string_view bytes);

class PatternDatabase;

// What a scan needs besides: of one thread, fit for each database that it was made fit for.
class PatternScratch {
 public:
  PatternScratch() noexcept = default;
  // False: no memory.
  [[nodiscard]] bool fit(const PatternDatabase& database);

 private:
  friend class PatternDatabase;
  struct Free {
    void operator()(hs_scratch* scratch) const noexcept;
  };
  std::unique_ptr<hs_scratch, Free> scratch_;
};

// Nobody alters it; safe from many threads.
class PatternDatabase {
 public:
  // The error is Hyperscan's sentence. `ids` are as many as patterns.
  [[nodiscard]] static Result<PatternDatabase, std::string> compile(std::span<const ScannedPattern> patterns,
                                                                    std::span<const std::uint32_t> ids);
  // Adds the number of each pattern that matches somewhere, once for each.
  void find(std::string_view text, const PatternScratch& scratch, std::vector<std::uint32_t>& ids) const;
  [[nodiscard]] bool matches(std::string_view text, const PatternScratch& scratch) const noexcept;

 private:
  friend class PatternScratch;
  struct Free {
    void operator()(hs_database* database) const noexcept;
  };
  explicit PatternDatabase(hs_database* database) noexcept : database_(database) {}
  std::unique_ptr<hs_database, Free> database_;
};

}  // namespace sallyport::policy
