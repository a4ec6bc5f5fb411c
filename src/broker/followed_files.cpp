#include "broker/followed_files.hpp"

#include "base/text_file.hpp"
#include "edge/password_file.hpp"

namespace tandem::broker {

namespace {

std::string joined(const std::vector<std::string>& problems) {
  std::string all;
  for (const std::string& problem : problems) all += "; " + problem;
  return all;
}

}  // namespace

Result<FollowedFiles> read_followed_files(const SecurityConfig& config,
                                          const std::function<void(const std::string&)>& tell) {
  FollowedFiles files;
  if (!config.password_file.empty()) {
    Result<edge::PasswordFile> read = edge::read_password_file(config.password_file);
    if (!read.ok()) return read.error();
    tell(std::to_string(read.value().users.size()) + " users read from " + config.password_file +
         joined(read.value().problems) + ".");
    files.password_hashes = std::move(read.take().users);
  }
  if (!config.acl_file.empty()) {
    const Result<std::string> text =
        read_text_file("the file of access rules", config.acl_file, limits::max_acl_file_bytes);
    if (!text.ok()) return text.error();
    core::AclText acl = core::parse_acl(text.value());
    if (!acl.problems.empty()) return Error{"the file of access rules " + config.acl_file + joined(acl.problems)};
    std::size_t rules = 0;
    for (const auto& [name, set] : acl.sets) rules += set.size();
    tell(std::to_string(rules) + " access rules read from " + config.acl_file + ".");
    files.rules = std::move(acl.sets);
  }
  return files;
}

}  // namespace tandem::broker
