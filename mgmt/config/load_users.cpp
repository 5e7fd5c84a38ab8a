// load_users.cpp — see load_users.h. The file is read user by user, so that memory holds what is kept of them
// alone. No sentence here shows a password or a hash.
#include "mgmt/config/load_users.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <tuple>
#include <utility>

#include "mgmt/config/digest_hash.h"
#include "mgmt/config/quoted.h"
#include "mgmt/config/secret_line.h"
#include "mgmt/config/suggest.h"
#include "mgmt/config/yaml_document.h"

namespace sallyport::mgmt {
namespace {

constexpr std::size_t kUserBytesMax = 128;
constexpr std::array<std::string_view, 5> kKeys{"user", "domain", "ha1_md5", "ha1_sha256", "password"};

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

bool is_hash(std::string_view text, std::size_t digits) {
  return text.size() == digits &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

// The files of one registrar while they are read.
class UserReader {
 public:
  UserReader(const Section& section, RegistrarConfig& registrar, ProblemList& problems)
      : registrar_(registrar),
        problems_(problems),
        key_(section.shown("users_file")),
        file_(problems.add_file(registrar.users_file)) {}

  void read();

 private:
  struct Read {
    RegistrarUser user;
    int line = 0;
  };
  // One member of the list.
  struct Member {
    YamlPlace place;
    std::string shown;  // users[1001]
    std::array<const YamlNode*, kKeys.size()> values{};
    [[nodiscard]] std::string text(std::size_t key) const {
      return values[key] == nullptr ? std::string() : values[key]->text;
    }
    [[nodiscard]] bool has(std::size_t key) const { return values[key] != nullptr; }
    [[nodiscard]] YamlPlace place_of(std::size_t key) const { return has(key) ? values[key]->place : place; }
  };
  enum Key : std::uint8_t { kUser, kDomain, kMd5, kSha256, kPassword };

  bool take(YamlNode&& member);
  [[nodiscard]] bool take_keys(const YamlNode& member, Member& found);
  [[nodiscard]] bool check_user(const Member& member, RegistrarUser& user);
  [[nodiscard]] bool check_domain(const Member& member, RegistrarUser& user);
  [[nodiscard]] bool check_hashes(const Member& member, RegistrarUser& user);
  [[nodiscard]] bool check_hash(const Member& member, Key key, std::size_t digits, std::string& hash);
  [[nodiscard]] bool check_password(const Member& member, RegistrarUser& user);
  bool refuse(YamlPlace place, const std::string& key, ValueError why);
  void keep_users();
  void finish();

  RegistrarConfig& registrar_;
  ProblemList& problems_;
  std::string key_;
  std::size_t file_;
  DigestHash hash_;
  std::vector<Read> read_;
  std::size_t members_ = 0, wrong_ = 0;
};

// False, for who returns it.
bool UserReader::refuse(YamlPlace place, const std::string& key, ValueError why) {
  place.file = file_;
  if (++wrong_ <= kUsersProblemsMax)
    problems_.error(place, key.empty() ? key_ : joined_path(key_, key), std::move(why));
  return false;
}

bool UserReader::take_keys(const YamlNode& member, Member& found) {
  if (!member.is_map())
    return refuse(member.place, found.shown,
                  {"is not a map of keys", "write { user: \"1001\", password: \"...\" }"});
  bool is_good = true;
  for (const YamlEntry& entry : member.entries) {
    const auto known = std::ranges::find(kKeys, entry.key);
    const std::string shown = joined_path(found.shown, entry.key);
    if (known == kKeys.end()) {
      const std::string near = nearest(entry.key, {kKeys.begin(), kKeys.end()});
      is_good = refuse(entry.key_place, shown,
                       {"there is no such key",
                        near.empty() ? "the keys here are user, domain, ha1_md5, ha1_sha256 or password"
                                     : "did you mean " + in_quotes(near) + "?"});
    } else if (entry.first_line != 0) {
      is_good = refuse(entry.key_place, shown, {"is written twice", "keep one of the two"});
    } else if (!entry.value.is_scalar() || entry.value.text.empty()) {
      is_good = refuse(entry.value.place, shown, {"has no value", "write a text in quotes"});
    } else {
      found.values[static_cast<std::size_t>(known - kKeys.begin())] = &entry.value;
    }
  }
  return is_good;
}

// A colon would make two users of one hash. RFC 7616 §3.4.4
bool UserReader::check_user(const Member& member, RegistrarUser& user) {
  user.user = member.text(kUser);
  const std::string key = joined_path(member.shown, "user");
  if (!member.has(kUser))
    return refuse(member.place, key, {"is missing", "write the user part of the address"});
  const bool has_bad = std::ranges::any_of(user.user, [](char c) {
    return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f || c == ':' || c == '@' || c == '"' ||
           c == '\\';
  });
  if (has_bad || user.user.size() > kUserBytesMax)
    return refuse(member.place_of(kUser), key,
                  {in_quotes(user.user) + " is no user", "write at most " + std::to_string(kUserBytesMax) +
                                                             " characters without spaces, : @ \" and \\"});
  return true;
}

bool UserReader::check_domain(const Member& member, RegistrarUser& user) {
  if (!member.has(kDomain)) return true;
  user.domain = lower(member.text(kDomain));
  if (std::ranges::find(registrar_.domains, user.domain) != registrar_.domains.end()) return true;
  const std::string near = nearest(user.domain, registrar_.domains);
  return refuse(member.place_of(kDomain), joined_path(member.shown, "domain"),
                {in_quotes(user.domain) + " is no domain of registrar " + in_quotes(registrar_.name),
                 near.empty() ? "write one of its domains, or leave the key out"
                              : "did you mean " + in_quotes(near) + "?"});
}

bool UserReader::check_hash(const Member& member, Key key, std::size_t digits, std::string& hash) {
  if (!member.has(key)) return true;
  hash = lower(member.text(key));
  if (is_hash(hash, digits)) return true;
  return refuse(
      member.place_of(key), joined_path(member.shown, kKeys[key]),
      {"is not " + std::to_string(digits) + " hexadecimal digits",
       "write the hash of user:" + registrar_.domains.front() + ":password, or the password itself"});
}

bool UserReader::check_password(const Member& member, RegistrarUser& user) {
  std::string text = member.text(kPassword);
  if (text.size() > kSecretBytesMax)
    return refuse(member.place_of(kPassword), joined_path(member.shown, "password"),
                  {"is longer than " + std::to_string(kSecretBytesMax) + " octets", "write a shorter one"});
  text = user.user + ":" + registrar_.domains.front() + ":" + text;
  user.ha1_md5 = hash_.md5(text);
  user.ha1_sha256 = hash_.sha256(text);
  OPENSSL_cleanse(text.data(), text.size());
  return true;
}

bool UserReader::check_hashes(const Member& member, RegistrarUser& user) {
  const bool has_hash = member.has(kMd5) || member.has(kSha256);
  if (has_hash == member.has(kPassword))
    return refuse(member.place, member.shown,
                  {has_hash ? "has both a password and a hash of one" : "has neither a hash nor a password",
                   "write ha1_md5 and ha1_sha256, or password"});
  if (!has_hash) return check_password(member, user);
  const bool is_md5 = check_hash(member, kMd5, kMd5Digits, user.ha1_md5);
  return check_hash(member, kSha256, kSha256Digits, user.ha1_sha256) && is_md5;
}

// False: it is no use to read any further.
bool UserReader::take(YamlNode&& member) {
  Member found;
  found.place = member.place;
  const YamlEntry* const name = member.find("user");
  const bool is_named = name != nullptr && name->value.is_scalar() && !name->value.text.empty();
  found.shown = "users[" + (is_named ? name->value.text : std::to_string(members_)) + "]";
  if (++members_ > kUsersMax)
    return refuse(member.place, "users", {"has more members", "write at most " + std::to_string(kUsersMax)});
  RegistrarUser user;
  if (take_keys(member, found) && check_user(found, user) && check_domain(found, user) &&
      check_hashes(found, user))
    read_.push_back({std::move(user), found.place.line});
  return true;
}

void UserReader::read() {
  if (registrar_.domains.empty()) return;  // said already
  const auto problems = read_yaml_list(registrar_.users_file, file_, {"users", kUsersFileBytesMax},
                                       [this](YamlNode&& member) { return take(std::move(member)); });
  for (const YamlProblem& problem : problems)
    refuse(problem.place, problem.key, {problem.what, problem.instead});
  keep_users();
  finish();
}

void UserReader::keep_users() {
  const auto by_name = [](const Read& one) { return std::tie(one.user.user, one.user.domain); };
  std::ranges::stable_sort(read_, {}, by_name);
  auto users = make_value<RegistrarUsers>();
  users->reserve(read_.size());
  int first_line = 0;
  for (Read& one : read_) {
    const bool is_again =
        !users->empty() && by_name(one) == std::tie(users->back().user, users->back().domain);
    if (is_again) {
      refuse({.file = file_, .line = one.line}, "users[" + one.user.user + "]",
             {"is a user already, in line " + std::to_string(first_line), "keep one of the two"});
      continue;
    }
    first_line = one.line;
    users->push_back(std::move(one.user));
  }
  registrar_.users = std::move(users);
}

void UserReader::finish() {
  if (wrong_ > kUsersProblemsMax) {
    const std::size_t more = std::exchange(wrong_, 0) - kUsersProblemsMax;
    refuse({.file = file_, .line = 0}, "users",
           {std::to_string(more) + " further members are wrong", "see those above"});
  }
  if (registrar_.users->empty() && wrong_ == 0)
    problems_.warning({.file = file_, .line = 1}, key_,
                      {"holds no user", "write users: and a list below it"});
}

}  // namespace

void load_users(const Section& root, SbcConfig& config, ProblemList& problems) {
  const std::vector<Section> sections = root.items("registrars");
  for (std::size_t i = 0; i < sections.size() && i < config.registrars.size(); ++i) {
    RegistrarConfig& registrar = config.registrars[i];
    std::error_code none;
    const bool is_there = sections[i].written("users_file") != nullptr &&
                          std::filesystem::is_regular_file(registrar.users_file, none);
    if (registrar.mode == RegistrarMode::Local && is_there)
      UserReader(sections[i], registrar, problems).read();
  }
}

bool are_same_users(const RegistrarUsers& a, const RegistrarUsers& b) noexcept {
  return std::ranges::equal(a, b, [](const RegistrarUser& x, const RegistrarUser& y) {
    return std::tie(x.user, x.domain, x.ha1_md5, x.ha1_sha256) ==
           std::tie(y.user, y.domain, y.ha1_md5, y.ha1_sha256);
  });
}

}  // namespace sallyport::mgmt
