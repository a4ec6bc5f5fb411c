// Processes, ports and small files of tests; folders are in folder.cpp.
#include "tests/pair/process.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <random>
#include <set>
#include <sstream>
#include <stdexcept>

namespace tandem::test {

namespace {

int number_from_environment(const char* name, int otherwise) {
  const char* text = std::getenv(name);
  int value = text == nullptr ? 0 : std::atoi(text);
  return value > 0 ? value : otherwise;
}

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

// Only what a child of a program with threads may call.
[[noreturn]] void become(char* const* arguments, int output, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(126);
  ::setsid();
  ::dup2(output, 1);
  ::dup2(output, 2);
  int input = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (input >= 0) ::dup2(input, 0);
  ::execvp(arguments[0], arguments);
  ::_exit(127);
}

pid_t spawn(const std::vector<std::string>& command, int output) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_t parent = ::getpid();
  pid_t child = ::fork();
  if (child == 0) become(arguments.data(), output, parent);
  if (child < 0) fail("fork");
  return child;
}

}  // namespace

int time_factor() {
  static const int factor = number_from_environment("TANDEM_TEST_FACTOR", 1);
  return factor;
}

Millis scaled(Millis time) {
  return time * time_factor();
}

int rounds_of(const char* name, int otherwise) {
  return number_from_environment(name, otherwise);
}

void Process::start(const std::vector<std::string>& command, const std::string& log_file) {
  kill();
  int output = ::open(log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (output < 0) fail(log_file);
  pid_ = spawn(command, output);
  ::close(output);
}

bool Process::reap(int options) {
  if (pid_ < 0) return true;
  pid_t got = 0;
  do got = ::waitpid(pid_, &status_, options);
  while (got < 0 && errno == EINTR);
  if (got == 0) return false;
  pid_ = -1;
  return true;
}

bool Process::running() {
  return !reap(WNOHANG);
}

void Process::signal(int number) {
  if (running()) ::kill(pid_, number);
}

int Process::exit_code() const {
  return WIFEXITED(status_) ? WEXITSTATUS(status_) : 128 + WTERMSIG(status_);
}

int Process::wait(Millis timeout) {
  until([this] { return !running(); }, "the end of process " + std::to_string(pid_), timeout);
  return exit_code();
}

void Process::kill() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  reap(0);
}

Ran run(const std::vector<std::string>& command, Millis timeout) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) fail("pipe");
  pid_t child = spawn(command, ends[1]);
  ::close(ends[1]);
  SteadyTime deadline = std::chrono::steady_clock::now() + timeout;
  Ran ran;
  char bytes[4096];
  for (bool open = true; open;) {
    auto left = std::chrono::ceil<Millis>(deadline - std::chrono::steady_clock::now());
    pollfd entry = {ends[0], POLLIN, 0};
    if (left.count() <= 0 || ::poll(&entry, 1, static_cast<int>(left.count())) == 0) {
      ::kill(child, SIGKILL);
      ran.output += "\n(killed: it took too long)";
      break;
    }
    ssize_t got = ::read(ends[0], bytes, sizeof(bytes));
    if (got > 0) ran.output.append(bytes, static_cast<size_t>(got));
    open = got > 0 || (got < 0 && errno == EINTR);
  }
  ::close(ends[0]);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  ran.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return ran;
}

uint16_t free_port() {
  static std::mt19937 random(static_cast<unsigned>(::getpid()));
  static std::set<in_port_t> given;  // two callers in a row must not get the same
  std::uniform_int_distribution<int> any(10'000, 29'999);
  for (;;) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(any(random)));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) fail("socket");
    bool is_free = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
    ::close(fd);
    if (is_free && given.insert(address.sin_port).second) return ntohs(address.sin_port);
  }
}

void until(const std::function<bool()>& condition, const std::string& what, Millis timeout) {
  SteadyTime deadline = std::chrono::steady_clock::now() + scaled(timeout);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) {
      throw std::runtime_error(what + ": not within " + std::to_string(scaled(timeout).count()) + " ms");
    }
    ::poll(nullptr, 0, 5);
  }
}

std::string read_text_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void write_text_file(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  if (!file.flush()) fail(path);
}

}  // namespace tandem::test
