// The HTTP request that makes a connection a WebSocket, and the answer to it (RFC 6455, 4.2). Sans I/O.
#pragma once

#include "base/bytes.hpp"
#include "edge/edge.hpp"

namespace tandem::edge {

struct UpgradeAnswer {
  bool accepted = false;
  ByteBuffer response;  // status line, headers and, for people, one line that says why not
};

// `request`: all of its head, up to the empty line. Nothing of it is kept.
UpgradeAnswer answer_upgrade(ByteView request, const WebSocketOptions& options);

// Of bytes that can no longer become such a head.
UpgradeAnswer refuse_other_protocol();
UpgradeAnswer refuse_large_request();

}  // namespace tandem::edge
