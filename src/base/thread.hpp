// How threads start.
#pragma once

#include <cstdint>
#include <functional>
#include <thread>

namespace tandem {

// Does somebody wait for what the thread does? Background threads yield the cores to those that are awaited.
enum class Urgency : std::uint8_t { awaited, background };

// A thread that takes no signals: those belong to the main thread. `name`: what ps and debuggers show, at most 15
// characters.
std::thread start_thread(const char* name, Urgency urgency, std::function<void()> body);

}  // namespace tandem
