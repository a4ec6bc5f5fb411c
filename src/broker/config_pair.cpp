// The tables of a pair, [mirror] and [takeover] (see config_tables.hpp), with the relations that the takeover
// protocol rests on (docs/roles.md): a wrong one could let two boxes acknowledge alone at the same time.
#include <algorithm>
#include <unordered_set>

#include "broker/config_address.hpp"
#include "broker/config_tables.hpp"

namespace tandem::config_detail {

namespace {

constexpr std::size_t max_paths = 2;
constexpr std::size_t max_peer_keys = 4;
constexpr std::size_t max_vips = 16;
constexpr std::size_t max_reach = 8;
constexpr std::size_t public_key_chars = 40;
constexpr std::string_view z85 =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

constexpr std::string_view endpoints_allowed =
    "a list of one or two addresses with port, such as \"192.0.2.1:7883\" or \"[2001:db8::1]:7883\"";

// True if the key is there and right.
bool read_endpoints(TableReader& reader, std::string_view key, std::vector<Endpoint>& endpoints) {
  std::vector<std::string> texts;
  reader.require(key, endpoints_allowed);
  reader.read_texts(key, texts, max_paths);
  for (const std::string& text : texts) {
    const std::optional<Endpoint> endpoint = parse_endpoint(text);
    if (!endpoint) {
      reader.reject(key, "\"" + text + "\" is no address with port; allowed: " + std::string(endpoints_allowed));
    } else if (std::find(endpoints.begin(), endpoints.end(), *endpoint) != endpoints.end()) {
      reader.reject(key, "\"" + text + "\" is there twice; allowed: two different paths");
    } else {
      endpoints.push_back(*endpoint);
    }
  }
  return !texts.empty() && endpoints.size() == texts.size();
}

// Of paths that could all be read.
void check_paths(TableReader& reader, const MirrorConfig& mirror) {
  if (mirror.listen.size() != mirror.peer.size()) {
    reader.reject("peer", "has " + std::to_string(mirror.peer.size()) + " paths, listen has " +
                              std::to_string(mirror.listen.size()) +
                              "; allowed: as many as listen (peer[i] is the other box's listen[i])");
  }
  for (const Endpoint& peer : mirror.peer) {
    if (is_wildcard(peer.address)) {
      reader.reject("peer", "\"" + peer.address + "\" is no address of the other box; allowed: its own address");
    }
    if (std::find(mirror.listen.begin(), mirror.listen.end(), peer) != mirror.listen.end()) {
      reader.reject("peer", peer.address + " port " + std::to_string(peer.port) +
                                " is also in listen; allowed: the other box's address and port");
    }
  }
}

void read_peer_keys(TableReader& reader, std::vector<std::string>& keys) {
  constexpr std::string_view allowed =
      "the 40 characters of the other box's .pub file (tandemctl keygen), or a list of them";
  reader.require("peer_public_key", allowed);
  reader.read_texts("peer_public_key", keys, max_peer_keys);
  for (const std::string& key : keys) {
    if (key.size() != public_key_chars || key.find_first_not_of(z85) != std::string::npos) {
      reader.reject("peer_public_key", "\"" + key + "\" is no public key; allowed: " + std::string(allowed));
    }
  }
}

// `key` must be at least `least`, which is `why`.
void at_least(TableReader& reader, std::string_view key, std::int64_t value, std::int64_t least, std::string_view why) {
  if (value >= least) return;
  reader.reject(key, std::to_string(value) + " is too small; allowed: at least " + std::string(why) + " = " +
                         std::to_string(least));
}

void check_relations(TableReader& reader, TakeoverConfig& takeover) {
  if (!reader.has("solo_wait_ms")) takeover.solo_wait_ms = takeover.lease_ms + 500;
  if (!reader.has("boot_wait_ms")) takeover.boot_wait_ms = std::max(takeover.boot_wait_ms, takeover.solo_wait_ms);
  at_least(reader, "after_ms", takeover.after_ms, 5 * takeover.heartbeat_ms, "5 x heartbeat_ms");
  at_least(reader, "lease_ms", takeover.lease_ms, takeover.after_ms + 1'000, "after_ms + 1000");
  at_least(reader, "solo_wait_ms", takeover.solo_wait_ms, takeover.lease_ms + 500, "lease_ms + 500");
  at_least(reader, "boot_wait_ms", takeover.boot_wait_ms, takeover.solo_wait_ms, "solo_wait_ms");
}

void read_vips(TableReader& reader, bool required, std::vector<std::string>& vips) {
  constexpr std::string_view allowed = "the virtual IP address, such as \"192.0.2.10\", or a list of them";
  if (required) reader.require("vip", allowed);
  reader.read_texts("vip", vips, max_vips);
  std::unordered_set<std::string> seen;
  for (const std::string& vip : vips) {
    if (!is_ip_address(vip) || is_wildcard(vip)) {
      reader.reject("vip", "\"" + vip + "\" is no IP address; allowed: " + std::string(allowed));
    } else if (!seen.insert(vip).second) {
      reader.reject("vip", "\"" + vip + "\" is there twice; allowed: each once");
    }
  }
}

void read_reach(TableReader& reader, std::vector<std::string>& hosts) {
  reader.read_texts("reach", hosts, max_reach);
  for (const std::string& host : hosts) {
    if (is_ip_address(host) && !is_wildcard(host)) continue;
    reader.reject("reach", "\"" + host +
                               "\" is no IP address; allowed: addresses of hosts on the LAN that answer ping, " +
                               "such as the gateway, a switch and a PLC");
  }
}

}  // namespace

void read_mirror(TableReader& reader, MirrorConfig& mirror) {
  const bool listen_right = read_endpoints(reader, "listen", mirror.listen);
  const bool peer_right = read_endpoints(reader, "peer", mirror.peer);
  if (listen_right && peer_right) check_paths(reader, mirror);
  reader.require("key_file", "the path of this box's .key file (tandemctl keygen)");
  reader.read_text("key_file", mirror.key_file);
  read_peer_keys(reader, mirror.peer_public_keys);
  reader.read_choice<Durability>(
      "durability", mirror.durability,
      {{"peer", Durability::peer}, {"disk", Durability::disk}, {"peer+disk", Durability::peer_and_disk}});
  reader.read_choice<Solo>("solo", mirror.solo, {{"allow", Solo::allow}, {"refuse", Solo::refuse}});
  reader.read_choice<Reconcile>("reconcile", mirror.reconcile,
                                {{"auto", Reconcile::automatic}, {"ask", Reconcile::ask}});
  reader.read_bool("accept_config", mirror.accept_config);
  reader.reject_unknown_keys();
}

void read_takeover(TableReader& reader, bool mirrored, TakeoverConfig& takeover) {
  if (mirrored) reader.require("arbiter", "\"keepalived\", \"heartbeat\"");
  reader.read_choice<Arbiter>("arbiter", takeover.arbiter,
                              {{"keepalived", Arbiter::keepalived}, {"heartbeat", Arbiter::heartbeat}});
  reader.read_number("heartbeat_ms", takeover.heartbeat_ms, 10, 10'000);
  reader.read_number("after_ms", takeover.after_ms, 50, 100'000);
  reader.read_number("lease_ms", takeover.lease_ms, 1'000, 600'000);
  reader.read_number("solo_wait_ms", takeover.solo_wait_ms, 1'500, 600'000);
  reader.read_number("boot_wait_ms", takeover.boot_wait_ms, 1'500, 600'000);
  reader.read_choice<Unsure>("unsure", takeover.unsure, {{"promote", Unsure::promote}, {"wait", Unsure::wait}});
  reader.read_number("will_grace_s", takeover.will_grace_s, 0, 86'400);
  const bool by_vip = reader.has("arbiter") && takeover.arbiter == Arbiter::keepalived;
  read_vips(reader, mirrored && by_vip, takeover.vip);
  read_reach(reader, takeover.reach);
  reader.read_text("weight_file", takeover.weight_file);
  reader.read_text("notify_fifo", takeover.notify_fifo);
  reader.read_texts("vrrp_instance", takeover.vrrp_instance, max_vips);
  reader.read_choice<Redirect>("redirect", takeover.redirect,
                               {{"none", Redirect::none},
                                {"use_another_server", Redirect::use_another_server},
                                {"server_moved", Redirect::server_moved}});
  reader.read_text("redirect_to", takeover.redirect_to);
  check_relations(reader, takeover);
  reader.reject_unknown_keys();
}

}  // namespace tandem::config_detail
