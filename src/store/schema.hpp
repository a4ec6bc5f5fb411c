// The tables of log.db and state.db (docs/formats-store.md explains each column). The version of a file is its
// user_version: a file of a newer version is refused. Columns are never given another meaning.
#pragma once

namespace tandem::store::schema {

inline constexpr int version = 1;
// PRAGMA application_id, so that a file is recognised: "TdmL" and "TdmS".
inline constexpr int log_application_id = 0x54646D4C;
inline constexpr int state_application_id = 0x54646D53;

// Page sizes in bytes, measured (docs/formats-store.md).
inline constexpr int log_page_bytes = 16384;
inline constexpr int state_page_bytes = 4096;
// Page caches in KiB. A transaction that outgrows it is written out early, which costs time but is no harm.
inline constexpr int log_cache_kib = 4096;
inline constexpr int state_cache_kib = 16384;

inline constexpr const char* log_tables = R"sql(
CREATE TABLE batch(
  first INTEGER PRIMARY KEY,
  count INTEGER NOT NULL,
  epoch_number INTEGER NOT NULL,
  epoch_node INTEGER NOT NULL,
  epoch_store INTEGER NOT NULL,
  time_ms INTEGER NOT NULL,
  stream_end INTEGER NOT NULL,
  seal INTEGER NOT NULL,
  bytes BLOB NOT NULL
) STRICT;
CREATE TABLE meta(id INTEGER PRIMARY KEY CHECK (id = 1), bytes BLOB NOT NULL, seal INTEGER NOT NULL) STRICT;
CREATE TABLE head(
  id INTEGER PRIMARY KEY CHECK (id = 1),
  identity INTEGER NOT NULL,
  base INTEGER NOT NULL,
  opened INTEGER NOT NULL,
  wiping INTEGER NOT NULL,
  seal INTEGER NOT NULL
) STRICT;
)sql";

inline constexpr const char* state_tables = R"sql(
CREATE TABLE entity(
  kind INTEGER NOT NULL,
  key BLOB NOT NULL,
  parts INTEGER NOT NULL,
  seal INTEGER NOT NULL,
  value BLOB NOT NULL,
  PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE part(
  kind INTEGER NOT NULL,
  key BLOB NOT NULL,
  part INTEGER NOT NULL,
  seal INTEGER NOT NULL,
  value BLOB NOT NULL,
  PRIMARY KEY (kind, key, part)
) STRICT, WITHOUT ROWID;
CREATE TABLE checkpoint(
  id INTEGER PRIMARY KEY CHECK (id = 1),
  lsn INTEGER NOT NULL,
  info BLOB NOT NULL,
  seal INTEGER NOT NULL
) STRICT;
CREATE TABLE head(id INTEGER PRIMARY KEY CHECK (id = 1), identity INTEGER NOT NULL) STRICT;
)sql";

}  // namespace tandem::store::schema
