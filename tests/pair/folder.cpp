// The folders of test cases, and the doctest listener that removes or shows them.
#include <doctest/doctest.h>
#include <stdlib.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <stdexcept>

#include "tests/pair/process.hpp"

namespace tandem::test {

namespace {

constexpr size_t shown_bytes = 4'000;

std::vector<std::string>& folders_of(Folder::Life life) {
  static std::vector<std::string> of_test;
  static std::vector<std::string> of_program;
  return life == Folder::Life::test_case ? of_test : of_program;
}

void show(const std::string& folder) {
  std::printf("kept for you to look at: %s\n", folder.c_str());
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".log") continue;
    std::string text = read_text_file(entry.path());
    if (text.size() > shown_bytes) text.erase(0, text.size() - shown_bytes);
    std::printf("--- the end of %s\n%s\n", entry.path().c_str(), text.c_str());
  }
}

void end_folders(Folder::Life life, bool failed) {
  for (const std::string& folder : folders_of(life)) {
    std::error_code ignored;
    if (failed) {
      show(folder);
    } else {
      std::filesystem::remove_all(folder, ignored);
    }
  }
  folders_of(life).clear();
}

// Folders outlive their objects until it is known how the test case went.
struct FolderKeeper : doctest::IReporter {
  explicit FolderKeeper(const doctest::ContextOptions&) {}
  void test_case_end(const doctest::CurrentTestCaseStats& stats) override {
    end_folders(Folder::Life::test_case, stats.failure_flags != 0);
  }
  void test_run_end(const doctest::TestRunStats& stats) override {
    end_folders(Folder::Life::program, stats.numTestCasesFailed != 0);
  }
  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_case_start(const doctest::TestCaseData&) override {}
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_exception(const doctest::TestCaseException&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData&) override {}
  void log_message(const doctest::MessageData&) override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}
};

// A static library's registration must be referred to by something that is linked: Folder's constructor is
// here.
REGISTER_LISTENER("folders", 1, FolderKeeper);

}  // namespace

Folder::Folder(const std::string& name, Life life) {
  path_ = (std::filesystem::temp_directory_path() / ("tandem-" + name + "-XXXXXX")).string();
  if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error("no folder for the test: " + path_);
  folders_of(life).push_back(path_);
}

}  // namespace tandem::test
