// See box_setup.hpp.
#include "cli/box_setup.hpp"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>

#include "cli/new_files.hpp"
#include "cli/terminal.hpp"

namespace tandem::cli {

namespace {

constexpr mode_t folder_mode = 0750;
constexpr mode_t public_mode = 0644;
constexpr mode_t secret_mode = 0600;

std::string key_path(const SetupPlaces& places) {
  return places.folder + "/mirror.key";
}

std::vector<NewFile> files_of(const PairPlan& plan, const SetupPlaces& places) {
  return {text_file(places.folder + "/tandem.toml", tandem_toml(plan, key_path(places)), public_mode),
          key_file(key_path(places), plan.self.keys),
          text_file(join_file_path(plan, places), join_text(plan.of_other()), secret_mode),
          text_file(places.keepalived, keepalived_conf(keepalived_of(plan)), public_mode)};
}

// The second path must be another cable, and end here.
void check_link(const PairPlan& plan, const std::vector<OwnAddress>& all, CheckedConf& checked) {
  if (plan.self.link.empty()) {
    checked.notes.emplace_back(
        "One path only: if the LAN fails between the boxes, each is alone. A cable from box to box is the second path "
        "(--link-own, --link-peer).");
    return;
  }
  const std::optional<Network> own = parse_network(plan.self.link);
  const std::optional<Network> other = parse_network(plan.other.link);
  const auto here = std::find_if(all.begin(), all.end(), [&own](const OwnAddress& one) {
    return own && !one.text.empty() && one.network.address == own->address;
  });
  if (here == all.end()) {
    checked.wrong.push_back("The cross cable's address " + plan.self.link + " is on no interface of this box");
  } else if (here->interface == plan.self.interface) {
    checked.notes.push_back("The cross cable's address " + plan.self.link + " is on " + here->interface +
                            ", as the LAN: one broken cable is both paths.");
  } else if (other && !here->network.holds(*other)) {
    checked.wrong.push_back("The cross cable's addresses " + plan.self.link + "/" +
                            std::to_string(here->network.prefix) + " and " + plan.other.link +
                            " are not in one network");
  }
}

void check_places(const std::vector<NewFile>& files, const SetupPlaces& places, CheckedConf& checked) {
  for (const std::string& file : {places.folder, places.keepalived}) {
    if (!std::filesystem::path(file).is_absolute()) checked.wrong.push_back(file + ": give the whole path, from /");
  }
  const std::string folder = std::filesystem::path(places.keepalived).parent_path();
  struct stat found {};
  if (::stat(folder.c_str(), &found) != 0) {
    checked.wrong.push_back(folder + " does not exist: install keepalived first (apt-get install keepalived)");
  }
  if (places.force) return;
  for (const std::string& there : existing(files)) {
    checked.wrong.push_back(there + " exists; --force replaces all files of this box, also its key");
  }
}

void check_user(CheckedConf& checked) {
  if (::geteuid() != 0) {
    checked.notes.emplace_back("Not root: the files belong to you. tandemd must be able to read them.");
  } else if (::getpwnam("tandem") == nullptr) {
    checked.notes.emplace_back(
        "There is no user tandem on this box (the package makes it): the key file belongs to root, and tandemd will "
        "not "
        "be able to read it. Install the package, then run this again with --force.");
  }
}

CheckedConf check_box(const PairPlan& plan, const std::vector<NewFile>& files, const SetupPlaces& places,
                      const WhatItIsCalled& called) {
  CheckedConf checked;
  checked.wrong = contradictions(plan);
  if (checked.wrong.empty()) {
    const std::vector<OwnAddress> all = own_addresses();
    checked = check_keepalived(keepalived_of(plan), all, called);
    check_link(plan, all, checked);
  }
  check_places(files, places, checked);
  check_user(checked);
  return checked;
}

// The package makes it, too.
Status make_folder(const std::string& folder) {
  if (::mkdir(folder.c_str(), folder_mode) != 0) {
    return errno == EEXIST ? Status() : Error{folder + " cannot be made: " + std::strerror(errno)};
  }
  if (const passwd* const user = ::getpwnam("tandem"); user != nullptr && ::geteuid() == 0) {
    if (::chown(folder.c_str(), 0, user->pw_gid) != 0) return Error{folder + ": " + std::strerror(errno)};
  }
  return {};
}

}  // namespace

WhatItIsCalled words_of_join() {
  return {"This box's address", "The other box's address", "The virtual IP"};
}

std::string join_file_path(const PairPlan& plan, const SetupPlaces& places) {
  return places.folder + "/" + plan.of_other().join_file_name();
}

bool set_up_box(const PairPlan& plan, const SetupPlaces& places, const WhatItIsCalled& called) {
  const std::vector<NewFile> files = files_of(plan, places);
  const CheckedConf checked = check_box(plan, files, places, called);
  for (const std::string& note : checked.notes) complain("note: " + note);
  for (const std::string& wrong : checked.wrong) complain(wrong);
  Status written;
  if (checked.wrong.empty()) written = make_folder(places.folder);
  if (checked.wrong.empty() && written.ok()) written = write_all(files, places.force);
  if (!written.ok()) complain(written.error().message);
  if (!checked.wrong.empty() || !written.ok()) {
    complain("nothing was written");
    return false;
  }
  print("Written for " + plan.self.name + ", this box:\n");
  for (const NewFile& file : files) print("  " + file.path + "\n");
  return true;
}

}  // namespace tandem::cli
