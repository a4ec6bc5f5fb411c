// How much of the log one client may have under way.
#include "broker/log_share.hpp"

#include <doctest/doctest.h>

using namespace tandem;
using broker::LogShare;

namespace {
constexpr std::size_t most = limits::unsafe_bytes_per_client;

bool used_up_at(LogShare& share, Lsn safe) {
  share.settle(safe);
  return share.is_used_up();
}

}  // namespace

TEST_CASE("a client's share of the log is what it has recorded and is not safe yet") {
  LogShare share;
  CHECK_FALSE(used_up_at(share, Lsn{}));
  share.recorded(Lsn{10}, most, 0);
  CHECK_FALSE(used_up_at(share, Lsn{9}));
  share.recorded(Lsn{11}, 1, 0);
  CHECK(used_up_at(share, Lsn{9}));
  CHECK_FALSE(used_up_at(share, Lsn{11}));  // all of it is safe
  share.recorded(Lsn{20}, most, 0);
  CHECK_FALSE(used_up_at(share, Lsn{11}));
}

TEST_CASE("a client that goes on sending has at most its share under way, and never waits for what is safe") {
  LogShare share;
  constexpr std::size_t each = 1'000;
  constexpr std::uint64_t behind = 20;  // records that are not safe yet
  for (std::uint64_t lsn = 1; lsn < 10'000; ++lsn) {
    share.recorded(Lsn{lsn}, each, 0);
    REQUIRE_FALSE(used_up_at(share, Lsn{lsn < behind ? 0 : lsn - behind}));
  }
  std::uint64_t more = 0;
  while (!used_up_at(share, Lsn{9'999})) share.recorded(Lsn{10'000 + more++}, each, 0);
  CHECK(more * each <= most + each);
}

TEST_CASE("while followers lag, a client may record a little more; each lag counts anew") {
  LogShare share;
  share.recorded(Lsn{1}, limits::lag_bytes_per_client, 1);
  CHECK_FALSE(share.is_used_up_in(1));
  share.recorded(Lsn{2}, 1, 1);
  CHECK(share.is_used_up_in(1));
  CHECK_FALSE(share.is_used_up_in(2));
  share.recorded(Lsn{3}, 1, 2);
  CHECK_FALSE(share.is_used_up_in(2));
}
