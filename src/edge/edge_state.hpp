// What all connections of one edge share: the read buffer, the packet that is decoded into, the lists of the
// turn. A closed connection does not touch it any more, so connections may outlive the edge in handlers that
// have not run yet.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "base/limits.hpp"
#include "edge/connection_table.hpp"
#include "edge/connections.hpp"
#include "edge/edge.hpp"
#include "edge/read_buffer.hpp"

namespace tandem::edge {

class ParallelIo;

struct EdgeState {
  static constexpr std::int64_t no_time_yet = std::numeric_limits<std::int64_t>::min();

  EdgeState(boost::asio::io_context& loop_, const EdgeOptions& options_, PacketSink& sink_)
      : loop(loop_), options(options_), sink(sink_) {}

  boost::asio::io_context& loop;
  const EdgeOptions options;
  PacketSink& sink;

  ReadBuffer read_buffer;
  mqtt::Packet packet;
  std::int64_t now_ms = no_time_yet;  // of the last tick
  std::uint64_t bytes_read_this_turn = 0;

  ConnectionTable table;
  Connections open;             // without the closing ones
  std::vector<IoPtr> to_write;  // called will_write() in this turn
  std::vector<IoPtr> to_read;   // were read in this turn: again in the next
  std::vector<IoPtr> warm;      // own memory for output; given back when a tick finds it unused

  std::shared_ptr<ParallelIo> parallel;  // null: without threads
};

}  // namespace tandem::edge
