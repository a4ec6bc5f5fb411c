#include "samples.hpp"

#include "core/merge_fact.hpp"
#include "core/reconcile.hpp"

#include "doctest.hpp"

#include <fstream>

namespace tandem::core::test {

namespace {

MessageView message(std::string_view topic, std::string_view payload, mqtt::Qos qos) {
  MessageView view;
  view.topic = topic;
  view.payload = payload;
  view.qos = qos;
  return view;
}

Connected connected(std::string_view client_id) {
  Connected r;
  r.client_id = client_id;
  r.durable = true;
  r.version = mqtt::Version::v5;
  r.keep_alive_s = 60;
  r.session_expiry_s = 3600;
  r.receive_maximum = 100;
  r.max_queue_messages = 1000;
  r.max_queue_bytes = 1'000'000;
  return r;
}

}  // namespace

std::vector<std::pair<std::string, Record>> sample_records() {
  const Epoch epoch{3, node_id_from_name("boxa"), 0x0123456789abcdef};
  Connected with_will = connected("c2");
  with_will.username = "u";
  with_will.clean_start = true;
  with_will.max_packet_bytes = 65'536;
  with_will.will = WillView{message("w", "gone", mqtt::Qos::at_least_once), 300};
  with_will.will->message.retain = true;
  Disconnected expiring{"c1", false, 7};
  Published published;
  published.publisher = 1;
  published.held_id = 0x1234;
  published.message = message("t/a", "hello", mqtt::Qos::exactly_once);
  published.message.properties = ByteView("\x01\x01", 2);
  published.message.expiry_s = 60;
  published.message.retain = true;
  published.picks = {{2, "$share/g/t/#"}, {transient_bit | 5, "$share/h/t/#"}};
  Published plain;
  plain.publisher = transient_bit | 9;
  plain.message = message("t", "x", mqtt::Qos::at_least_once);
  with_will.session = 2;
  with_will.ended = 1;
  Connected resuming = connected("c1");
  resuming.resumed = true;
  resuming.session = 1;
  Connected dropping = with_will;
  dropping.queue_policy = QueuePolicy::drop_oldest;
  Subscribed subscribed{1, 300, {}};
  subscribed.subscriptions.push_back({"t/#", {mqtt::Qos::exactly_once, true, true, mqtt::RetainHandling::never}});
  subscribed.subscriptions.push_back(
      {"$share/g/t", {mqtt::Qos::at_least_once, false, false, mqtt::RetainHandling::always}});
  static const ByteBuffer fact = [] {
    ByteBuffer bytes;
    encode_fact({{}, UnsubscribedFact{"c1", {"x/#", "t/+"}}}, bytes);
    return bytes;
  }();
  Reconciled reconciled;
  reconciled.origin = Origin{epoch, Lsn{300}, Instant{1'700'000'000'000}, 2};
  reconciled.outcome = merge_outcome::taken;
  reconciled.will_grace_s = 40;
  reconciled.refused = {1};
  reconciled.picks = {{1, "$share/g/t"}};
  reconciled.fact = fact;
  return {
      {"epoch_began", EpochBegan{epoch, 40}},
      {"connected", connected("c1")},
      {"connected_with_will", with_will},
      {"connected_again", resuming},
      {"disconnected", Disconnected{"c2", true, std::nullopt}},
      {"disconnected_with_expiry", expiring},
      {"subscribed", subscribed},
      {"unsubscribed", Unsubscribed{1, {"t/#", "$share/g/t"}}},
      {"published", published},
      {"published_plain", plain},
      {"released", Released{1, 0x1234}},
      {"acked_puback", Acked{200, 1, mqtt::Type::puback, false}},
      {"acked_pubrec_refused", Acked{200, 2, mqtt::Type::pubrec, true}},
      {"will_fired", WillFired{"c2", {{1, "$share/g/w"}}}},
      {"session_ended", SessionEnded{300, "c2"}},
      {"retained_expired", RetainedExpired{"t/a"}},
      {"reconciled", reconciled},
      {"connected_drop_oldest", dropping},
      {"handed_on", HandedOn{1, 300, 7, std::nullopt, {2, "$share/g/t"}}},
      {"handed_on_to_nobody_here", HandedOn{1, 300, 7, std::nullopt, {}}},
      {"handed_on_message", HandedOn{0, 0, 0, published.message, {2, "$share/g/t"}}},
      {"user_set", UserSet{"bob", "$7$1$AAAA$BBBB", "SCRAM-SHA-256$1:AAAA$BBBB:CCCC", {"plc-*", "hmi"}}},
      {"user_removed", UserRemoved{"bob"}},
      {"rules_set", RulesSet{RuleOwner::user, "bob", false, {{Right::none, "t/secret"}, {Right::read_write, "t/#"}}}},
      {"rules_set_empty", RulesSet{RuleOwner::everyone, "", false, {}}},
      {"rules_removed", RulesSet{RuleOwner::anonymous, "", true, {}}},
  };
}

std::vector<std::pair<std::string, ByteBuffer>> sample_facts() {
  std::vector<std::pair<std::string, ByteBuffer>> all;
  const auto add = [&](const std::string& name, auto body) {
    all.emplace_back(name, ByteBuffer());
    encode_fact({{}, std::move(body)}, all.back().second);
  };
  PublishedFact published;
  published.publisher = "p";
  published.packet_id = 0x1234;
  published.released = true;
  published.message = message("t/a", "hello", mqtt::Qos::exactly_once);
  published.message.expiry_s = 60;
  published.audience.clients = {"c1", "c2"};
  published.groups = {{"$share/g/t/#", "c3", true}, {"$share/h/#", "", false}};
  add("published", published);
  published.released = false;
  published.after = Instant{1'700'000'000'000};
  add("published_after", published);
  add("released", ReleasedFact{"p", 0x1234});
  SubscribedFact subscribed{"c1", 300, {}};
  subscribed.subscriptions.push_back({"t/#", {mqtt::Qos::exactly_once, true, true, mqtt::RetainHandling::never}});
  add("subscribed", subscribed);
  add("unsubscribed", UnsubscribedFact{"c1", {"t/#", "$share/g/t"}});
  Connected with_will = connected("c2");
  with_will.session = 9;
  with_will.will = WillView{message("w", "gone", mqtt::Qos::at_least_once), 300};
  add("connected", ConnectedFact{with_will});
  add("disconnected", DisconnectedFact{Disconnected{"c2", true, 7}});
  add("session_ended", SessionEndedFact{"c2"});
  WillFiredFact fired;
  fired.client = "c2";
  fired.message = message("w", "gone", mqtt::Qos::at_least_once);
  fired.audience.clients = {"c1"};
  add("will_fired", fired);
  fired.message.reset();
  fired.audience.only = true;
  add("will_fired_before", fired);
  add("queue_left", QueueLeftFact{"c1", Lsn{400}, {{1, 1}, {3, 300}}, {{7, 1}, {300, 5}}});
  add("end", EndFact{});
  add("missing", MissingFact{Lsn{1}, Lsn{300}});
  add("held", HeldFact{"c1", {1, 0x1234}});
  QueuedFact queued{message("t/a", "hello", mqtt::Qos::exactly_once), {}};
  queued.message.retain = true;
  queued.clients = {{"c1", mqtt::Qos::at_least_once, false, {}}, {"c2", mqtt::Qos::exactly_once, true, {5, 300}}};
  add("queued", queued);
  return all;
}

std::unique_ptr<State> sample_state() {
  auto state = std::make_unique<State>();
  std::uint64_t lsn = 0;
  Effects effects;
  const auto run = [&](const Record& record) {
    Applying to{*state, ++lsn, Instant{1'700'000'000'000 + static_cast<std::int64_t>(lsn)}, effects};
    core::apply(to, record);
    effects.clear();
  };
  const auto all = sample_records();
  const auto named = [&](std::string_view name) -> const Record& {
    for (const auto& [known, record] : all) {
      if (known == name) return record;
    }
    FAIL("no such sample");
    return all.front().second;
  };
  run(named("epoch_began"));
  run(named("connected"));
  run(named("connected_with_will"));
  run(named("subscribed"));
  run(Subscribed{1, 0, {{"other", {}}}});
  run(named("published"));
  Published other;
  other.message = message("t", "queued", mqtt::Qos::exactly_once);
  other.message.expiry_s = 100;
  run(other);
  run(Acked{1, 1, mqtt::Type::pubrec, false});
  run(Disconnected{"c1", true, std::nullopt});
  run(named("reconciled"));
  run(named("user_set"));
  run(named("rules_set"));
  run(named("rules_set_empty"));
  return state;
}

std::string to_hex(ByteView bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string hex;
  for (const char c : bytes) {
    hex.push_back(digits[static_cast<unsigned char>(c) >> 4]);
    hex.push_back(digits[static_cast<unsigned char>(c) & 15]);
  }
  return hex;
}

ByteBuffer from_hex(std::string_view hex) {
  ByteBuffer bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

std::vector<std::pair<std::string, ByteBuffer>> golden(const std::string& file) {
  std::ifstream in(std::string(TANDEM_GOLDEN_DIR) + "/core/" + file);
  if (!in) FAIL("golden file is missing: " << file);
  std::vector<std::pair<std::string, ByteBuffer>> vectors;
  for (std::string line; std::getline(in, line);) {
    const std::size_t equals = line.find(" = ");
    if (line.empty() || line[0] == '#' || equals == std::string::npos) continue;
    vectors.emplace_back(line.substr(0, equals), from_hex(line.substr(equals + 3)));
  }
  return vectors;
}

}  // namespace tandem::core::test
