#include "broker/config_file.hpp"

#include "base/limits.hpp"
#include "base/printable.hpp"
#include "base/replace_file.hpp"
#include "base/text_file.hpp"
#include "base/toml_edit.hpp"
#include "broker/config.hpp"

namespace tandem::broker {

namespace {

constexpr mode_t permission_bits = 0777;

std::string joined(const std::vector<std::string>& parts) {
  std::string all;
  for (const std::string& part : parts) all += (all.empty() ? "" : ", ") + part;
  return all;
}

Status write(const std::string& file, const FileText& before, const std::string& text) {
  const mode_t mode = before.mode & permission_bits;
  Status kept = replace_file(file + ".before", before.text, mode, Sync::yes);
  if (kept.ok()) kept = replace_file(file, text, mode, Sync::yes);
  if (kept.ok()) return {};
  return Error{file + " cannot be written by tandemd: " + kept.error().message};
}

}  // namespace

Result<std::string> take_over_config(const std::string& file, const ConfigValues& there) {
  const FileText before = read_file(file, limits::mib);
  if (!before.ok() || before.larger) return Error{file + " cannot be read: " + before.reason()};
  const Result<Config> old = parse_config(before.text, file);
  if (!old.ok()) return Error{"the file is wrong as it is: " + old.error().message};
  std::string text = before.text;
  std::vector<std::string> written;
  std::vector<std::string> left;
  for (const ConfigDifference& one : differences(shared_values(old.value().values), shared_values(there))) {
    Result<std::string> made = one.there == "-" ? Result<std::string>(Error{"the other box does not know it"})
                                                : set_toml_key(text, toml_place(one.key), one.there);
    if (made.ok()) {
      text = made.take();
      written.push_back(printable(one.key + " = " + one.there));
    } else {
      left.push_back(printable(one.key) + " (" + made.error().message + ")");
    }
  }
  const std::string rest = left.empty() ? "" : " Left as they are: " + joined(left) + ".";
  if (written.empty() && left.empty()) return file + " has these values already; they wait for a restart.";
  if (written.empty()) return Error{"nothing in " + file + " was changed." + rest};
  const Result<Config> now = parse_config(text, file);
  if (!now.ok()) return Error{"this box cannot run with it: " + now.error().message};
  if (own_values(now.value().values) != own_values(old.value().values))
    return Error{"it would change what is this box's own"};
  if (Status done = write(file, before, text); !done.ok()) return done.error();
  return file + " has now: " + joined(written) + ". The old one is " + file + ".before." + rest;
}

}  // namespace tandem::broker
