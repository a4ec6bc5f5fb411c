#include "edge/websocket.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/limits.hpp"
#include "edge/websocket_upgrade.hpp"

namespace tandem::edge {

namespace {
constexpr std::string_view beginning = "GET ";
constexpr std::string_view head_end = "\r\n\r\n";
}  // namespace

ByteView WebSocket::receive(char* bytes, std::size_t size) {
  std::size_t used = 0;
  if (stage_ == Stage::request) used = take_request({bytes, size});
  if (stage_ != Stage::open) return {};
  return {bytes + used, reader_.unframe(bytes + used, size - used)};
}

// Returns the bytes that belong to the request.
std::size_t WebSocket::take_request(ByteView bytes) {
  const std::size_t before = request_.size();
  request_.append(bytes.substr(0, limits::websocket_request_bytes - before));
  const ByteView start = ByteView(request_).substr(0, beginning.size());
  const std::size_t end = request_.find(head_end, before - std::min(before, head_end.size() - 1));
  UpgradeAnswer answer;
  if (start != beginning.substr(0, start.size())) {
    answer = refuse_other_protocol();
  } else if (end != ByteBuffer::npos) {
    answer = answer_upgrade(ByteView(request_).substr(0, end + head_end.size()), *options_);
  } else if (request_.size() == limits::websocket_request_bytes) {
    answer = refuse_large_request();
  } else {
    return bytes.size();
  }
  stage_ = answer.accepted ? Stage::open : Stage::refused;
  to_say_ = std::move(answer.response);
  ByteBuffer().swap(request_);
  return answer.accepted ? end + head_end.size() - before : bytes.size();
}

WebSocket::End WebSocket::end() const {
  if (stage_ == Stage::refused) return End::refused;
  if (!reader_.ended()) return End::none;
  return reader_.violation() == nullptr ? End::closed : End::violated;
}

// Much at once, such as many retained messages. Browsers hand a frame over when they have all of it, others take no
// larger ones than so many bytes.
void WebSocket::frame_in_parts(ByteBuffer& out) {
  ByteBuffer framed(out, 0, framed_);
  framed.reserve(out.size() + to_say_.size() + 16 * (1 + out.size() / limits::websocket_sent_frame_bytes));
  framed += to_say_;
  for (ByteView rest = ByteView(out).substr(framed_); !rest.empty();) {
    const ByteView part = rest.substr(0, limits::websocket_sent_frame_bytes);
    append_frame_head(Opcode::binary, part.size(), framed);
    framed += part;
    rest.remove_prefix(part.size());
  }
  out.swap(framed);
}

void WebSocket::frame(ByteBuffer& out, bool last) {
  if (const auto ping = reader_.take_ping()) append_control_frame(Opcode::pong, *ping, to_say_);
  const std::size_t fresh_bytes = out.size() - framed_;
  if (fresh_bytes <= limits::websocket_sent_frame_bytes) {
    if (fresh_bytes > 0) append_frame_head(Opcode::binary, fresh_bytes, to_say_);
    out.insert(framed_, to_say_);
  } else {
    frame_in_parts(out);
  }
  ByteBuffer().swap(to_say_);  // an idle client has no memory for it; a head fits without
  if (last && stage_ == Stage::open) {
    append_close_frame(reader_.close_code(), out);
    stage_ = Stage::close_sent;
  }
  framed_ = out.size();
}

}  // namespace tandem::edge
