// Frames in, heartbeats out. Whatever comes in has passed CURVE, but is bounded and checked all the same.
#include <algorithm>

#include "mirror/node.hpp"

#include "mirror/names.hpp"

namespace tandem::mirror {

namespace {
constexpr std::string_view product_version = TANDEM_VERSION;
constexpr unsigned beats_per_info = 20;
}  // namespace

void Pair::Impl::on_frame(std::size_t path, ByteView frame, Steady now) {
  if (!options.has_peer || path >= options.paths) return;
  ByteReader in(frame);
  std::uint8_t version = 0;
  const std::optional<FrameHeader> header = read_header(in, version);
  if (!header) {
    if (version != 0 && version != wire_version) {
      refuse("the peer speaks mirror format " + std::to_string(version) + ", this box speaks format " +
             std::to_string(wire_version) + ": install neighbouring versions of Tandem");
    }
    return;
  }
  if (header->kind == FrameKind::hello) {
    const std::optional<Hello> hello = get_hello(in);
    if (hello) on_hello(path, *header, *hello, now);
    return;
  }
  if (!post.stream().accepts(header->from, header->to)) return;
  if (header->kind == FrameKind::beat) {
    std::optional<Beat> beat = get_beat(in);
    if (beat) on_peer_beat(path, *header, std::move(*beat), now);
    return;
  }
  on_stream_frame(*header, in, now);
  peer.sequence = std::max(peer.sequence, header->sequence);
}

bool Pair::Impl::refuse(std::string why) {
  if (why == refusal) return false;
  refusal = std::move(why);
  tell(Tell::Level::error, "The peer is refused: " + refusal + ".");
  return false;
}

bool Pair::Impl::acceptable(const Hello& hello) {
  const auto& ours = options.pair_ids;
  if (std::find(ours.begin(), ours.end(), hello.pair_id) == ours.end())
    return refuse("it belongs to another pair (check both public keys)");
  if (hello.name == options.node_name) {
    return refuse("both nodes are named \"" + hello.name + "\": give each its own [node] name");
  }
  const std::uint32_t apart =
      hello.features > feature_level ? hello.features - feature_level : feature_level - hello.features;
  if (apart > 1) {
    return refuse("Tandem " + hello.product + " has feature level " + std::to_string(hello.features) +
                  ", this box has " + std::to_string(feature_level) + ": upgrade one step at a time");
  }
  refusal.clear();
  peer_features = hello.features;
  return true;
}

void Pair::Impl::on_hello(std::size_t path, const FrameHeader& header, const Hello& hello, Steady now) {
  if (!acceptable(hello)) return;
  if (overtaken(header)) return beats.heard(path);  // what it says of state and lease was true once
  const bool was_up = linked();
  const Stream::Change change = post.stream().on_hello(header.from, header.to);
  if (change == Stream::Change::ignored) return;
  beats.heard(path);
  const bool proven = change == Stream::Change::went_up;
  if (proven || header.from.boot == peer.boot || !was_up) {
    if (proven && header.from.boot != peer.boot) peer.sequence = 0;
    peer.name = hello.name;
    take_peer_state(header, Beat(hello.beat), now);
  }
  if (was_up && change != Stream::Change::none) on_stream_lost("the peer began a new one");
  if (proven) on_stream_up(hello, now);
  const bool up_with_it = linked() && post.stream().peer() == header.from;
  if (!hello.up_with_you || !up_with_it) send_hello(path, header.from, up_with_it, now);
  step(now);
}

void Pair::Impl::on_peer_beat(std::size_t path, const FrameHeader& header, Beat beat, Steady now) {
  beats.heard(path);
  const std::uint64_t confirm = beat.confirm;
  const Lsn memory = beat.confirm_memory;
  const Lsn durable = beat.confirm_durable;
  const bool mirror = beat.in_sync && beat.mirror_boot == follower.boot && beat.mirror_join == follower.join;
  const bool may_hold_lease = beat.role != Role::active && beat.may_hold_lease;
  const bool wished_before = peer.beat.wants_switchover;
  if (!take_peer_state(header, std::move(beat), now)) return;
  if (!may_hold_lease) solo.waive();
  take_echo(peer.beat);
  if (confirm != 0 && mirror) on_sync_confirm(confirm, memory, durable, now);
  take_wish(wished_before, now);
  step(now);
}

// A later frame of that life has been read already, by another path.
bool Pair::Impl::overtaken(const FrameHeader& header) const {
  return header.from.boot == peer.boot && header.sequence <= peer.sequence;
}

// False: it says nothing new.
bool Pair::Impl::take_peer_state(const FrameHeader& header, Beat&& beat, Steady now) {
  if (overtaken(header)) return false;
  peer.known = true;
  peer.boot = header.from.boot;
  peer.sequence = header.sequence;
  peer.heard_at = now;
  if (beat.info) peer.info = std::move(*beat.info);
  peer.beat = std::move(beat);
  // A log that went another way may have lost what both had once (durability "peer"): its length says nothing.
  if (const auto end = local.meta.history.end_of(peer.beat.epoch, local.log_last)) {
    peer.shared_durable = std::min(peer.beat.durable, *end);
  }
  peer.served_at.reset();
  if (peer.beat.role == Role::active && peer.beat.word == Word::master && !peer.beat.stopping) peer.served_at = now;
  max_epoch_number = std::max(max_epoch_number, peer.beat.epoch.number);
  post.peer_hears(peer.beat.heard_paths);
  if (peer.beat.role == Role::active && peer.beat.log_time.ms != 0) heard_time = HeardTime{peer.beat.log_time, now};
  return true;
}

void Pair::Impl::take_echo(const Beat& beat) {
  if (role == Role::standby && join.in_sync() && mirrored_with_me() && beat.echo != 0) lease.echoed(beat.echo);
}

void Pair::Impl::on_stream_frame(const FrameHeader& header, ByteReader in, Steady now) {
  switch (header.kind) {
    case FrameKind::batch:
      if (std::optional<Batch> batch = get_batch(in); batch && role == Role::standby) {
        join.on_batch(std::move(*batch), now);
      }
      return;
    case FrameKind::confirm:
      if (const std::optional<Confirm> confirm = get_confirm(in)) on_confirm(*confirm, now);
      return;
    case FrameKind::digest:
      if (std::optional<Digest> digest = get_digest(in); digest && join.in_sync() && digest->at == local.log_last) {
        orders.push_back(CompareDigest{digest->at, std::move(digest->digest)});
      }
      return;
    case FrameKind::release:
      if (const std::optional<Release> released = get_release(in)) on_release(*released, now);
      return;
    case FrameKind::ask_release:
      if (const std::optional<JoinAsk> ask = get_join_ask(in); ask && ask->join == join.number()) release(now);
      return;
    case FrameKind::verify_ask:
      on_verify_frame(false, in);
      return;
    case FrameKind::verify_answer:
      on_verify_frame(true, in);
      return;
    case FrameKind::clients:
      on_clients(in);
      return;
    default:
      on_join_frame(header, in, now);
      return;
  }
}

void Pair::Impl::on_join_frame(const FrameHeader& header, ByteReader in, Steady now) {
  switch (header.kind) {
    case FrameKind::join_ask:
      if (const std::optional<JoinAsk> ask = get_join_ask(in)) on_join_ask(*ask, now);
      break;
    case FrameKind::merge_ask:
      if (const std::optional<JoinAsk> ask = get_join_ask(in)) on_merge_ask(*ask, now);
      break;
    case FrameKind::offer:
      if (const std::optional<Offer> offer = get_offer(in); offer && role == Role::standby) {
        if (offer->merge) solo.waive();  // it has yielded: no lease
        join.on_offer(*offer);
      }
      break;
    case FrameKind::fetch:
      if (const std::optional<Fetch> fetch = get_fetch(in)) on_fetch(*fetch, now);
      break;
    case FrameKind::piece:
      if (std::optional<Piece> piece = get_piece(in); piece && role == Role::standby) join.on_piece(std::move(*piece));
      break;
    case FrameKind::piece_ack:
      if (const std::optional<PieceAck> ack = get_piece_ack(in)) feeder.on_ack(*ack);
      break;
    case FrameKind::tail:
      if (std::optional<TailFrame> tail = get_tail_frame(in)) on_tail_frame(std::move(*tail));
      break;
    case FrameKind::tail_ack:
      if (const std::optional<TailAck> ack = get_tail_ack(in); ack && role == Role::standby) join.on_tail_ack(*ack);
      break;
    case FrameKind::sync_point:
      if (const std::optional<SyncPoint> point = get_sync_point(in); point && role == Role::standby) {
        if (point->join == join.number()) {
          peer.beat.mirror_boot = post.stream().own().boot;
          peer.beat.mirror_join = point->join;
        }
        join.on_sync_point(*point);
      }
      break;
    default:
      break;
  }
  step(now);
}

Beat Pair::Impl::own_beat(Steady now) const {
  Beat beat;
  beat.role = role;
  beat.mode = mode(now);
  beat.word = word();
  beat.empty = local.meta.last_role == LastRole::empty;
  beat.stale = local.meta.last_role == LastRole::stale;
  beat.may_hold_lease = role == Role::promoting || (role == Role::standby && lease.possible(now));
  beat.in_sync = role == Role::active ? mirrored && follower.sealed : role == Role::standby && join.in_sync();
  beat.unclean = local.meta.unclean;
  beat.stopping = gives_way();
  beat.maintenance = maintenance_on;
  beat.wants_switchover = wish_until.has_value();
  beat.wants_by_force = wish_until && wish_forced;
  beat.heard_paths = beats.heard_paths();
  beat.reaches_nobody = claim.reaches_nobody();
  beat.epoch = local.meta.epoch;
  beat.lsn = local.log_last;
  beat.durable = local.durable;
  beat.log_time = log_time.ms == 0 ? log_time : log_time.plus_ms(now.ms - log_time_at.ms);
  beat.alone_from = local.meta.alone_from;
  if (role == Role::active && mirrored && !follower.let_go) {
    beat.mirror_boot = follower.boot;
    beat.mirror_join = follower.join;
    beat.echo = follower.echo;
  }
  if (role == Role::standby && join.in_sync()) {
    beat.mirror_boot = post.stream().own().boot;
    beat.mirror_join = join.number();
  }
  return beat;
}

void Pair::Impl::send_hello(std::size_t path, StreamEnd echo, bool up, Steady now) {
  Hello hello;
  hello.up_with_you = up;
  hello.product = product_version;
  hello.pair_id = options.pair_ids.front();
  hello.name = options.node_name;
  hello.beat = own_beat(now);
  hello.beat.info = info;
  post.send_on(path, FrameKind::hello, echo, hello);
}

void Pair::Impl::send_beats(Steady now) {
  if (!options.has_peer) return;
  if (!linked()) {
    for (std::size_t i = 0; i < post.paths(); ++i) send_hello(i, post.stream().peer(), false, now);
    return;
  }
  Beat beat = own_beat(now);
  if (role == Role::standby && join.in_sync()) {
    beat.may_hold_lease = true;  // an echo could still renew it
    beat.confirm = lease.number_confirm(now);
    beat.confirm_memory = local.applied;
    beat.confirm_durable = local.durable;
  }
  if (beats_until_info == 0) {
    beat.info = info;
    beats_until_info = beats_per_info;
  }
  --beats_until_info;
  post.send_on_all_paths(FrameKind::beat, beat);
}

}  // namespace tandem::mirror
