// Says in a test which statements of the MQTT standards it proves, beside those in its name (tests/conformance).
#pragma once

#define COVERS(...) static_assert(true, "ids in text")
