// doctest in a program that also sees base/check.hpp: both call a macro CHECK; in tests it is doctest's. Include it
// first.
#pragma once

#include "base/check.hpp"
#include "base/result.hpp"
#undef CHECK
#include <doctest/doctest.h>
