// SQLite's default file layer with a tap on it; see shim_vfs.hpp.
#include "shim_vfs.hpp"

#include <sqlite3.h>

#include <cstring>
#include <fstream>
#include <new>

#include "base/check.hpp"
#include "base/hash.hpp"

namespace tandem::store::testing {

namespace {

constexpr std::size_t sector_bytes = 512;

ShimVfs* the_shim = nullptr;  // SQLite's callbacks have no other way to find it
sqlite3_vfs* real_vfs = nullptr;
sqlite3_vfs shim_vfs{};

// SQLite allocates szOsFile bytes: this, and the real file behind it.
struct TappedFile {
  sqlite3_file base;
  std::string* path;
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

TappedFile* tapped(sqlite3_file* file) {
  return reinterpret_cast<TappedFile*>(file);
}
sqlite3_file* real(sqlite3_file* file) {
  return tapped(file)->real();
}

int do_close(sqlite3_file* file) {
  const int code = real(file)->pMethods->xClose(real(file));
  delete tapped(file)->path;
  return code;
}
int do_read(sqlite3_file* file, void* into, int size, sqlite3_int64 at) {
  return real(file)->pMethods->xRead(real(file), into, size, at);
}
int do_write(sqlite3_file* file, const void* from, int size, sqlite3_int64 at) {
  if (!the_shim->may_write(size)) return SQLITE_FULL;
  const int code = real(file)->pMethods->xWrite(real(file), from, size, at);
  if (code == SQLITE_OK) the_shim->wrote(*tapped(file)->path, at, from, size);
  return code;
}
int do_truncate(sqlite3_file* file, sqlite3_int64 size) {
  the_shim->truncated(*tapped(file)->path, size);
  return real(file)->pMethods->xTruncate(real(file), size);
}
int do_sync(sqlite3_file* file, int flags) {
  const int code = real(file)->pMethods->xSync(real(file), flags);
  if (code == SQLITE_OK) the_shim->synced(*tapped(file)->path);
  return code;
}
int do_file_size(sqlite3_file* file, sqlite3_int64* size) {
  return real(file)->pMethods->xFileSize(real(file), size);
}
int do_lock(sqlite3_file* file, int kind) {
  return real(file)->pMethods->xLock(real(file), kind);
}
int do_unlock(sqlite3_file* file, int kind) {
  return real(file)->pMethods->xUnlock(real(file), kind);
}
int do_check_lock(sqlite3_file* file, int* result) {
  return real(file)->pMethods->xCheckReservedLock(real(file), result);
}
int do_control(sqlite3_file* file, int op, void* argument) {
  return real(file)->pMethods->xFileControl(real(file), op, argument);
}
int do_sector_size(sqlite3_file* file) {
  return real(file)->pMethods->xSectorSize(real(file));
}
int do_characteristics(sqlite3_file* file) {
  return real(file)->pMethods->xDeviceCharacteristics(real(file));
}
int do_shm_map(sqlite3_file* file, int page, int size, int extend, void volatile** mapped) {
  return real(file)->pMethods->xShmMap(real(file), page, size, extend, mapped);
}
int do_shm_lock(sqlite3_file* file, int at, int count, int flags) {
  return real(file)->pMethods->xShmLock(real(file), at, count, flags);
}
void do_shm_barrier(sqlite3_file* file) {
  real(file)->pMethods->xShmBarrier(real(file));
}
int do_shm_unmap(sqlite3_file* file, int erase) {
  return real(file)->pMethods->xShmUnmap(real(file), erase);
}

const sqlite3_io_methods methods = {2,
                                    do_close,
                                    do_read,
                                    do_write,
                                    do_truncate,
                                    do_sync,
                                    do_file_size,
                                    do_lock,
                                    do_unlock,
                                    do_check_lock,
                                    do_control,
                                    do_sector_size,
                                    do_characteristics,
                                    do_shm_map,
                                    do_shm_lock,
                                    do_shm_barrier,
                                    do_shm_unmap,
                                    nullptr,
                                    nullptr};

int do_open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  TappedFile* const mine = tapped(file);
  const int code = real_vfs->xOpen(real_vfs, name, mine->real(), flags, out_flags);
  if (code != SQLITE_OK) {
    mine->base.pMethods = nullptr;
    return code;
  }
  mine->path = new std::string(name == nullptr ? "" : name);
  mine->base.pMethods = &methods;
  return code;
}

int do_delete(sqlite3_vfs*, const char* name, int sync) {
  the_shim->deleted(name);
  return real_vfs->xDelete(real_vfs, name, sync);
}

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

}  // namespace

ShimVfs::ShimVfs() {
  CHECK(the_shim == nullptr);
  the_shim = this;
  real_vfs = sqlite3_vfs_find(nullptr);
  shim_vfs = *real_vfs;
  shim_vfs.zName = "tandem-shim";
  shim_vfs.szOsFile = static_cast<int>(sizeof(TappedFile)) + real_vfs->szOsFile;
  shim_vfs.pNext = nullptr;
  shim_vfs.xOpen = do_open;
  shim_vfs.xDelete = do_delete;
  CHECK(sqlite3_vfs_register(&shim_vfs, 1) == SQLITE_OK);
}

ShimVfs::~ShimVfs() {
  sqlite3_vfs_unregister(&shim_vfs);
  sqlite3_vfs_register(real_vfs, 1);
  the_shim = nullptr;
}

void ShimVfs::set_full(bool full) {
  set_room(full ? 0 : -1);
}

void ShimVfs::set_room(std::int64_t bytes) {
  std::lock_guard lock(mutex_);
  room_ = bytes;
}

int ShimVfs::syncs(const std::string& suffix) {
  std::lock_guard lock(mutex_);
  int sum = 0;
  for (const auto& [path, image] : images_) sum += ends_with(path, suffix) ? image.syncs : 0;
  return sum;
}

bool ShimVfs::may_write(std::int64_t bytes) {
  std::lock_guard lock(mutex_);
  if (room_ < 0) return true;
  if (room_ < bytes) return false;
  room_ -= bytes;
  return true;
}

void ShimVfs::wrote(const std::string& path, std::int64_t at, const void* bytes, int size) {
  std::lock_guard lock(mutex_);
  images_[path].later.push_back(
      Change{at, std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(size)), false});
}

