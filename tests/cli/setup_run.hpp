// Running tandemctl setup as a person does, and what it said.
#pragma once

#include <sys/wait.h>

#include <cstdio>
#include <string>

#include "tests/vip/folder.hpp"

namespace tandem::test {

struct Ran {
  int code = 0;
  std::string output;  // and errors
};

inline Ran shell(const std::string& command) {
  Ran ran;
  FILE* const pipe = ::popen((command + " 2>&1").c_str(), "r");
  REQUIRE(pipe != nullptr);
  char buffer[4096];
  for (std::size_t size = 0; (size = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) ran.output.append(buffer, size);
  ran.code = WEXITSTATUS(::pclose(pipe));
  return ran;
}

inline bool has(const Ran& ran, const std::string& text) {
  const bool found = ran.output.find(text) != std::string::npos;
  if (!found) std::printf("without \"%s\":\n%s\n", text.c_str(), ran.output.c_str());
  return found;
}

}  // namespace tandem::test
