// The event loop of a node: the only header of src/broker that shows Asio.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <vector>

#include "admin/control.hpp"
#include "broker/node.hpp"
#include "edge/edge.hpp"

namespace tandem::broker {

struct Node::Loop {
  Loop() = default;
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  boost::asio::io_context context{1};
  std::unique_ptr<edge::Edge> edge;
  std::unique_ptr<admin::Control> control;
  boost::asio::steady_timer beat{context};
  boost::asio::steady_timer listen_retry{context};
  boost::asio::signal_set signals{context};
  std::vector<std::unique_ptr<boost::asio::posix::stream_descriptor>> watched;  // link and store descriptors

  // Calls `readable` whenever the descriptor (not ours to close) is readable.
  void watch(int descriptor, std::function<void()> readable);
};

}  // namespace tandem::broker
