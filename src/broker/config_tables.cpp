// See config_tables.hpp. The mirror and takeover tables are in config_pair.cpp.
#include "broker/config_tables.hpp"

#include <algorithm>
#include <charconv>

#include "base/unix_socket.hpp"
#include "broker/config_address.hpp"

namespace tandem::config_detail {

namespace {

constexpr std::size_t max_name_bytes = 64;
constexpr std::int64_t most_edge_threads = 16;
// A record of the largest packet must fit into one message of the mirror link.
constexpr std::int64_t most_packet_bytes = 4'000'000;
static_assert(most_packet_bytes + limits::batch_bytes < limits::max_frame_bytes);
static_assert(limits::max_packet_bytes <= most_packet_bytes);

bool is_name(std::string_view text) {
  return text.size() <= max_name_bytes && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
                  c == '-';
         });
}

void check_socket_path(TableReader& reader, const std::string& path) {
  if (path.size() <= UnixAddress::max_path_bytes) return;
  reader.reject("socket", "the path has " + std::to_string(path.size()) + " bytes; allowed: at most " +
                              std::to_string(UnixAddress::max_path_bytes) + " (a limit of Unix sockets)");
}

constexpr std::size_t most_paths = 16;
constexpr std::size_t most_origins = 100;
constexpr std::size_t most_proxies = 100;

// As browsers write it: scheme, host and, unless it is the scheme's own, port; "null" is that of a page in a file.
bool is_origin(std::string_view text) {
  if (text == "null") return true;
  const std::size_t host_at = text.find("://");
  if (host_at == 0 || host_at == std::string_view::npos) return false;
  const std::string_view host = text.substr(host_at + 3);
  return !host.empty() && host.find_first_of("/?# *\"") == std::string_view::npos;
}

void read_websocket(TableReader& reader, ListenerConfig& listener) {
  reader.read_texts("path", listener.paths, most_paths);
  reader.read_texts("origins", listener.origins, most_origins);
  if (listener.protocol != Protocol::websocket) {
    for (const std::string_view key : {"path", "origins"}) {
      if (reader.has(key)) reader.reject(key, "is of no use here; allowed: with protocol = \"websocket\" only");
    }
    return;
  }
  if (!reader.has("socket"))
    reader.require("port", "a whole number from 1 to 65535, such as 9001 (there is no usual one for WebSocket)");
  for (const std::string& path : listener.paths) {
    if (path.front() == '/' && path.find_first_of("?# ") == std::string::npos) continue;
    reader.reject("path", "\"" + path + "\" is no path of a URL; allowed: such as \"/mqtt\"");
  }
  for (const std::string& origin : listener.origins) {
    if (is_origin(origin)) continue;
    reader.reject("origins", "\"" + origin +
                                 "\" is no origin; allowed: scheme, host and port as browsers send them, such as "
                                 "\"https://hmi.example\" or \"http://192.0.2.5:8080\"");
  }
}

// "660" or "0660".
std::optional<unsigned> mode_of(const std::string& text) {
  unsigned mode = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, mode, 8);
  const bool digits = text.size() == 3 || (text.size() == 4 && text.front() == '0');
  return error == std::errc{} && stopped == end && digits ? std::optional(mode) : std::nullopt;
}

void read_socket(TableReader& reader, ListenerConfig& listener) {
  reader.read_text("socket", listener.socket);
  std::string mode = "0666";
  reader.read_text("socket_mode", mode);
  if (!reader.has("socket")) {
    if (reader.has("socket_mode")) reader.reject("socket_mode", "is of no use here; allowed: with socket only");
    return;
  }
  check_socket_path(reader, listener.socket);
  if (!listener.socket.empty() && listener.socket.front() != '/') {
    reader.reject("socket",
                  "\"" + listener.socket + "\" is no absolute path; allowed: such as \"/run/tandem/mqtt.sock\"");
  }
  if (const std::optional<unsigned> read = mode_of(mode)) {
    listener.socket_mode = *read;
  } else {
    reader.reject("socket_mode", "\"" + mode + "\" is no mode of a file; allowed: octal, such as \"0660\" or \"0666\"");
  }
  for (const std::string_view key : {"address", "port", "proxy_protocol", "cert_file", "key_file", "client_ca_file",
                                     "client_crl_file", "client_cert", "username_from", "tls_min_version"}) {
    if (reader.has(key)) reader.reject(key, "is of no use here; allowed: without socket");
  }
}

