// Pair: the door to the parts behind it (node.hpp).
#include "mirror/pair.hpp"

#include <algorithm>

#include "mirror/node.hpp"
#include "mirror/weight.hpp"

namespace tandem::mirror {

Pair::Pair(const PairOptions& options, const PairStart& start, Steady now)
    : impl_(std::make_unique<Impl>(options, start, now)) {}
Pair::~Pair() = default;

void Pair::on_turn(Steady now) {
  impl_->on_turn(now);
}
void Pair::on_beat(Steady now) {
  impl_->on_beat(now);
}
void Pair::on_frame(std::size_t path, ByteView frame, Steady now) {
  impl_->on_frame(path, frame, now);
}

void Pair::on_word(Word word, Steady now) {
  impl_->beats.on_word(word);
  impl_->step(now);
}

void Pair::change_pair_ids(std::vector<std::string> ids) {
  impl_->options.pair_ids = std::move(ids);
}

void Pair::on_batch(const Batch& batch, Steady now) {
  impl_->on_batch(batch, now);
}
void Pair::on_applied(Lsn last, Steady now) {
  impl_->on_applied(last, now);
}
void Pair::on_durable(Lsn durable, Steady now) {
  impl_->on_durable(durable, now);
}
void Pair::on_meta_written(std::uint64_t token, Steady now) {
  impl_->on_meta_written(token, now);
}

void Pair::on_rewound(bool state_rebuilt, Steady now) {
  impl_->join.on_rewound(state_rebuilt);
  impl_->step(now);
}

void Pair::on_wiped(Steady now) {
  impl_->join.on_wiped();
  impl_->step(now);
}

void Pair::on_image_loaded(Lsn at, Steady now) {
  impl_->join.on_image_loaded(at);
  impl_->step(now);
}

void Pair::on_chunk(CatchUpPiece piece, Steady now) {
  impl_->on_chunk(std::move(piece), now);
}
void Pair::on_digest(Lsn at, ByteView digest, Steady) {
  impl_->on_digest(at, digest);
}

void Pair::on_tail(TailPiece piece, Steady now) {
  impl_->join.on_tail(std::move(piece));
  impl_->step(now);
}

void Pair::on_merged(std::uint64_t number, Lsn last, Steady now) {
  impl_->taker.on_merged(number, last);
  impl_->taker.on_durable(impl_->local.durable);
  impl_->step(now);
}

bool Pair::holds(Epoch epoch, Lsn lsn) const {
  return lsn <= impl_->local.log_last && impl_->local.meta.history.epoch_at(lsn) == epoch;
}

Epoch Pair::epoch_at(Lsn lsn) const {
  const Meta& meta = impl_->local.meta;
  return (meta.history.entries().empty() ? meta.before_damage : meta.history).epoch_at(lsn);
}

void Pair::on_reach(bool somebody, Steady now) {
  const Beat& beat = impl_->peer.beat;
  impl_->claim.on_reach(somebody, impl_->linked() && (beat.reaches_nobody || beat.maintenance), now);
}
bool Pair::cut_off(Steady now) const {
  return impl_->claim.cut_off(now);
}
bool Pair::can_be_spared() const {
  const Pair::Impl& p = *impl_;
  if (p.role != Role::active) return p.linked() && p.peer.beat.role == Role::active;
  return p.standby_whole() && !p.standby_out_of_service(p.now_seen);
}
bool Pair::both_active() const {
  return impl_->role == Role::active && impl_->linked() && impl_->peer.beat.role == Role::active;
}

bool Pair::sure(Steady now) const {
  return impl_->role_state(now) == RoleState::sure;
}

int Pair::vrrp_weight(Steady now) const {
  if (impl_->claim.given_up(now) || impl_->unwilling()) return weight_fault;
  RoleFacts facts;  // those that it asks for: this runs once a turn
  facts.linked = impl_->linked();
  facts.peer_empty = impl_->peer.beat.empty;
  return mirror::vrrp_weight(impl_->role_state(now), facts, epoch().number);
}

Result<std::string> Pair::promote_first(Steady now) {
  return impl_->promote_first(now);
}
Result<std::string> Pair::promote_force(Steady now) {
  return impl_->promote_force(now);
}
Result<std::string> Pair::resync(Steady now) {
  return impl_->resync(now);
}
Result<std::string> Pair::reconcile(Steady now) {
  return impl_->reconcile(now);
}
Result<std::string> Pair::switchover(bool force, Steady now) {
  return impl_->order_switchover(force, now);
}
Result<std::string> Pair::set_maintenance(bool on, Steady now) {
  return impl_->set_maintenance(on, now);
}
bool Pair::clients_may_go() const {
  return impl_->switchover.moving();
}
std::optional<OpenTail> Pair::pending_tail() const {
  return impl_->join.pending_tail();
}
bool Pair::send_clients(const ByteBuffer& bytes) {
  return impl_->send_clients(bytes);
}

void Pair::send_verify(bool answer, ByteBuffer bytes) {
  impl_->send_verify(answer, std::move(bytes));
}
std::uint32_t Pair::common_level() const {
  return std::min(impl_->peer_features.value_or(feature_level), feature_level);
}
void Pair::stop(Steady now) {
  impl_->stop(now);
}

std::vector<Order> Pair::take_orders() {
  if (impl_->role == Role::standby) impl_->join.flush(impl_->now_seen, false);
  std::vector<Order> orders;
  orders.swap(impl_->orders);
  return orders;
}

Lsn Pair::safe() const {
  return impl_->safe;
}
bool Pair::slow_publishers() const {
  return impl_->publishers_slowed;
}
bool Pair::hold_publishers() const {
  return impl_->role == Role::active && impl_->switchover.under_way();
}
Lsn Pair::keep_log_from() const {
  return impl_->keep_log_from();
}
bool Pair::wants_urgent_commit() const {
  return impl_->wants_urgent_commit();
}
Role Pair::role() const {
  return impl_->role;
}
Mode Pair::mode() const {
  return impl_->mode(impl_->now_seen);
}
Epoch Pair::epoch() const {
  return impl_->role == Role::active ? impl_->reign_epoch : impl_->local.meta.epoch;
}

std::optional<Pair::HeardTime> Pair::heard_time() const {
  return impl_->heard_time;
}

void Pair::set_log_time(Instant log_time, Steady now) {
  impl_->log_time = log_time;
  impl_->log_time_at = now;
}

void Pair::set_info(ByteBuffer info) {
  if (info.size() <= max_info_bytes) impl_->info = std::move(info);
}

PairStatus Pair::status(Steady now) const {
  return impl_->status(now);
}

}  // namespace tandem::mirror
