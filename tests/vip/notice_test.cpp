// keepalived's notices: what a line says, and what the FIFO is.
#include "tests/vip/doctest.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "tests/vip/folder.hpp"
#include "vip/notify_fifo.hpp"

using namespace tandem::vip;

namespace {

struct Said {
  std::string instance;
  bool master;
  bool operator==(const Said&) const = default;
};

std::vector<Said> read_in_pieces(const std::string& text, std::size_t piece) {
  NoticeReader reader;
  std::vector<Said> all;
  for (std::size_t i = 0; i < text.size(); i += piece) {
    reader.take(std::string_view(text).substr(i, piece), [&all](const Notice& notice) {
      all.push_back({std::string(notice.instance), notice.master});
    });
  }
  return all;
}

std::vector<Said> read_all(NotifyFifo& fifo) {
  std::vector<Said> all;
  fifo.read([&all](const Notice& notice) { all.push_back({std::string(notice.instance), notice.master}); });
  return all;
}

void write_to(const std::string& path, const std::string& text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  REQUIRE(fd >= 0);
  CHECK(::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  ::close(fd);
}

}  // namespace

TEST_CASE("notice: FAULT, BACKUP and STOP of an instance are not MASTER; all else says nothing") {
  for (const char* const state : {"FAULT", "BACKUP", "STOP"}) {
    const std::string line = "INSTANCE \"TANDEM\" " + std::string(state) + " 100";
    const auto notice = parse_notice(line);
    REQUIRE(notice.has_value());
    CHECK(notice->instance == "TANDEM");
    CHECK_FALSE(notice->master);
  }
  CHECK(parse_notice("INSTANCE \"TANDEM\" MASTER 120")->master);
  CHECK(parse_notice("INSTANCE \"two words\" BACKUP")->instance == "two words");
  for (const char* const line : {"", "INSTANCE", "INSTANCE \"", "INSTANCE \"TANDEM", "INSTANCE \"TANDEM\"",
                                 "INSTANCE \"TANDEM\" ", "INSTANCE \"TANDEM\" MASTER_RX_LOWER_PRI 100",
                                 "INSTANCE \"TANDEM\" DELETED 100", "GROUP \"TANDEM\" BACKUP 0", "BACKUP", "backup"}) {
    CAPTURE(line);
    CHECK_FALSE(parse_notice(line).has_value());
  }
}

TEST_CASE("notice: lines come through however the bytes are cut, and a line without end takes no memory") {
  const std::string text = "INSTANCE \"A\" BACKUP 1\n\nnoise\n" + std::string(100'000, 'x') +
                           "\nINSTANCE \"B\" MASTER 1\nINSTANCE \"C\" STOP 1";
  const std::vector<Said> expected = {{"A", false}, {"B", true}};
  for (const std::size_t piece : {1U, 2U, 7U, 4096U, 1'000'000U}) {
    CAPTURE(piece);
    CHECK(read_in_pieces(text, piece) == expected);
  }
}

TEST_CASE("notify FIFO: made when missing, without what lay in it, never at its end") {
  const Folder folder;
  const std::string path = folder.file("vrrp.fifo");
  {
    auto fifo = NotifyFifo::open(path);
    REQUIRE(fifo.ok());
    struct stat what {};
    REQUIRE(::stat(path.c_str(), &what) == 0);
    CHECK(S_ISFIFO(what.st_mode));
    CHECK((what.st_mode & 0777U) == 0600U);
    CHECK(read_all(*fifo.value()).empty());
    write_to(path, "INSTANCE \"A\" FAULT 100\n");
    write_to(path, "INSTANCE \"A\" BACKUP 100\nINSTANCE \"A\" MAS");
    CHECK(read_all(*fifo.value()) == std::vector<Said>{{"A", false}, {"A", false}});
    write_to(path, "TER 100\n");
    CHECK(read_all(*fifo.value()) == std::vector<Said>{{"A", true}});
  }
  const int keepalived = ::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  REQUIRE(keepalived >= 0);
  CHECK(::write(keepalived, "INSTANCE \"A\" STOP 100\n", 22) == 22);  // while tandemd is away
  auto again = NotifyFifo::open(path);
  REQUIRE(again.ok());
  CHECK(read_all(*again.value()).empty());
  ::close(keepalived);
}

TEST_CASE("notify FIFO: what is no FIFO, and a folder that is not there, are said") {
  const Folder folder;
  folder.write("plain", "INSTANCE \"A\" FAULT 100\n");
  CHECK_FALSE(NotifyFifo::open(folder.file("plain")).ok());
  CHECK_FALSE(NotifyFifo::open(folder.file("missing/vrrp.fifo")).ok());
}
