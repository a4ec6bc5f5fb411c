// Fleet: the measured loop. Everything per message is a handful of instructions: the load must cost less than
// the broker.
#include "tests/bench/fleet.hpp"

#include <sys/epoll.h>

#include <algorithm>

namespace tandem::bench {

namespace {

constexpr int events_max = 512;
constexpr int64_t stall_ns = 3'000'000'000;
constexpr uint64_t paced_window = 20'000;  // paced sending waits only before it would run out of packet ids

enum FirstByte : uint8_t { puback = 0x40, pubrec = 0x50, pubrel = 0x62, pubcomp = 0x70 };

}  // namespace

void Fleet::start_sending(uint64_t limit, bool await_delivery) {
  sending_ = true;
  await_delivery_ = await_delivery;
  limit_ = limit / publishers_.size();
  now_ns_ = monotonic_ns();
  next_due_ns_ = static_cast<double>(now_ns_);
  stall_check_ns_ = now_ns_;
  for (uint32_t i = 0; i < publishers_.size(); ++i) mark_ready(i);
}

bool Fleet::sent_all() const {
  return std::all_of(publishers_.begin(), publishers_.end(),
                     [this](const Publisher& publisher) { return publisher.sent == limit_; });
}

bool Fleet::turn(int64_t wait_ns) {
  if (sending_ && options_.rate > 0) {
    wait_ns = std::min(wait_ns, static_cast<int64_t>(next_due_ns_) - monotonic_ns());
  }
  wait_ns = std::max<int64_t>(wait_ns, 0);
  timespec wait = {wait_ns / 1'000'000'000, wait_ns % 1'000'000'000};
  epoll_event events[events_max];
  int count = ::epoll_pwait2(epoll_, events, events_max, &wait, nullptr);
  now_ns_ = monotonic_ns();
  for (int i = 0; i < count; ++i) handle(events[i].data.u32, events[i].events);
  if (sending_ && options_.rate > 0) send_paced();
  if (sending_ && options_.rate <= 0) send_saturated();
  flush_all();
  if (sending_ && now_ns_ - stall_check_ns_ > stall_ns) reopen_stalled(now_ns_);
  return broken_.empty();
}

void Fleet::handle(uint32_t tag, uint32_t events) {
  uint32_t index = tag >> 1;
  bool subscriber = (tag & 1) != 0;
  if ((events & ~static_cast<uint32_t>(EPOLLOUT)) != 0) {
    subscriber ? read_subscriber(index) : read_publisher(index);
  }
  if ((events & EPOLLOUT) != 0) {
    queue_flush(subscriber ? *subscribers_[index].connection : *publishers_[index].connection, tag);
  }
}

void Fleet::read_publisher(uint32_t index) {
  auto refresh = [] {};
  auto on_packet = [this, index](uint8_t first, const char* body, size_t length) {
    on_publisher_packet(index, first, body, length);
  };
  if (publishers_[index].connection->read(buffer_, refresh, on_packet) == Connection::State::closed) {
    break_off(index << 1, "closed by the broker");
  }
}

void Fleet::read_subscriber(uint32_t index) {
  auto refresh = [this] { now_ns_ = monotonic_ns(); };
  auto on_packet = [this, index](uint8_t first, const char* body, size_t length) {
    on_subscriber_packet(index, first, body, length);
  };
  if (subscribers_[index].connection->read(buffer_, refresh, on_packet) == Connection::State::closed) {
    break_off((index << 1) | 1, "closed by the broker");
  }
}

void Fleet::on_publisher_packet(uint32_t index, uint8_t first, const char* body, size_t length) {
  if (length < 2) return;
  Publisher& publisher = publishers_[index];
  bool refused = length > 2 && static_cast<uint8_t>(body[2]) >= 0x80;
  if (first == pubrec && !refused) {
    write_ack(publisher.connection->room(4), pubrel, read_u16(body));
    queue_flush(*publisher.connection, index << 1);
    return;
  }
  if (first != puback && first != pubrec && first != pubcomp) return;
  ++publisher.acknowledged;
  ++counters_.acknowledged;
  counters_.refused += refused ? 1 : 0;
  mark_ready(index);
}

void Fleet::on_subscriber_packet(uint32_t index, uint8_t first, const char* body, size_t length) {
  if ((first & 0xf0) == 0x30) return on_message(index, first, body, length);
  if (first != pubrel || length < 2) return;
  Connection& connection = *subscribers_[index].connection;
  write_ack(connection.room(4), pubcomp, read_u16(body));
  queue_flush(connection, (index << 1) | 1);
}

void Fleet::on_message(uint32_t subscriber, uint8_t first, const char* body, size_t length) {
  Incoming message;
  bool ours = read_publish(first, body, length, options_.version, message);
  if (message.qos > 0) {
    Connection& connection = *subscribers_[subscriber].connection;
    write_ack(connection.room(4), message.qos == 1 ? puback : pubrec, message.pid);
    queue_flush(connection, (subscriber << 1) | 1);
  }
  if (!ours || message.stamp.publisher >= publishers_.size()) {
    ++counters_.foreign;
    return;
  }
  uint32_t stream = copies_ > 1 ? subscriber : message.stamp.publisher;
  uint64_t moved = sequences_[stream].take(message.stamp.sequence);
  arrived_ += moved;
  publishers_[message.stamp.publisher].arrived += moved;
  ++counters_.delivered;
  if (measure_latency_) latency_->record(now_ns_ - message.stamp.sent_ns);
  mark_ready(message.stamp.publisher);
}

void Fleet::mark_ready(uint32_t publisher) {
  if (publishers_[publisher].may_send) return;
  publishers_[publisher].may_send = true;
  ready_.push_back(publisher);
}

uint64_t Fleet::free_places(const Publisher& publisher) const {
  uint64_t window = options_.rate > 0 ? paced_window : window_;
  uint64_t waiting = options_.qos > 0 ? publisher.sent - publisher.acknowledged : 0;
  if (await_delivery_) {
    uint64_t delivered = std::min(publisher.sent, copies_ == 1 ? publisher.arrived : publisher.arrived / copies_);
    waiting = std::max(waiting, publisher.sent - delivered);
  }
  uint64_t places = window > waiting ? window - waiting : 0;
  return limit_ == 0 ? places : std::min(places, limit_ - publisher.sent);
}

void Fleet::send_one(uint32_t index, int64_t stamp_ns) {
  Publisher& publisher = publishers_[index];
  auto pid = static_cast<uint16_t>(1 + publisher.sent % 65535);
  char* to = publisher.connection->room(publisher.frame->size());
  publisher.frame->write(to, pid, {stamp_ns, publisher.sent, index});
  ++publisher.sent;
  ++counters_.published;
}

void Fleet::send_saturated() {
  ready_now_.swap(ready_);
  for (uint32_t index : ready_now_) {
    Publisher& publisher = publishers_[index];
    publisher.may_send = false;
    uint64_t places = free_places(publisher);
    // A socket that is full already has enough to do.
    if (places == 0 || publisher.connection->awaits_room) continue;
    int64_t stamp_ns = monotonic_ns();
    for (; places > 0; --places) send_one(index, stamp_ns);
    queue_flush(*publisher.connection, index << 1);
  }
  ready_now_.clear();
}

// Messages are due at even intervals, publishers in turn. The stamp is the time at which a message was due,
// so that a delay of the generator counts as latency rather than hiding it.
void Fleet::send_paced() {
  double interval_ns = 1e9 / options_.rate;
  while (next_due_ns_ <= static_cast<double>(now_ns_) && free_places(publishers_[next_paced_]) > 0) {
    send_one(next_paced_, static_cast<int64_t>(next_due_ns_));
    queue_flush(*publishers_[next_paced_].connection, next_paced_ << 1);
    next_paced_ = (next_paced_ + 1) % static_cast<uint32_t>(publishers_.size());
    next_due_ns_ += interval_ns;
  }
}

void Fleet::queue_flush(Connection& connection, uint32_t tag) {
  if (connection.queued) return;
  connection.queued = true;
  to_flush_.push_back(tag);
}

void Fleet::flush_all() {
  for (uint32_t tag : to_flush_) {
    Connection* connection =
        (tag & 1) != 0 ? subscribers_[tag >> 1].connection.get() : publishers_[tag >> 1].connection.get();
    if (connection == nullptr) continue;
    connection->queued = false;
    if (connection->has_output() && connection->flush() == Connection::State::closed) {
      break_off(tag, "closed by the broker while sending");
      continue;
    }
    bool awaits_room = connection->has_output();
    if (awaits_room == connection->awaits_room) continue;
    connection->awaits_room = awaits_room;
    epoll_event event = {};
    event.events = EPOLLIN | (awaits_room ? static_cast<uint32_t>(EPOLLOUT) : 0U);
    event.data.u32 = tag;
    ::epoll_ctl(epoll_, EPOLL_CTL_MOD, connection->fd(), &event);
    if (!awaits_room && (tag & 1) == 0) mark_ready(tag >> 1);
  }
  to_flush_.clear();
}

// Messages that a broker dropped at the end of a stream leave no gap to see: without this their places in the
// window would be lost, and with the last one the run.
void Fleet::reopen_stalled(int64_t now_ns) {
  uint64_t progress = counters_.published + counters_.acknowledged + arrived_;
  bool moved = progress != stall_progress_;
  stall_progress_ = progress;
  stall_check_ns_ = now_ns;
  if (moved || options_.rate > 0 || !await_delivery_) return;
  ++counters_.stalls;
  for (uint32_t i = 0; i < publishers_.size(); ++i) {
    publishers_[i].arrived = publishers_[i].sent * copies_;
    mark_ready(i);
  }
}

void Fleet::break_off(uint32_t tag, const std::string& why) {
  if (!broken_.empty()) return;
  std::string who = (tag & 1) != 0 ? "subscriber " : "publisher ";
  broken_ = who + std::to_string(tag >> 1) + ": " + why;
}

Losses Fleet::losses() const {
  Losses out;
  for (size_t i = 0; i < sequences_.size(); ++i) {
    const Publisher& publisher = publishers_[copies_ > 1 ? 0 : i];
    out.lost += sequences_[i].lost(publisher.sent);
    out.duplicates += sequences_[i].duplicates();
    out.reordered += sequences_[i].reordered();
  }
  return out;
}

}  // namespace tandem::bench
