// doctest for the store's tests. Both base/check.hpp and doctest name a macro CHECK: here it is doctest's.
#pragma once

#include "base/check.hpp"
#undef CHECK
#include <doctest/doctest.h>

#include "harness.hpp"
