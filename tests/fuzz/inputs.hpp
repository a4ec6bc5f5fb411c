// What comes from outside, under any bytes: one function a fuzzer. Each aborts where its promise does not hold.
#pragma once

#include "base/bytes.hpp"

namespace tandem::fuzz {

// The first byte chooses version and direction, the rest is a stream of packets: what can be read can be written and
// read again.
void examine_codec(ByteView input);
// A script of two clients (script.hpp). Where it is cut follows from it.
void examine_connection(ByteView input);
// A WebSocket listener: the first byte says whether a good request comes first, the second how the rest, a client's
// bytes, is cut. Cut or not, the same comes of it.
void examine_websocket(ByteView input);
// A listener behind a proxy: the first byte says how the rest, the proxy's header and a client's bytes, is cut. Cut or
// not, the same comes of it, and no byte of the client's is taken.
void examine_proxy(ByteView input);

// Before authentication. First byte: even, the rest are the parts of a question to the ZAP handler, each behind its
// length (a byte); odd, they are TCP bytes to the mirror's port. Nobody without the peer's key gets in or a frame
// through.
void examine_stranger(ByteView input);
// After it. A byte of circumstances, then steps of a Pair's life (peer_input.cpp), most of them frames of the peer.
// What is read can be written and read again; the orders keep their contracts; the metadata it writes can be read.
void examine_peer(ByteView input);

// What the other box tells of itself, its configuration among it: what is read can be written and read again, and none
// of its values sets another key of a file than its own.
void examine_info(ByteView input);

// The control socket. First byte: how a client's bytes are cut; they are lines of it, and replies of a node.
void examine_control(ByteView input);
// The same of HTTP.
void examine_http(ByteView input);

void examine_config(ByteView input);
void examine_passwords(ByteView input);
void examine_rules(ByteView input);
void examine_scram(ByteView input);

// Records, one behind the other: what can be read can be written and read again, and applied; the digest is right.
void examine_records(ByteView input);
// Rows of an image: kind, length of the key (a byte), key, length of the value (two bytes), value. They make a State
// that can go on and be saved, or an error.
void examine_rows(ByteView input);

// The next bytes of an input, fewer at its end.
inline ByteView at_most(ByteReader& in, std::size_t size) {
  return in.bytes(size < in.remaining() ? size : in.remaining());
}

}  // namespace tandem::fuzz
