#include "base/journal.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <string>

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

}  // namespace

void open(std::string_view node, Level least) {
  auto logger = std::make_shared<spdlog::logger>(std::string(node), std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern("%Y-%m-%d %H:%M:%S.%e %l %n: %v");
  logger->set_level(to_spdlog(least));
  logger->flush_on(spdlog::level::debug);
  spdlog::set_default_logger(std::move(logger));
}

void write(Level level, std::string_view text) {
  spdlog::log(to_spdlog(level), "{}", text);
}

void debug(std::string_view text) {
  spdlog::debug("{}", text);
}
void info(std::string_view text) {
  spdlog::info("{}", text);
}
void warn(std::string_view text) {
  spdlog::warn("{}", text);
}
void error(std::string_view text) {
  spdlog::error("{}", text);
}

}  // namespace tandem::journal
