#include "broker/memory_use.hpp"

#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

#include <cstdio>

namespace tandem::broker {

namespace {

constexpr std::int64_t count_every_ms = 10'000;

std::size_t page_bytes() {
  const long bytes = ::sysconf(_SC_PAGESIZE);
  return bytes > 0 ? static_cast<std::size_t>(bytes) : 4096;
}

// 0: the kernel does not say.
std::size_t resident_bytes() {
  const int fd = ::open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  char text[128] = {};
  const ssize_t size = ::read(fd, text, sizeof text - 1);
  ::close(fd);
  unsigned long long total = 0;
  unsigned long long resident = 0;
  if (size <= 0 || std::sscanf(text, "%llu %llu", &total, &resident) != 2) return 0;
  return static_cast<std::size_t>(resident) * page_bytes();
}

std::size_t half_of_machine() {
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  return pages > 0 ? static_cast<std::size_t>(pages) * page_bytes() / 2 : 0;
}

}  // namespace

MemoryUse::MemoryUse(std::size_t most_bytes) : most_bytes_(most_bytes != 0 ? most_bytes : half_of_machine()) {}

std::size_t MemoryUse::bytes(Steady now) {
  const std::size_t resident = resident_bytes();
  if (resident <= most_bytes_) return resident;
  if (allocated_ == 0 || now.ms - counted_at_.ms >= count_every_ms) {
    const auto info = ::mallinfo2();
    allocated_ = info.uordblks + info.hblkhd;
    counted_at_ = now;
  }
  return allocated_;
}

}  // namespace tandem::broker
