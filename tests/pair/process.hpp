// Processes, ports and folders of a test that runs whole programs. Nothing of it outlives the test: a process
// ends with its object, or with this process, and a folder is removed unless the test case failed.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/client/client.hpp"

namespace tandem::test {

// Deadlines are multiplied by TANDEM_TEST_FACTOR (default 1): for sanitizers and slow machines. No test
// passes or fails by a deadline that it meets.
int time_factor();
Millis scaled(Millis time);

// A number of rounds from the environment variable `name`, else `otherwise`.
int rounds_of(const char* name, int otherwise);

class Process {
 public:
  Process() = default;
  ~Process() { kill(); }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // Output is appended to `log_file`. Throws std::runtime_error if it cannot be started.
  void start(const std::vector<std::string>& command, const std::string& log_file);
  bool running();
  pid_t pid() const { return pid_; }
  void signal(int number);
  // How a process that is not running() any more ended: exit code, or 128 + the signal.
  int exit_code() const;
  // Waits for the end; as exit_code(). Throws at the deadline.
  int wait(Millis timeout);
  // SIGKILL; returns when the process is gone. Harmless without one.
  void kill();

 private:
  bool reap(int options);
  pid_t pid_ = -1;
  int status_ = 0;
};

struct Ran {
  int code = 0;
  std::string output;  // standard output and standard error
};

// Runs a command to its end.
Ran run(const std::vector<std::string>& command, Millis timeout);

// A new folder for one test case (or for the whole test program), removed after it unless it failed; then its
// path and the ends of its *.log files are printed.
class Folder {
 public:
  enum class Life { test_case, program };
  explicit Folder(const std::string& name, Life life = Life::test_case);
  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// A TCP port of 127.0.0.1 that nobody has, below those that the kernel takes for outgoing connections (a
// client that connects to a closed port among those could meet itself).
uint16_t free_port();

// Polls until the condition holds; throws std::runtime_error with `what` at the deadline.
void until(const std::function<bool()>& condition, const std::string& what, Millis timeout = Millis(20'000));

std::string read_text_file(const std::string& path);  // empty if it cannot be read
void write_text_file(const std::string& path, const std::string& text);

}  // namespace tandem::test