void ShimVfs::truncated(const std::string& path, std::int64_t size) {
  std::lock_guard lock(mutex_);
  images_[path].later.push_back(Change{size, {}, true});
}

void ShimVfs::synced(const std::string& path) {
  std::lock_guard lock(mutex_);
  Image& image = images_[path];
  for (const Change& change : image.later) apply(image.synced, change);
  image.later.clear();
  ++image.syncs;
}

void ShimVfs::deleted(const std::string& path) {
  std::lock_guard lock(mutex_);
  images_.erase(path);
}

void ShimVfs::apply(std::string& content, const Change& change) {
  const std::size_t at = static_cast<std::size_t>(change.at);
  if (change.truncates) {
    content.resize(at);
    return;
  }
  if (content.size() < at + change.bytes.size()) content.resize(at + change.bytes.size());
  std::memcpy(content.data() + at, change.bytes.data(), change.bytes.size());
}

void ShimVfs::power_cut(const std::string& from, const std::string& to, std::uint64_t seed) {
  std::lock_guard lock(mutex_);
  std::uint64_t random = mix64(seed + 1);
  const auto draw = [&random](std::uint64_t below) {
    random = mix64(random + 0x9E3779B97F4A7C15ULL);
    return random % below;
  };
  for (const auto& [path, image] : images_) {
    const std::size_t slash = path.rfind('/');
    if (path.substr(0, slash) != from) continue;
    std::string content = image.synced;
    const std::uint64_t keep_of_8 = draw(9);  // how much of what was not synced got to the disk
    for (const Change& change : image.later) {
      if (change.truncates) {
        if (draw(8) < keep_of_8) apply(content, change);
        continue;
      }
      for (std::size_t at = 0; at < change.bytes.size(); at += sector_bytes) {
        if (draw(8) >= keep_of_8) continue;
        apply(content, Change{change.at + static_cast<std::int64_t>(at), change.bytes.substr(at, sector_bytes), false});
      }
    }
    std::ofstream(to + path.substr(slash), std::ios::binary) << content;
  }
}

}  // namespace tandem::store::testing
