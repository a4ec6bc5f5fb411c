// Images: State as rows at exactly one lsn (docs/formats.md). A checkpoint encodes only what changed since the last
// one, in slices between turns; whatever is about to change and is not encoded yet is encoded first, so the rows show
// State as it was when the checkpoint began, and nothing pauses.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/batch.hpp"
#include "base/result.hpp"
#include "core/key_set.hpp"
#include "core/state.hpp"

namespace tandem::core {

// Kinds of rows, in loading order. DO NOT CHANGE OR REUSE A NUMBER.
enum class RowKind : std::uint8_t {
  globals = 1,
  message = 2,
  session = 3,
  subscription = 4,
  segment = 5,
  retained = 6,
  will = 7,
  user = 8,      // feature level 2
  rule_set = 9,  // likewise
};

// One checkpoint while it is being encoded. At most one a State at a time. It takes the changes out of State: one that
// is destroyed before step() gave true can only be followed by another State, not by another checkpoint of this one. It
// goes before its State does.
class Checkpoint {
 public:
  explicit Checkpoint(State& state);
  ~Checkpoint();
  Checkpoint(const Checkpoint&) = delete;
  Checkpoint& operator=(const Checkpoint&) = delete;

  // Appends up to about `max_rows` rows (more if changes forced copies); true when the last one has been given.
  bool step(std::size_t max_rows, std::vector<Row>& out);

 private:
  bool step_messages(std::size_t max_rows, std::vector<Row>& out);
  bool step_entities(std::size_t max_rows, std::vector<Row>& out);
  void give(Row row, std::vector<Row>& out);
  // The named entity is not pending: it was given already, or it did not exist when the checkpoint began.
  void erase_unless_given(RowKind kind, ByteBuffer key, std::vector<Row>& out);
  // `entity`: the one that has this key now; null: none.
  template <class Entity, class Encode>
  void emit_entity(RowKind kind, ByteView key, Entity* entity, Encode encode, std::vector<Row>& out);
  void emit_globals(std::vector<Row>& out);
  void emit_session(SessionId id, std::vector<Row>& out);
  void emit_subscription(const std::pair<SessionId, std::string>& name, std::vector<Row>& out);
  void emit_segment(const std::pair<SessionId, std::uint64_t>& name, std::vector<Row>& out);
  void emit_retained(const std::string& topic, std::vector<Row>& out);
  void emit_will(const std::string& client_id, std::vector<Row>& out);
  void emit_user(const std::string& name, std::vector<Row>& out);
  void emit_rule_set(const RuleSetName& name, std::vector<Row>& out);

  State& state_;
  Changes changes_;
  std::vector<std::uint64_t> erased_messages_;
  std::vector<Row> copies_;  // encoded early because they were about to change
  KeySet given_;             // kind and key of every entity row given so far
  std::size_t done_ = 0;     // position in the list that is being worked on
  int list_ = 0;
  bool complete_ = false;
};

// Builds State from the rows of an image, in order of kind and key. State must be new.
class ImageLoader {
 public:
  explicit ImageLoader(State& state) : state_(state) {}
  Status load(const Row& row);
  // After the last row.
  Status finish();

 private:
  Status load_globals(ByteReader& in);
  Status load_message(ByteReader& key, ByteReader& in);
  Status load_session(ByteReader& key, ByteReader& in);
  Status load_subscription(ByteReader& key, ByteReader& in);
  Status load_segment(ByteReader& key, ByteReader& in);
  Status load_will(const std::string& client_id, ByteReader& in);
  Status load_user(const std::string& name, ByteReader& in);
  Status load_rule_set(ByteReader& key, ByteReader& in);
  MessageRef message(std::uint64_t id) const;

  State& state_;
  std::unordered_map<std::uint64_t, MessageRef> messages_;
  bool has_globals_ = false;
};

}  // namespace tandem::core
