// Topic aliases towards MQTT 5 clients that take them (MQTT 5.0 section 3.3.2.3.4): a topic that comes again costs
// three bytes. The first topics of a connection get them and keep them; alias tables end with the connection
// ([MQTT5-3.3.2-7]).
//
// What waits at the gate is overtaken by QoS 0, which passes it. So an alias that is told by a message that waits
// serves only those that wait with it, or pass with it: a client never sees one before it has been told what it means.
// One that goes out at once precedes all that comes after it, and serves both.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "base/limits.hpp"

namespace tandem::broker {

class OutboundAliases {
 public:
  // A connection begins, whose client takes aliases up to `maximum` ([MQTT5-3.1.2-26]); 0: none ([MQTT5-3.1.2-27]).
  void begin(ConnectionId id, std::uint16_t maximum) {
    if (id.slot >= tables_.size()) {
      if (maximum == 0) return;
      tables_.resize(id.slot + std::size_t{1});
    }
    tables_[id.slot] = Table{id, std::min(maximum, limits::outbound_topic_aliases), {}};
  }

  bool any(ConnectionId id) const { return id.slot < tables_.size() && tables_[id.slot].maximum != 0 && has(id); }
  // The alias that the client knows for `topic`; 0: none.
  std::uint16_t known(ConnectionId id, std::string_view topic, bool passes) const {
    const std::vector<Entry>& entries = tables_[id.slot].entries;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const bool told_before = entries[i].at_once || entries[i].passes == passes;
      if (told_before && entries[i].topic == topic) return static_cast<std::uint16_t>(i + 1);
    }
    return 0;
  }
  // One that `topic` could have from now on; 0: it would save nothing, or all are in use.
  std::uint16_t next(ConnectionId id, std::string_view topic) const {
    const Table& table = tables_[id.slot];
    const bool pays = topic.size() >= worth_bytes && topic.size() <= limits::outbound_alias_topic_bytes;
    return pays && table.entries.size() < table.maximum ? static_cast<std::uint16_t>(table.entries.size() + 1)
                                                        : std::uint16_t{0};
  }
  // The client is told now that next() means `topic`; `at_once`: that does not wait at the gate.
  void add(ConnectionId id, std::string_view topic, bool passes, bool at_once) {
    tables_[id.slot].entries.push_back({std::string(topic), passes, at_once});
  }

 private:
  static constexpr std::size_t worth_bytes = 6;  // telling costs 3 bytes; each use saves the topic but for 3

  struct Entry {  // alias: its place + 1
    std::string topic;
    bool passes = false;
    bool at_once = false;
  };
  struct Table {
    ConnectionId id;
    std::uint16_t maximum = 0;
    std::vector<Entry> entries;
  };
  bool has(ConnectionId id) const { return tables_[id.slot].id == id; }

  std::vector<Table> tables_;  // by slot
};

}  // namespace tandem::broker
