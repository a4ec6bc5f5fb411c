// How SQLite reads and writes pages while the broker serves clients.
#pragma once

namespace tandem::store {

// A commit or a fold is thousands of pages. From now on, in all files of this process: a thread that is ready gets the
// core in between (give_way), and what was written goes to the disk at once, piece by piece. Else the kernel collects
// it, and sends it from a thread of its own that holds up a core for ten milliseconds and more.
void let_others_run_in_io();

}  // namespace tandem::store
