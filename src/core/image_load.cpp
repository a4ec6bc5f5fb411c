// Building State from the rows of an image.
#include <algorithm>
#include <functional>

#include "base/limits.hpp"
#include "core/image.hpp"
#include "core/image_codec.hpp"
#include "core/record_parts.hpp"

namespace tandem::core {

namespace {
constexpr Sequence highest_position = Sequence{1} << 62;  // of a queue: no session comes so far

constexpr std::uint8_t row_version = 1;

std::uint64_t get_u64_be(ByteReader& in) {
  const std::uint64_t high = in.u32_be();
  return (high << 32) | in.u32_be();
}

Error damaged(const char* what) {
  return Error{std::string("image: a ") + what + " row is damaged or unknown"};
}

}  // namespace

Status ImageLoader::load(const Row& row) {
  ByteReader key(row.key);
  ByteReader in(row.value);
  if (in.u8() != row_version) return Error{"image: a row has a version that this program is too old to read"};
  switch (static_cast<RowKind>(row.kind)) {
    case RowKind::globals:
      return load_globals(in);
    case RowKind::message:
      return load_message(key, in);
    case RowKind::session:
      return load_session(key, in);
    case RowKind::subscription:
      return load_subscription(key, in);
    case RowKind::segment:
      return load_segment(key, in);
    case RowKind::retained: {
      MessageRef held = message(in.u64_le());
      if (!in.ok() || !held || state_.retained_at(row.key) != nullptr) return damaged("retained");
      state_.load_retained(row.key, std::move(held));
      return {};
    }
    case RowKind::will:
      return load_will(row.key, in);
    case RowKind::user:
      return load_user(row.key, in);
    case RowKind::rule_set:
      return load_rule_set(key, in);
  }
  return Error{"image: row kind " + std::to_string(row.kind) + " is unknown: this program is too old to read it"};
}

Status ImageLoader::load_globals(ByteReader& in) {
  Globals globals;
  globals.epoch.number = in.u64_le();
  globals.epoch.node.value = in.u64_le();
  globals.epoch.store = in.u64_le();
  globals.next_session = in.u64_le();
  globals.next_joined = in.u64_le();
  const std::uint64_t epochs = in.varint();
  for (std::uint64_t i = 0; i < epochs && in.ok(); ++i) {
    Epoch epoch;
    epoch.number = in.u64_le();
    epoch.node.value = in.u64_le();
    epoch.store = in.u64_le();
    Merged& merged = globals.merged[epoch];
    merged.lsn.value = in.u64_le();
    merged.index = in.u32_le();
  }
  // It comes once, and before the sessions, whose numbers lie below the next one.
  const bool numbers_left = globals.next_session != 0 && globals.next_session < transient_bit / 2;
  if (!in.ok() || globals.merged.size() > max_merged_epochs || has_globals_ || !numbers_left) return damaged("globals");
  state_.load_globals(globals);
  has_globals_ = true;
  return {};
}

Status ImageLoader::load_will(const std::string& client_id, ByteReader& in) {
  Will will;
  will.message = message(in.u64_le());
  will.delay_s = in.u32_le();
  will.keep_alive_s = in.u16_le();
  const std::uint8_t flags = in.u8();
  will.connected = (flags & 1U) != 0;
  will.grace = (flags & 2U) != 0;
  will.fires_at = Instant{in.i64_le()};
  if (!in.ok() || !will.message || state_.wills().contains(client_id)) return damaged("will");
  state_.load_will(client_id, std::move(will));
  return {};
}

Status ImageLoader::load_user(const std::string& name, ByteReader& in) {
  User user;
  user.password_hash = in.bytes_varint();
  user.scram = in.bytes_varint();
  const std::uint64_t patterns = in.varint();
  for (std::uint64_t i = 0; i < patterns && in.ok(); ++i) user.client_ids.emplace_back(in.bytes_varint());
  if (!in.ok() || name.empty() || state_.access().user(name) != nullptr) return damaged("user");
  state_.load_user(name, std::move(user));
  return {};
}

Status ImageLoader::load_rule_set(ByteReader& key, ByteReader& in) {
  RuleSetName name;
  name.owner = get_rule_owner(key);
  name.name = key.rest();
  RuleSet set;
  const std::uint64_t rules = in.varint();
  for (std::uint64_t i = 0; i < rules && in.ok(); ++i) {
    const Right right = get_right(in);
    set.rules.push_back({right, std::string(in.bytes_varint())});
  }
  if (!key.ok() || !in.ok() || state_.access().sets().contains(name)) return damaged("rules");
  state_.load_rule_set(name, std::move(set));
  return {};
}

Status ImageLoader::load_message(ByteReader& key, ByteReader& in) {
  const std::uint64_t id = get_u64_be(key);
  MessageView v;
  const std::uint8_t flags = in.u8();
  v.qos = static_cast<mqtt::Qos>(flags & 3U);
  v.retain = (flags & 4U) != 0;
  v.published_at = Instant{in.i64_le()};
  v.expiry_s = in.u32_le();
  v.topic = in.bytes_varint();
  v.properties = in.bytes_varint();
  v.payload = in.bytes_varint();
  const bool fits = (flags & 3U) != 3U && v.topic.size() <= limits::max_topic_bytes;
  if (!in.ok() || !key.ok() || id == 0 || !fits || messages_.contains(id)) return damaged("message");
  messages_[id] = state_.message_table().create_saved(v, id);
  return {};
}

Status ImageLoader::load_session(ByteReader& key, ByteReader& in) {
  auto session = std::make_unique<Session>();
  Session& s = *session;
  s.id = get_u64_be(key);
  s.durable = true;
  s.client_id = std::string(in.bytes_varint());
  s.username = std::string(in.bytes_varint());
  const std::uint8_t version = in.u8();
  s.version = static_cast<mqtt::Version>(version);
  s.connected = in.u8() != 0;
  s.keep_alive_s = in.u16_le();
  s.expiry_s = in.u32_le();
  s.expires_at = Instant{in.i64_le()};
  s.receive_maximum = in.u16_le();
  s.max_packet_bytes = in.u32_le();
  s.max_queue_messages = in.u32_le();
  s.max_queue_bytes = in.u64_le();
  const std::uint64_t held = in.varint();
  for (std::uint64_t i = 0; i < held && in.ok(); ++i) s.held_ids.push_back(in.u16_le());
  if (in.remaining() != 0) s.queue_policy = get_queue_policy(in);
  const bool ids_ascend = std::is_sorted(s.held_ids.begin(), s.held_ids.end(), std::less_equal<>());
  if (!in.ok() || !key.ok() || s.id == 0 || s.id >= state_.globals().next_session || version < 3 || version > 5 ||
      !ids_ascend || state_.session(s.id) != nullptr || state_.session_of(s.client_id) != nullptr) {
    return damaged("session");
  }
  state_.load_session(std::move(session));
  return {};
}

Status ImageLoader::load_subscription(ByteReader& key, ByteReader& in) {
  Session* session = state_.session(get_u64_be(key));
  const std::string_view filter = key.rest();
  mqtt::SubscriptionOptions options;
  const std::uint8_t qos = in.u8();
  const std::uint8_t flags = in.u8();
  const std::uint8_t handling = in.u8();
  const std::uint32_t identifier = in.u32_le();
  const std::uint64_t joined = in.u64_le();
  if (!in.ok() || session == nullptr || filter.empty() || qos > 2 || handling > 2) return damaged("subscription");
  options.qos = static_cast<mqtt::Qos>(qos);
  options.no_local = (flags & 1U) != 0;
  options.retain_as_published = (flags & 2U) != 0;
  options.retain_handling = static_cast<mqtt::RetainHandling>(handling);
  state_.load_subscription(*session, filter, options, identifier, joined);
  return {};
}

Status ImageLoader::load_segment(ByteReader& key, ByteReader& in) {
  Session* session = state_.session(get_u64_be(key));
  const std::uint64_t segment = get_u64_be(key);
  const std::uint64_t begin = in.u64_le();
  const std::uint64_t count = in.varint();
  constexpr std::uint64_t entries = limits::queue_segment_entries;
  const bool fits = begin <= highest_position && begin / entries == segment && count <= entries - begin % entries;
  if (!in.ok() || session == nullptr || !fits) return damaged("queue");
  Queue& queue = session->queue;
  if (queue.size() == 0)
    queue.start_at(begin);
  else if (queue.tail() != begin)
    return damaged("queue");
  for (std::uint64_t i = 0; i < count; ++i) {
    QueueEntry entry;
    const std::uint8_t flags = in.u8();
    const std::uint64_t id = in.varint();
    entry.qos = flags & 3U;
    entry.retain = (flags & 4U) != 0;
    entry.sent = (flags & 8U) != 0;
    entry.in_flight = (flags & 16U) != 0;
    entry.released = (flags & 32U) != 0;
    entry.done = (flags & 64U) != 0;
    if (id != 0) entry.message = message(id);
    std::vector<std::uint32_t> identifiers;
    const std::uint64_t identifier_count = (flags & 128U) != 0 ? in.varint() : 0;
    for (std::uint64_t k = 0; k < identifier_count && in.ok(); ++k) identifiers.push_back(in.u32_le());
    if (!in.ok() || (!entry.done && !entry.message)) return damaged("queue");
    const Sequence sequence = queue.tail();
    queue.push_loaded(std::move(entry));
    queue.set_identifiers(sequence, identifiers);
  }
  const std::uint64_t groups = in.remaining() != 0 ? in.varint() : 0;
  for (std::uint64_t i = 0; i < groups; ++i) {
    const std::uint64_t place = in.varint();
    const std::uint16_t group = in.u16_le();
    if (!in.ok() || place >= count) return damaged("queue");
    queue.at(begin + place).group = group;
  }
  return {};
}

MessageRef ImageLoader::message(std::uint64_t id) const {
  const auto found = messages_.find(id);
  return found == messages_.end() ? MessageRef{} : found->second;
}

Status ImageLoader::finish() {
  const bool empty = state_.sessions().empty() && state_.wills().empty() && state_.retained().empty() &&
                     state_.access().users().empty() && state_.access().sets().empty();
  if (!has_globals_ && !empty) return Error{"image: the row of the epoch and the counters is missing"};
  state_.settle_loaded();
  messages_.clear();
  return {};
}

}  // namespace tandem::core
