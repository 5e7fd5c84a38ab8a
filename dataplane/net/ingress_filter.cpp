// ingress_filter.cpp — writes the ruleset and runs nft with it, without a shell.
#include "dataplane/net/ingress_filter.h"

#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <cerrno>

#include "dataplane/net/unique_fd.h"

namespace sallyport::dataplane {
namespace {

std::string table_name(const std::string& node) {
  std::string name = "sallyport-" + node;
  for (char& c : name)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '-' && c != '_' && c != '.') c = '_';
  return name;
}

// Empty when it is not installed. It lies where the PATH of an ordinary user does not lead.
std::string find_nft() {
  for (const char* const path : {"/usr/sbin/nft", "/sbin/nft", "/usr/local/sbin/nft"})
    if (::access(path, X_OK) == 0) return path;
  return {};
}

std::string first_line_of(int file) {
  std::array<char, 256> text{};
  const ssize_t size = ::pread(file, text.data(), text.size(), 0);
  const std::string all(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  return all.substr(0, all.find('\n'));
}

// Exit status, or -1 with errno.
int spawn_and_wait(const std::string& program, int input, int output) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
  std::string name = "nft", from = "-f", standard_input = "-";
  std::array<char*, 4> arguments{name.data(), from.data(), standard_input.data(), nullptr};
  std::array<char*, 1> environment{nullptr};
  pid_t child = 0;
  const int error =
      ::posix_spawn(&child, program.c_str(), &actions, nullptr, arguments.data(), environment.data());
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    errno = error;
    return -1;
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

Result<void, NetError> run_nft(const std::string& ruleset) {
  const std::string program = find_nft();
  if (program.empty())
    return fail(NetError{"ports on Linux interfaces need the nft program; install the package nftables"});
  const UniqueFd input(::memfd_create("ruleset", MFD_CLOEXEC)),
      output(::memfd_create("messages", MFD_CLOEXEC));
  if (!input || !output || ::pwrite(input.get(), ruleset.data(), ruleset.size(), 0) < 0)
    return fail(net_error("cannot write a ruleset for nft", errno));
  const int status = spawn_and_wait(program, input.get(), output.get());
  if (status < 0) return fail(net_error("cannot run " + program, errno));
  if (status != 0) return fail(NetError{"nft refused the ingress filter: " + first_line_of(output.get())});
  return {};
}

// "table" alone makes it when it is not there, so that "delete" can't fail.
std::string deletion_of(const std::string& table) {
  return "table netdev " + table + "\ndelete table netdev " + table + "\n";
}

}  // namespace

std::string ingress_ruleset(const std::string& node, const std::vector<std::string>& interfaces) {
  const std::string table = table_name(node);
  std::string ruleset = deletion_of(table) + "table netdev " + table + " {\n";
  for (std::size_t i = 0; i < interfaces.size(); ++i)
    ruleset += "  chain port" + std::to_string(i) + " { type filter hook ingress device \"" + interfaces[i] +
               "\" priority 0; policy drop; }\n";
  return ruleset + "}\n";
}

Result<void, NetError> load_ingress_filter(const std::string& node,
                                           const std::vector<std::string>& interfaces) {
  return run_nft(ingress_ruleset(node, interfaces));
}

Result<void, NetError> remove_ingress_filter(const std::string& node) {
  return run_nft(deletion_of(table_name(node)));
}

}  // namespace sallyport::dataplane
