// init_command.cpp — see init_command.h.
#include "mgmt/setup/init_command.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>

#include "mgmt/cli/check_command.h"
#include "mgmt/cli/control_protocol.h"
#include "mgmt/config/load_config.h"
#include "mgmt/log/log_line.h"
#include "mgmt/state/descriptor.h"

namespace sallyport::mgmt {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kAnswerBytesMax = 4096;

[[nodiscard]] std::string trimmed(const std::string& line) {
  const std::size_t first = line.find_first_not_of(" \t\r");
  if (first == std::string::npos) return {};
  return line.substr(first, line.find_last_not_of(" \t\r") - first + 1);
}

// Of this machine, as a hint; nothing where they can't be listed.
[[nodiscard]] std::string interfaces() {
  std::string out;
  std::error_code none;
  for (const fs::directory_entry& entry : fs::directory_iterator("/sys/class/net", none)) {
    const std::string name = entry.path().filename();
    if (name != "lo" && out.size() < 200) out += (out.empty() ? "" : ", ") + name;
  }
  return out;
}

[[nodiscard]] std::string prompt_of(const SetupQuestion& question) {
  std::string out(question.words);
  if (question.flag == "outside" || question.flag == "inside")
    if (const std::string here = interfaces(); !here.empty()) out += "; here are " + escaped(here);
  if (!question.fallback.empty()) out += fmt::format(" [{}]", question.fallback);
  return out + ": ";
}

// Nothing: `in` gives no usable one, and `why` says so.
[[nodiscard]] std::optional<std::string> ask(const SetupQuestion& question, const InitQuestion& asked,
                                             std::istream& in, std::FILE* out, std::string& why) {
  for (;;) {
    fmt::print(out, "{}", prompt_of(question));
    std::fflush(out);
    std::string line;
    const bool is_there = static_cast<bool>(std::getline(in, line));
    if (!asked.is_terminal) fmt::print(out, "{}\n", escaped(line.substr(0, kAnswerBytesMax)));
    const auto answer = read_answer(question, trimmed(line.substr(0, kAnswerBytesMax)));
    if (answer) return *answer;
    why = answer.error();
    if (!is_there || !asked.is_terminal) return std::nullopt;
    fmt::print(out, "  {}\n", escaped(why));
  }
}

[[nodiscard]] std::string last_error() { return std::strerror(errno); }

// Beside the file to be, so that what is read relative to it is found and a link can give it its name.
class NewFile {
 public:
  explicit NewFile(const std::string& file) : path_(file + fmt::format(".new-{}", ::getpid())) {}
  ~NewFile() { ::unlink(path_.c_str()); }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  // Empty: done. It belongs to the group of its folder, whose members may then check it.
  [[nodiscard]] std::string write(const std::string& text) const {
    const Descriptor file(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640));
    if (file.number() < 0) return last_error();
    struct stat folder{};
    const fs::path parent = fs::path(path_).parent_path();
    if (::stat(parent.empty() ? "." : parent.c_str(), &folder) == 0)
      static_cast<void>(::fchown(file.number(), static_cast<uid_t>(-1), folder.st_gid) == 0);
    if (::write(file.number(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
      return last_error();
    return ::fsync(file.number()) == 0 ? std::string() : last_error();
  }

 private:
  std::string path_;
};

[[nodiscard]] int put(const InitQuestion& asked, const std::string& text, std::FILE* out, std::FILE* error) {
  const NewFile file(asked.file);
  if (const std::string why = file.write(text); !why.empty()) {
    fmt::print(error, "sallyport: {} can't be written: {}\n", escaped(asked.file), why);
    return kExitCannotHave;
  }
  const LoadedConfig loaded = load_config(file.path());
  for (const ConfigProblem& problem : loaded.problems)
    if (problem.is_error())
      fmt::print(error, "{}: {}; {}\n", escaped(problem.key), escaped(problem.what),
                 escaped(problem.instead));
  if (loaded.has_errors()) {
    fmt::print(error, "sallyport: these answers don't go together; nothing was written\n");
    return kExitUsage;
  }
  if (::link(file.path().c_str(), asked.file.c_str()) != 0) {
    fmt::print(error, "sallyport: {} can't be written: {}\n", escaped(asked.file), last_error());
    return kExitCannotHave;
  }
  const std::string name = escaped(asked.file);
  fmt::print(out,
             "\n{0} is written. Next:\n"
             "  sallyport check -c {0}     what is wrong with it, and the memory it takes\n"
             "  sallyport doctor -c {0}    what this machine lacks for it\n",
             name);
  if (asked.file == kUsualConfigFile)
    fmt::print(out, "  systemctl enable --now sallyport\n");
  else
    fmt::print(out, "  sallyport run -c {}\n", name);
  return kExitOk;
}

}  // namespace

int init_command(const InitQuestion& asked, std::istream& in, std::FILE* out, std::FILE* error) {
  std::error_code none;
  if (fs::symlink_status(asked.file, none).type() != fs::file_type::not_found) {
    fmt::print(error, "sallyport: {} is there already and stays as it is; give another file with --to\n",
               escaped(asked.file));
    return kExitCannotHave;
  }
  SetupAnswers answers;
  for (const auto& [flag, said] : asked.given)
    if (flag == "state" || flag == "socket") answers[flag] = said;
  for (const SetupQuestion& question : setup_questions()) {
    const std::string flag(question.flag);
    std::string why;
    std::optional<std::string> answer;
    if (const auto given = asked.given.find(flag); given != asked.given.end()) {
      const auto read = read_answer(question, given->second);
      if (read)
        answer = *read;
      else
        why = read.error();
    } else {
      answer = ask(question, asked, in, out, why);
    }
    if (!answer) {
      fmt::print(error, "sallyport: --{}: {}\n", flag, escaped(why));
      return kExitUsage;
    }
    answers[flag] = *answer;
  }
  return put(asked, first_config(answers), out, error);
}

}  // namespace sallyport::mgmt
