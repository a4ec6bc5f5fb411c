// Bytes of records (docs/formats.md): kind, version, length, body. A reader takes a body longer than it knows (fields
// may be appended in a later version) and refuses a version that says otherwise.
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "core/record.hpp"

namespace tandem::core {

// Of every body that this program writes; grows when a body changes other than by fields at its end.
inline constexpr std::uint8_t record_layout_version = 1;

// Appends the record. In-memory hints (Published::match, picks of transient sessions) are left out.
void encode_record(const Record& record, ByteBuffer& out);
void encode_record(const Published& record, ByteBuffer& out);  // the hot kinds without a variant
void encode_record(const Acked& record, ByteBuffer& out);
void encode_record(const Released& record, ByteBuffer& out);

// Next record of a batch; it borrows from the reader's bytes. Error: which kind and what is wrong.
Result<Record> decode_record(ByteReader& reader);

}  // namespace tandem::core
