// Reading and writing with the edge's threads: they carry bytes between sockets and memory (system calls, TLS, frames
// that come) for many connections at a time, while everything that a packet means stays with the core thread. What a
// turn writes is written while the core is at its next turn. Readable connections are gathered for one step of the
// loop, then read in groups; while one group's bytes are decoded the next group is being read. Every public function
// here is the core thread's.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/limits.hpp"
#include "edge/connection_io.hpp"
#include "edge/edge_threads.hpp"

namespace tandem::edge {

class ParallelIo : public std::enable_shared_from_this<ParallelIo> {
 public:
  // Half of the threads read, the others write; one alone writes. `share_from`: with fewer connections than that the
  // core does it alone; to wake a thread would cost more.
  ParallelIo(EdgeState& edge, std::size_t threads, std::size_t share_from);

  bool reads() const { return readers_.count() > 0; }
  // If it reads(): `connection` is readable; it is read once the loop has told of all others that are.
  void read_soon(IoPtr connection);
  // Writes each of them, or has them written until the next finish_writes().
  void write(const std::vector<IoPtr>& connections);
  bool writing() const { return !lent_.empty(); }
  // Waits for what is being written and notes what came of it.
  void finish_writes();
  // Waits until nobody touches any connection but the core. Before a socket is closed.
  void wait() {
    readers_.finish();
    writers_.finish();
  }

 private:
  // Connections that are read at a time, and what they gave.
  struct Group {
    std::vector<IoPtr> connections;
    std::vector<ConnectionIo::Received> received;
    std::unique_ptr<char[]> buffers;
    EdgeThreads::Work read;
  };

  void read_all();
  void begin_group(Group& group);
  void take(Group& group);
  void start(EdgeThreads& threads, std::size_t items, const EdgeThreads::Work& work);

  EdgeState* edge_;
  std::size_t share_from_;
  std::vector<IoPtr> ready_;    // for the next read_all()
  std::vector<IoPtr> reading_;  // of this one
  std::size_t begun_ = 0;       // of reading_
  Group groups_[2];
  std::vector<IoPtr> lent_;      // are being written
  std::vector<IoPtr> finished_;  // while what came of it is noted
  std::vector<ConnectionIo::Sent> sent_;
  EdgeThreads::Work send_;
  EdgeThreads readers_;  // last: these end before what they work on
  EdgeThreads writers_;
};

}  // namespace tandem::edge
