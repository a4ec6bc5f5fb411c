// How often something may happen.
#include "base/token_bucket.hpp"

#include <doctest/doctest.h>

using namespace tandem;

TEST_CASE("a token bucket: a second's worth at once, then so many a second; what is owed is paid back first") {
  TokenBucket bucket(10);
  CHECK(bucket.limited());
  Steady now{5'000};
  for (int i = 0; i < 10; ++i) {
    CHECK(bucket.ready(now));
    bucket.take(now);
  }
  CHECK_FALSE(bucket.ready(now));
  bucket.take(now);  // owed
  CHECK_FALSE(bucket.ready(now.plus_ms(199)));
  CHECK(bucket.ready(now.plus_ms(200)));
  now = now.plus_ms(1'000'000);  // however long nothing came: a second's worth
  for (int i = 0; i < 10; ++i) bucket.take(now);
  CHECK_FALSE(bucket.ready(now));
}

TEST_CASE("a token bucket without a limit is always ready") {
  TokenBucket bucket;
  CHECK_FALSE(bucket.limited());
  for (int i = 0; i < 1'000; ++i) bucket.take(Steady{});
  CHECK(bucket.ready(Steady{}));
}
