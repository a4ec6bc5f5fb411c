// What falls due at which log time. The active looks, and turns what is due into records; nothing here acts by itself.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <tuple>

#include "base/ids.hpp"

namespace tandem::core {

enum class DueKind : std::uint8_t { will, session, retained };  // in the order in which things due together happen

struct DueItem {
  Instant at;
  DueKind kind = DueKind::session;
  std::uint64_t session = 0;  // DueKind::session
  std::string name;           // will: client id; retained: topic
  friend auto operator<=>(const DueItem&, const DueItem&) = default;
};

class Due {
 public:
  void add(DueItem item) { items_.insert(std::move(item)); }
  void remove(const DueItem& item) { items_.erase(item); }
  // The first item due at or before `now`.
  std::optional<DueItem> next(Instant now) const {
    if (items_.empty() || items_.begin()->at > now) return std::nullopt;
    return *items_.begin();
  }
  std::size_t size() const { return items_.size(); }
  friend bool operator==(const Due&, const Due&) = default;

 private:
  std::set<DueItem> items_;
};

}  // namespace tandem::core
