#include "edge/parallel_io.hpp"

#include <boost/asio/post.hpp>
#include <chrono>
#include <utility>

#include "edge/edge_state.hpp"

namespace tandem::edge {

ParallelIo::ParallelIo(EdgeState& edge, std::size_t threads, std::size_t share_from)
    : edge_(&edge), share_from_(share_from), readers_(threads / 2), writers_(threads - threads / 2) {
  send_ = [this](std::uint32_t item) { sent_[item] = lent_[item]->send_lent(); };
  if (!reads()) return;
  for (Group& group : groups_) {
    group.buffers = std::make_unique_for_overwrite<char[]>(limits::edge_group * limits::turn_bytes_per_connection);
    group.received.resize(limits::edge_group);
    group.read = [&group](std::uint32_t item) {
      char* const buffer = group.buffers.get() + item * limits::turn_bytes_per_connection;
      group.received[item] = group.connections[item]->receive_into(buffer);
    };
  }
}

void ParallelIo::start(EdgeThreads& threads, std::size_t items, const EdgeThreads::Work& work) {
  const std::size_t wake = items < share_from_ ? 0 : (items + share_from_ - 1) / share_from_;
  threads.start(static_cast<std::uint32_t>(items), work, wake);
}

// ---- Reading ----

void ParallelIo::read_soon(IoPtr connection) {
  ready_.push_back(std::move(connection));
  if (ready_.size() > 1) return;
  // Behind the handlers of all that became readable with this one.
  boost::asio::post(edge_->loop, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->read_all();
  });
}

void ParallelIo::read_all() {
  std::swap(reading_, ready_);
  begun_ = 0;
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::microseconds(limits::turn_us);
  Group* current = &groups_[0];
  Group* next = &groups_[1];
  begin_group(*current);
  while (!current->connections.empty()) {
    readers_.finish();
    if (edge_->bytes_read_this_turn < limits::turn_bytes && Clock::now() < end) begin_group(*next);
    take(*current);
    std::swap(current, next);
  }
  for (; begun_ < reading_.size(); ++begun_) read_soon(std::move(reading_[begun_]));
  reading_.clear();
}

void ParallelIo::begin_group(Group& group) {
  while (begun_ < reading_.size() && group.connections.size() < limits::edge_group) {
    IoPtr connection = std::move(reading_[begun_++]);
    if (connection->wants_receive()) group.connections.push_back(std::move(connection));
  }
  if (!group.connections.empty()) start(readers_, group.connections.size(), group.read);
}

void ParallelIo::take(Group& group) {
  for (std::size_t i = 0; i < group.connections.size(); ++i) group.connections[i]->take_received(group.received[i]);
  group.connections.clear();
}

// ---- Writing ----

void ParallelIo::write(const std::vector<IoPtr>& connections) {
  finish_writes();
  const bool alone = connections.size() < share_from_;
  for (const IoPtr& connection : connections) {
    if (!connection->may_write()) continue;
    if (alone || !connection->lend()) {
      connection->write_alone();
    } else {
      lent_.push_back(connection);
    }
  }
  sent_.resize(lent_.size());
  if (!lent_.empty()) start(writers_, lent_.size(), send_);
}

void ParallelIo::finish_writes() {
  writers_.finish();
  std::swap(finished_, lent_);
  for (std::size_t i = 0; i < finished_.size(); ++i) finished_[i]->finish_lent(sent_[i]);
  finished_.clear();
}

}  // namespace tandem::edge
