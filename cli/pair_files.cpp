// The texts that follow from a plan: tandem.toml, and the join file there and back.
#include <array>

#include "base/text_file.hpp"
#include "base/toml.hpp"
#include "cli/keepalived_check.hpp"
#include "cli/pair_plan.hpp"

namespace tandem::cli {

namespace {

constexpr int mirror_port = 7883;
constexpr std::int64_t join_format = 1;  // a reader refuses any other
constexpr std::size_t max_join_bytes = 65'536;

bool is_v6(const std::string& address) {
  return address.find(':') != std::string::npos;
}

// No text of a plan has a character that TOML would want escaped (contradictions()), except paths of key files.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string list(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "" : ", ") + quoted(text);
  return "[" + out + "]";
}

// The cross cable first, then the LAN.
std::string paths_of(const BoxPlan& box) {
  std::vector<std::string> endpoints;
  for (const std::string& address : {box.link, box.own}) {
    if (address.empty()) continue;
    endpoints.push_back((is_v6(address) ? "[" + address + "]" : address) + ":" + std::to_string(mirror_port));
  }
  return list(endpoints);
}

std::string listeners(const std::vector<std::string>& vips) {
  bool v4 = false;
  bool v6 = false;
  for (const std::string& vip : vips) (is_v6(vip) ? v6 : v4) = true;
  std::string text;
  if (v4) text += "\n[[listener]]\naddress = \"0.0.0.0\"\nport = 1883\n";
  if (v6) text += "\n[[listener]]\naddress = \"::\"\nport = 1883\n";
  return text;
}

std::string box_table(const std::string& name, const BoxPlan& box) {
  return "\n[" + name + "]\nname = " + quoted(box.name) + "\ninterface = " + quoted(box.interface) +
         "\nown = " + quoted(box.own) + "\nlink = " + quoted(box.link) +
         "\npublic_key = " + quoted(box.keys.public_key) + "\nsecret_key = " + quoted(box.keys.secret_key) + "\n";
}

std::string text_at(const toml::table& table, const char* key) {
  return table[key].value_or(std::string());
}

std::vector<std::string> texts_at(const toml::table& table, const char* key) {
  std::vector<std::string> texts;
  if (const toml::array* const all = table[key].as_array()) {
    for (const toml::node& one : *all) texts.push_back(one.value_or(std::string()));
  }
  return texts;
}

BoxPlan box_of(const toml::table& table) {
  return {text_at(table, "name"),
          text_at(table, "interface"),
          text_at(table, "own"),
          text_at(table, "link"),
          {text_at(table, "public_key"), text_at(table, "secret_key")}};
}

bool keys_right(const BoxPlan& box) {
  constexpr std::size_t z85_key_bytes = 40;
  return box.keys.public_key.size() == z85_key_bytes && box.keys.secret_key.size() == z85_key_bytes;
}

}  // namespace

std::string tandem_toml(const PairPlan& plan, const std::string& key_file) {
  std::vector<std::string> vips;
  for (const std::string& vip : plan.vips) vips.push_back(bare(vip));
  std::string text = "# Tandem: configuration of " + plan.self.name +
                     ", made by `tandemctl setup`. All keys and their defaults: tandem.toml(5).\n"
                     "# Check it after a change: tandemd --check-config\n\n[node]\nname = " +
                     quoted(plan.self.name) + "\n" + listeners(plan.vips);
  text +=
      "\n[security]\n# Who may connect: tandemctl user add NAME, at the active box. Without any user nobody can.\n"
      "allow_anonymous = false\n";
  text += "\n[mirror]\nlisten = " + paths_of(plan.self) + "\npeer = " + paths_of(plan.other) +
          "\nkey_file = " + quoted(key_file) + "\npeer_public_key = " + quoted(plan.other.keys.public_key) +
          "\ndurability = " + quoted(plan.durability) + "\n";
  text += "\n[takeover]\narbiter = \"keepalived\"\nvip = " + list(vips) + "\n";
  if (!plan.reach.empty()) text += "reach = " + list(plan.reach) + "\n";
  return text;
}

std::string join_text(const PairPlan& plan) {
  return "# Makes " + plan.self.name + " a box of the pair " + plan.self.name + " and " + plan.other.name +
         ": run there `tandemctl setup join FILE`.\n# It has the secret keys of both boxes. Delete every copy but the "
         "one "
         "in /etc/tandem of " +
         plan.other.name + ",\n# which replaces " + plan.self.name +
         " should that box be lost.\nformat = " + std::to_string(join_format) + "\n" + box_table("self", plan.self) +
         box_table("other", plan.other) + "\n[pair]\nvip = " + list(plan.vips) + "\nreach = " + list(plan.reach) +
         "\nrouter_id = " + std::to_string(plan.router_id) + "\ndurability = " + quoted(plan.durability) + "\n";
}

Result<PairPlan> parse_join(std::string_view text, const std::string& name) {
  const Error no_join_file{name + " is no join file of Tandem, or it is damaged: carry it over again"};
  PairPlan plan;
  try {
    const toml::table root = toml::parse(text);
    const std::int64_t format = root["format"].value_or(std::int64_t{0});
    if (format > join_format) {
      return Error{name + " was made by a newer version (format " + std::to_string(format) +
                   "): install the same version on both boxes"};
    }
    const toml::table* const self = root["self"].as_table();
    const toml::table* const other = root["other"].as_table();
    const toml::table* const pair = root["pair"].as_table();
    if (format != join_format || self == nullptr || other == nullptr || pair == nullptr) return no_join_file;
    plan.self = box_of(*self);
    plan.other = box_of(*other);
    plan.vips = texts_at(*pair, "vip");
    plan.reach = texts_at(*pair, "reach");
    plan.router_id = (*pair)["router_id"].value_or(0);
    plan.durability = text_at(*pair, "durability");
  } catch (const std::exception&) {
    return no_join_file;
  }
  if (!contradictions(plan).empty() || !keys_right(plan.self) || !keys_right(plan.other)) return no_join_file;
  return plan;
}

Result<PairPlan> read_join(const std::string& path) {
  const FileText file = read_file(path, max_join_bytes);  // one that is larger is none
  if (!file.ok()) return Error{path + " cannot be read: " + file.reason()};
  return parse_join(file.text, path);
}

}  // namespace tandem::cli
