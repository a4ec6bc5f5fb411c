#include "base/journal.hpp"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "base/printable.hpp"

namespace tandem::journal {

namespace {

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warn:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

// systemd's journal takes the level from the line's beginning, "<4>" (sd-daemon(3)), and has a clock of its own.
class PriorityPrefix final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& out) override {
    const char priority = message.level >= spdlog::level::err    ? '3'
                          : message.level == spdlog::level::warn ? '4'
                          : message.level == spdlog::level::info ? '6'
                                                                 : '7';
    const char text[] = {'<', priority, '>'};
    out.append(text, text + sizeof text);
  }
  std::unique_ptr<custom_flag_formatter> clone() const override { return std::make_unique<PriorityPrefix>(); }
};

// JOURNAL_STREAM is "device:inode" of the stream; it is inherited by whoever writes elsewhere, too.
bool to_systemd_journal() {
  const char* const stream = std::getenv("JOURNAL_STREAM");
  struct stat own {};
  if (stream == nullptr || ::fstat(STDERR_FILENO, &own) != 0) return false;
  return stream == std::to_string(own.st_dev) + ":" + std::to_string(own.st_ino);
}

}  // namespace

void open(std::string_view node, Level least) {
  auto logger = std::make_shared<spdlog::logger>(std::string(node), std::make_shared<spdlog::sinks::stderr_sink_mt>());
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<PriorityPrefix>('*');
  formatter->set_pattern(to_systemd_journal() ? "%*%n: %v" : "%Y-%m-%d %H:%M:%S.%e %l %n: %v");
  logger->set_formatter(std::move(formatter));
  logger->set_level(to_spdlog(least));
  logger->flush_on(spdlog::level::debug);
  spdlog::set_default_logger(std::move(logger));
}

void write(Level level, std::string_view text) {
  spdlog::log(to_spdlog(level), "{}", printable(text));
}

void debug(std::string_view text) {
  write(Level::debug, text);
}
void info(std::string_view text) {
  write(Level::info, text);
}
void warn(std::string_view text) {
  write(Level::warn, text);
}
void error(std::string_view text) {
  write(Level::error, text);
}

}  // namespace tandem::journal