void read_proxies(TableReader& reader, ListenerConfig& listener) {
  std::vector<std::string> texts;
  reader.read_texts("proxy_protocol", texts, most_proxies);
  for (const std::string& text : texts) {
    const std::optional<IpNetwork> network = parse_network(text);
    if (network && network->prefix_bits != 0) {
      listener.trusted_proxies.push_back(*network);
    } else {
      reader.reject("proxy_protocol", "\"" + text +
                                          "\" is no address or network of proxies; allowed: such as "
                                          "\"192.0.2.7\", \"192.0.2.0/24\" or \"fd00:1::/64\" (not everybody)");
    }
  }
}

}  // namespace

void read_node(TableReader& reader, NodeConfig& node) {
  constexpr std::string_view allowed = "1 to 64 of the characters A-Z a-z 0-9 . _ -";
  reader.require("name", allowed);
  reader.read_text("name", node.name);
  if (!is_name(node.name)) reader.reject("name", "\"" + node.name + "\" is no name; allowed: " + std::string(allowed));
  reader.read_text("data_dir", node.data_dir);
  reader.read_number("sys_interval_s", node.sys_interval_s, 0, 3'600);
  reader.read_number_or_auto("threads", node.threads, 0, most_edge_threads);
  reader.reject_unknown_keys();
}

void read_listener(TableReader& reader, std::vector<ListenerConfig>& listeners) {
  ListenerConfig listener;
  if (!reader.has("socket")) {
    reader.require(
        "address",
        "an IP address, such as \"0.0.0.0\", \"127.0.0.1\" or \"::\" (or socket, the path of a Unix socket)");
  }
  reader.read_text("address", listener.address);
  if (!listener.address.empty() && !is_ip_address(listener.address)) {
    reader.reject("address", "\"" + listener.address +
                                 "\" is no IP address; allowed: such as \"0.0.0.0\", \"127.0.0.1\" or \"::\"");
  }
  reader.read_number("port", listener.port, 1, 65'535);
  reader.read_choice("protocol", listener.protocol, {{"mqtt", Protocol::mqtt}, {"websocket", Protocol::websocket}});
  read_socket(reader, listener);
  read_websocket(reader, listener);
  read_proxies(reader, listener);
  read_tls(reader, listener);
  const auto same = [&](const ListenerConfig& other) {
    return other.socket == listener.socket && other.address == listener.address && other.port == listener.port;
  };
  if (std::any_of(listeners.begin(), listeners.end(), same)) {
    listener.socket.empty()
        ? reader.reject("port", "another listener has the same address and port; allowed: each pair of them once")
        : reader.reject("socket", "another listener has the same; allowed: each path once");
  }
  reader.reject_unknown_keys();
  listeners.push_back(std::move(listener));
}

void read_security(TableReader& reader, SecurityConfig& security) {
  reader.read_bool("allow_anonymous", security.allow_anonymous);
  reader.read_text("password_file", security.password_file);
  reader.read_text("acl_file", security.acl_file);
  const std::pair<const char*, const std::string*> files[] = {{"password_file", &security.password_file},
                                                              {"acl_file", &security.acl_file}};
  for (const auto& [key, path] : files) {
    if (!path->empty() && path->front() != '/')
      reader.reject(key, "\"" + *path + "\" is no absolute path; allowed: one that begins with /");
  }
  reader.reject_unknown_keys();
}

void read_store(TableReader& reader, StoreConfig& store) {
  reader.read_number("log_max_mb", store.log_max_mb, 2, 1'000'000);
  reader.read_number("checkpoint_mb", store.checkpoint_mb, 1, 100'000);
  reader.read_number("checkpoint_s", store.checkpoint_s, 1, 86'400);
  reader.read_number("group_commit_ms", store.group_commit_ms, 0, 1'000);
  if (store.log_max_mb < 2 * store.checkpoint_mb) {
    reader.reject(reader.has("log_max_mb") ? "log_max_mb" : "checkpoint_mb",
                  "log_max_mb is " + std::to_string(store.log_max_mb) +
                      "; allowed: log_max_mb at least 2 x checkpoint_mb (" + std::to_string(2 * store.checkpoint_mb) +
                      ")");
  }
  reader.reject_unknown_keys();
}

void read_mqtt(TableReader& reader, MqttConfig& mqtt) {
  reader.read_text("response_prefix", mqtt.response_prefix);
  if (mqtt.response_prefix.find_first_of("+#$") != std::string::npos || mqtt.response_prefix.size() > 1'000) {
    reader.reject("response_prefix", "\"" + mqtt.response_prefix.substr(0, 100) +
                                         "\" is no beginning of topics; allowed: at most 1,000 bytes without + # $, "
                                         "such as \"replies/\"");
  }
  reader.reject_unknown_keys();
}

void read_limits(TableReader& reader, LimitsConfig& limits) {
  constexpr std::int64_t many = 100'000'000;
  reader.read_number("max_packet_bytes", limits.max_packet_bytes, 1'024, most_packet_bytes);
  reader.read_number("receive_maximum", limits.receive_maximum, 1, 65'535);
  reader.read_number("v3_in_flight", limits.v3_in_flight, 1, 65'535);
  reader.read_number("topic_alias_maximum", limits.topic_alias_maximum, 0, 65'535);
  reader.read_number("max_connections", limits.max_connections, 1, 1'000'000);
  reader.read_number("max_connections_per_address", limits.max_connections_per_address, 0, 1'000'000);
  reader.read_number("max_sessions", limits.max_sessions, 1, many);
  reader.read_number("max_subscriptions_per_session", limits.max_subscriptions_per_session, 1, many);
  reader.read_number("max_queue_messages", limits.max_queue_messages, 1, many);
  reader.read_number("max_queue_bytes", limits.max_queue_bytes, 1'024, std::int64_t{1} << 40);
  reader.read_choice<core::QueuePolicy>("queue_policy", limits.queue_policy,
                                        {{"drop_newest", core::QueuePolicy::drop_newest},
                                         {"drop_oldest", core::QueuePolicy::drop_oldest},
                                         {"disconnect", core::QueuePolicy::disconnect}});
  reader.read_number("max_retained", limits.max_retained, 0, many);
  reader.read_number("max_retained_bytes", limits.max_retained_bytes, 0, std::int64_t{1} << 40);
  reader.read_number("max_connections_per_user", limits.max_connections_per_user, 0, 1'000'000);
  reader.read_number("memory_mb", limits.memory_mb, 0, std::int64_t{1} << 24);
  reader.read_number("connect_timeout_ms", limits.connect_timeout_ms, 100, 600'000);
  reader.read_number("max_keep_alive_s", limits.max_keep_alive_s, 0, 65'535);
  reader.read_number("max_connects_per_s", limits.max_connects_per_s, 0, 1'000'000);
  reader.read_number("max_publishes_per_s", limits.max_publishes_per_s, 0, 1'000'000);
  if (limits.max_queue_bytes < limits.max_packet_bytes) {
    reader.reject(reader.has("max_queue_bytes") ? "max_queue_bytes" : "max_packet_bytes",
                  "max_queue_bytes is " + std::to_string(limits.max_queue_bytes) +
                      "; allowed: max_queue_bytes at least max_packet_bytes (" +
                      std::to_string(limits.max_packet_bytes) + "), or such a message could never be queued");
  }
  reader.reject_unknown_keys();
}

void read_http(TableReader& reader, HttpConfig& http) {
  reader.read_text("address", http.address);
  reader.read_text("token_file", http.token_file);
  if (!http.token_file.empty() && http.token_file.front() != '/') {
    reader.reject("token_file",
                  "\"" + http.token_file + "\" is no absolute path; allowed: such as \"/etc/tandem/http-token\"");
  }
  if (!is_loopback(http.address) && http.token_file.empty()) {
    reader.reject("address",
                  "\"" + http.address +
                      "\" is no loopback address; allowed: \"127.0.0.1\" or \"::1\", or others with http.token_file");
  }
  reader.read_number("port", http.port, 1, 65'535);
  reader.reject_unknown_keys();
}

void read_control(TableReader& reader, const std::vector<ListenerConfig>& listeners, ControlConfig& control) {
  reader.read_text("socket", control.socket);
  check_socket_path(reader, control.socket);
  for (const ListenerConfig& listener : listeners) {
    if (listener.socket == control.socket) {
      reader.reject("socket", "a listener has the same; allowed: a path of its own");
    }
  }
  reader.reject_unknown_keys();
}

}  // namespace tandem::config_detail
