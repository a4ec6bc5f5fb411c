// Carrying out the pair's orders, in the order in which they were given.
#include <algorithm>

#include "base/journal.hpp"
#include "broker/node.hpp"

namespace tandem::broker {

void Node::carry_out() {
  if (carrying_out_) return;  // an order's own input: the loop below goes on with what it brought
  carrying_out_ = true;
  for (std::vector<mirror::Order> orders = pair_->take_orders(); !orders.empty() && !failure_;
       orders = pair_->take_orders()) {
    for (mirror::Order& order : orders) {
      std::visit([this](auto& one) { obey(one); }, order);
      if (failure_) break;
    }
  }
  carrying_out_ = false;
}

std::uint64_t Node::token(std::function<void(Steady)> when_done) {
  const std::uint64_t number = next_token_++;
  waiting_.emplace(number, std::move(when_done));
  return number;
}

void Node::fail(const Error& error) {
  parts_.events.event(Level::error, "node", error.message);
  failure_ = error;
}

void Node::obey(mirror::SendFrame& order) {
  if (parts_.link != nullptr)
    parts_.link->send(order.path, order.bytes, order.body ? ByteView(*order.body) : ByteView{});
}

void Node::obey(mirror::WriteMeta& order) {
  parts_.store.write_meta(std::move(order.bytes), order.token);
}

void Node::obey(mirror::CommitNow& /*order*/) {
  parts_.store.commit_now();
}

void Node::obey(mirror::OpenListeners& /*order*/) {
  want_listeners_ = true;
  try_listen();
}

// Without any user, and where nobody may come without one, nobody could log in: the ports are not even open to others
// than this machine. With the first user they open.
void Node::fit_doors() {
  const bool named_by_certificate = std::any_of(config_.listeners.begin(), config_.listeners.end(), [](const auto& l) {
    return l.tls && l.tls->username_from != edge::UserNameFrom::connect;
  });
  const bool nobody =
      !config_.security.allow_anonymous && !named_by_certificate && replica_.state().access().users().empty();
  if (nobody == only_loopback_) return;
  only_loopback_ = nobody;
  parts_.doors.only_loopback(nobody);
  if (parts_.doors.listening()) parts_.doors.close_listeners();
}

// The port may still be held for a moment (by the box that served, on one machine): try until it is ours or no longer
// wanted.
void Node::try_listen() {
  fit_doors();
  if (!want_listeners_ || parts_.doors.listening()) return;
  const Status opened = parts_.doors.open_listeners();
  if (opened.ok()) {
    if (active_.reigning()) parts_.doors.accept_clients();
    return;
  }
  tell_listen_error(opened.error().message);
}

void Node::tell_listen_error(const std::string& error) {
  if (error == listen_error_) return;
  listen_error_ = error;
  journal::warn("cannot listen yet: " + error);
}

void Node::obey(mirror::Activate& order) {
  drop_open_image();
  const Steady now = steady_now();
  log_clock_.start(pair_->heard_time().has_value(), now, parts_.clocks.wall());
  if (log_clock_.capped_ms() != 0) {
    parts_.events.event(Level::error, "clock",
                        "the wall clock is " + std::to_string(log_clock_.capped_ms() / 1000) +
                            " s beyond what the log allows: set the clock; expiries wait");
  }
  active_.begin(replica_.state(), order.epoch, replica_.last(), log_clock_.now(now));
  active_.set_common_level(pair_->common_level());
  followed_pending_ = true;  // the files of this box count now
  follow_files();
  ship();  // the next order may end this reign: State and log stay at the same record
  sys_at_.reset();
  tell_sys(now);  // before the first client is here
  want_listeners_ = true;
  try_listen();
  if (parts_.doors.listening()) parts_.doors.accept_clients();
  lan_told_ = false;
  tell_lan();
}

void Node::obey(mirror::NewEpoch& order) {
  active_.go_on_as(order.epoch);
}

void Node::obey(mirror::Demote& /*order*/) {
  want_listeners_ = false;
  parts_.doors.close_listeners();
  holds_vips_ = false;
  parts_.doors.close_all_connections();
  active_.end();
}

void Node::obey(mirror::Rewind& order) {
  // While a commit is under way nobody knows of which lsn the rows are that a rebuild would read.
  const bool usable = !checkpointer_.committing() && checkpointer_.committed() <= order.to;
  checkpointer_.abort();
  if (!usable) {  // the own rows are, or may be, newer than the fork: an image must come
    pair_->on_rewound(false, steady_now());
    return;
  }
  const Lsn to = order.to;
  disk_lag_.forget();
  unconfirmed_.reset();
  parts_.store.rewind(
      to, std::move(order.note), token([this, to](Steady now) {
        const Status loaded = replica_.load(parts_.store, checkpointer_.committed(), to, parts_.at_work);
        if (!loaded.ok())
          parts_.events.event(Level::error, "store", "rebuilding State failed: " + loaded.error().message);
        pair_->on_rewound(loaded.ok() && replica_.last() == to, now);
      }));
}

void Node::obey(mirror::Wipe& order) {
  checkpointer_.abort();
  drop_open_image();
  disk_lag_.forget();
  unconfirmed_.reset();
  parts_.store.wipe(order.keep, std::move(order.note), token([this](Steady now) {
                      replica_.clear();
                      checkpointer_.loaded(Lsn{});
                      pair_->on_wiped(now);
                    }));
}

void Node::drop_open_image() {
  if (image_open_ && !image_complete_) parts_.store.abort_checkpoint();
  image_open_ = image_complete_ = false;
  ++image_number_;
}

void Node::obey(mirror::BeginImage& order) {
  drop_open_image();
  checkpointer_.abort();
  image_open_ = true;
  image_at_ = order.at;
  image_time_ = decode_checkpoint_info(order.info);
  replica_.begin_image();
  parts_.store.begin_checkpoint(order.at, std::move(order.info), true);
}

void Node::obey(mirror::ImageRows& order) {
  if (!image_open_) return;
  for (const Row& row : order.rows) {
    if (const Status loaded = replica_.image_row(row); !loaded.ok()) {
      fail(Error{"the peer's image cannot be read: " + loaded.error().message});
      return;
    }
  }
  parts_.store.put_rows(std::move(order.rows));
}

void Node::obey(mirror::EndImage& /*order*/) {
  if (!image_open_) return;
  if (const Status loaded = replica_.end_image(image_at_, image_time_); !loaded.ok()) {
    fail(Error{"the peer's image cannot be used: " + loaded.error().message});
    return;
  }
  const Lsn at = image_at_;
  image_complete_ = true;
  const std::uint64_t number = image_number_;
  parts_.store.commit_checkpoint(token([this, at, number](Steady now) {
    if (number != image_number_) return;  // dropped meanwhile
    image_open_ = image_complete_ = false;
    checkpointer_.loaded(at);
    pair_->on_image_loaded(at, now);
  }));
  parts_.store.restart_log(at);
}

void Node::obey(mirror::ApplyBatch& order) {
  const Batch& batch = order.batch;
  if (const Status applied = replica_.apply(batch); !applied.ok()) {
    fail(Error{"the peer's log cannot be applied: " + applied.error().message});
    return;
  }
  log_clock_.saw(batch.time, steady_now());
  checkpointer_.on_batch(batch.bytes->size());
  parts_.store.append(batch, pair_->wants_urgent_commit());
  disk_lag_.appended(batch.last(), batch.bytes->size(), steady_now());
  if (disk_lag_.too_far()) {  // the active slows its publishers, or goes on without this box
    unconfirmed_ = batch.last();
  } else {
    pair_->on_applied(batch.last(), steady_now());
  }
}

void Node::obey(mirror::OpenCatchUp& order) {
  catch_up_ = parts_.store.open_catch_up(order.after, order.with_rows);
}

void Node::obey(mirror::NextChunk& order) {
  parts_.store.next_chunk(catch_up_, order.max_bytes);
}

void Node::obey(mirror::CloseCatchUp& /*order*/) {
  if (catch_up_ != 0) parts_.store.close_catch_up(catch_up_);
  catch_up_ = 0;
}

void Node::obey(mirror::Tell& order) {
  parts_.events.event(order.level, "pair", order.sentence);
}

}  // namespace tandem::broker
