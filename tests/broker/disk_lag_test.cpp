// How far the disk is behind, and since when it stands still.
#include "broker/disk_lag.hpp"

#include <doctest/doctest.h>

using namespace tandem;

namespace {
constexpr std::size_t half = limits::disk_behind_pause_bytes / 2;
}

TEST_CASE("a disk is too far behind from the upper bound on, until it is below the lower one") {
  broker::DiskLag lag;
  lag.appended(Lsn{10}, half, Steady{0});
  lag.appended(Lsn{20}, half, Steady{0});
  CHECK_FALSE(lag.too_far());
  lag.appended(Lsn{30}, 1'000, Steady{0});
  CHECK(lag.too_far());
  lag.durable(Lsn{19}, Steady{5});
  CHECK(lag.too_far());
  lag.durable(Lsn{20}, Steady{5});
  CHECK_FALSE(lag.too_far());
  lag.appended(Lsn{40}, 2 * half, Steady{6});
  CHECK(lag.too_far());
  lag.forget();
  CHECK_FALSE(lag.too_far());
}

TEST_CASE("a disk stands still only while something waits, and from its last step on") {
  broker::DiskLag lag;
  CHECK(lag.still_ms(Steady{9'000}) == 0);
  lag.appended(Lsn{1}, 100, Steady{10'000});
  lag.appended(Lsn{2}, 100, Steady{12'000});
  CHECK(lag.still_ms(Steady{13'000}) == 3'000);
  lag.durable(Lsn{1}, Steady{14'000});
  CHECK(lag.still_ms(Steady{15'000}) == 1'000);
  lag.durable(Lsn{1}, Steady{15'000});
  CHECK(lag.still_ms(Steady{16'000}) == 2'000);
  lag.excused(Steady{15'500});  // full, and now it has space again
  CHECK(lag.still_ms(Steady{16'000}) == 500);
  lag.durable(Lsn{2}, Steady{16'000});
  CHECK(lag.still_ms(Steady{99'000}) == 0);
}
