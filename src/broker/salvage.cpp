#include "broker/salvage.hpp"

#include <ctime>
#include <filesystem>
#include <vector>

#include "base/limits.hpp"
#include "base/replace_file.hpp"
#include "base/text_file.hpp"
#include "broker/rebuild.hpp"
#include "store/directory.hpp"
#include "store/remains.hpp"

namespace tandem::broker {

namespace {

constexpr const char* marker_file = "damage";
constexpr std::size_t max_marker_bytes = limits::mib;
constexpr const char* moving = "moving ";
constexpr const char* done = "done ";

std::string folder_name(Instant wall) {
  const std::time_t seconds = static_cast<std::time_t>(wall.ms / 1000);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[40];
  const std::size_t size = std::strftime(text, sizeof text, "damaged-%Y%m%dT%H%M%SZ", &parts);
  return {text, size};
}

std::string marker_in(const std::string& path) {
  return read_file(path, max_marker_bytes).text;
}

}  // namespace

Status Salvage::write_marker(const std::string& text) const {
  const Status written = replace_file(path(marker_file), text, 0640, Sync::yes);
  if (!written.ok()) {
    return Error{path(marker_file) + ": cannot be written (" + written.error().message +
                 "); is there space and permission?"};
  }
  return store::sync_directory(options_.directory);
}

// A file that is in the folder already was moved before a crash; what has its name here is a new store, not complete.
Status Salvage::move_files(const std::string& folder) const {
  std::error_code code;
  std::filesystem::create_directory(path(folder), code);
  for (const std::string& name : store::store_file_names()) {
    const std::string from = path(name);
    const std::string to = path(folder) + "/" + name;
    if (!std::filesystem::exists(from, code)) continue;
    if (std::filesystem::exists(to, code)) {
      std::filesystem::remove(from, code);
    } else {
      std::filesystem::rename(from, to, code);
    }
    if (code) return Error{from + ": cannot be moved to " + to + ": " + code.message()};
  }
  if (Status synced = store::sync_directory(path(folder)); !synced.ok()) return synced;
  return store::sync_directory(options_.directory);
}

Status Salvage::resume() {
  const std::string marker = marker_in(path(marker_file));
  if (marker.rfind(moving, 0) != 0) return {};
  std::string folder = marker.substr(std::string(moving).size());
  const std::size_t end = folder.find('\n');
  const std::string known = end == std::string::npos ? std::string() : folder.substr(end + 1);
  folder = folder.substr(0, end);
  // Whatever was begun without having moved everything is begun again.
  if (Status moved = move_files(folder); !moved.ok()) return moved;
  return rebuild(folder, known);
}

Result<bool> Salvage::set_aside(Instant wall, const std::string& known) {
  bool damaged = !known.empty();
  {
    Result<std::unique_ptr<store::Remains>> opened = store::open_remains(options_.directory);
    if (!opened.ok()) return false;
    store::Remains& remains = *opened.value();
    remains.read_rows([](Row&&) {});
    remains.read_log(remains.checkpoint(), [](Batch&&) {});
    damaged = damaged || !remains.problems().empty();
  }
  if (!damaged) return false;
  const std::string folder = folder_name(wall);
  if (std::filesystem::exists(path(folder))) return Error{path(folder) + " exists already: try again in a second"};
  if (Status noted = write_marker(moving + folder + "\n" + known); !noted.ok()) return noted.error();
  if (Status moved = move_files(folder); !moved.ok()) return moved.error();
  if (Status built = rebuild(folder, known); !built.ok()) return built.error();
  return true;
}

// The metadata first: a crash in between must not leave a store that looks EMPTY.
Status Salvage::rebuild(const std::string& folder, const std::string& known) {
  Result<std::unique_ptr<store::Remains>> remains = store::open_remains(path(folder));
  if (!remains.ok()) return remains.error();
  Result<std::unique_ptr<store::Store>> fresh = store::open_store(options_);
  if (!fresh.ok()) return fresh.error();
  Result<std::string> report = rebuild_store(*remains.value(), *fresh.value(), random_(), folder, known);
  if (!report.ok()) return report.error();
  return write_marker(done + folder + "\n" + report.value() + "\n");
}

std::string Salvage::missing() const {
  const std::string marker = marker_in(path(marker_file));
  const std::size_t end = marker.find('\n');
  if (marker.rfind(done, 0) != 0 || end == std::string::npos) return {};
  return marker.substr(end + 1, marker.size() - end - 2);
}

void Salvage::healed() {
  const std::string marker = marker_in(path(marker_file));
  if (marker.rfind(done, 0) != 0) return;
  const std::size_t begin = std::string(done).size();
  const std::string folder = marker.substr(begin, marker.find('\n') - begin);
  std::error_code code;
  std::filesystem::rename(path(marker_file), path(folder) + "/report.txt", code);
  if (code) std::filesystem::remove(path(marker_file), code);
  // If that does not last, the next start says once more what was missing.
  static_cast<void>(store::sync_directory(options_.directory));
}

}  // namespace tandem::broker
