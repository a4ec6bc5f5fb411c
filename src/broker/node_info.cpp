#include "broker/node_info.hpp"

namespace tandem::broker {

namespace {

void put(const ConfigPushInfo& info, ByteWriter& out) {
  out.varint(info.run)
      .varint(info.asked_of)
      .varint(info.asked)
      .varint(info.answered)
      .u8(info.done ? 1 : 0)
      .bytes_varint(info.answer);
}

ConfigPushInfo get_config_push(ByteReader& in) {
  ConfigPushInfo info;
  info.run = in.varint();
  info.asked_of = in.varint();
  info.asked = in.varint();
  info.answered = in.varint();
  info.done = in.u8() == 1;
  info.answer = std::string(in.bytes_varint().substr(0, max_config_answer_bytes));
  return in.ok() ? info : ConfigPushInfo{};
}

}  // namespace

ByteBuffer encode(const NodeInfo& info) {
  ByteBuffer bytes;
  ByteWriter out(bytes);
  out.varint(info.clients).varint(info.sessions).varint(info.retained).varint(info.queued).varint(info.uptime_s);
  out.bytes_varint(info.version).bytes_varint(info.digest);
  put(info.config, out);
  put(info.config_push, out);
  return bytes;
}

NodeInfo decode_info(ByteView bytes) {
  ByteReader in(bytes);
  NodeInfo info;
  info.clients = in.varint();
  info.sessions = in.varint();
  info.retained = in.varint();
  info.queued = in.varint();
  info.uptime_s = in.varint();
  info.version = std::string(in.bytes_varint());
  info.digest = std::string(in.bytes_varint());
  if (in.remaining() != 0) info.config = shared_values(get_config(in));
  if (in.remaining() != 0) info.config_push = get_config_push(in);
  return in.ok() ? info : NodeInfo{};
}

}  // namespace tandem::broker
