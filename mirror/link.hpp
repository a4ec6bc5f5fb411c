// The mirror link: ZeroMQ with CURVE, one socket a path. The only module that includes zmq.hpp. It moves whole frames
// and promises nothing about them: order, loss and duplicates are the stream's business (sender, receiver). The peer's
// key is pinned: nobody else gets a frame in, and nothing is parsed before authentication.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace tandem::mirror {

struct KeyPair {
  std::string public_key;  // Z85, 40 characters
  std::string secret_key;
};

KeyPair make_keys();
// Of the same node, near `present` in the order of public keys: who dials does not change.
KeyPair next_keys(const std::string& present_public_key);
// Makes the file (mode 0600, fsynced); refuses to replace one.
Status write_key_file(const std::string& path, const KeyPair& keys);
// Reads a file written by write_key_file() (`tandemctl keygen`); refuses one that others may read (mode must be 0600 or
// stricter).
Result<KeyPair> read_key_file(const std::string& path);
// Same text on both nodes, made of both public keys.
std::string pair_id(const std::string& own_public_key, const std::string& peer_public_key);
// The ids that this node's pair may have while keys are replaced, the present one first: each of the own keys with each
// of the peer's.
std::vector<std::string> pair_ids(const std::vector<std::string>& own_public_keys,
                                  const std::vector<std::string>& peer_public_keys);

struct LinkOptions {
  KeyPair own;
  std::vector<std::string> peer_public_keys;  // several while keys are rotated
  std::vector<std::string> listen;            // "address:port", one or two
  std::vector<std::string> peer;              // same count
};

class Link {
 public:
  virtual ~Link() = default;
  virtual std::size_t paths() const = 0;
  // To watch for readability (edge-triggered: after an event or a send, call drain()).
  virtual std::vector<int> fds() const = 0;
  // Hands over every frame that has arrived, path by path.
  virtual void drain(const std::function<void(std::size_t path, ByteView frame)>& take) = 0;
  // Queues one frame made of `head` followed by `body` (either may be empty; copied once). False if nobody is connected
  // on that path (dropped: the stream resends).
  virtual bool send(std::size_t path, ByteView head, ByteView body) = 0;
  // From now on. The connections are made anew, unless their keys hold as well: that takes less than a tenth of a
  // second, and the stream above does not notice. A key that is not named any more gets nothing through. Error, and
  // nothing has changed: who of the two dials would turn around.
  virtual Status change_keys(const KeyPair& own, const std::vector<std::string>& peer_public_keys) = 0;
  // What does not work right now, for status and journal: one sentence a path, empty if nothing. Retried by itself.
  virtual std::vector<std::string> troubles() const = 0;
};

// The node with the lower public key dials, the other binds: both know both keys before the first word (names are only
// known after HELLO). A key that replaces another is made near it (next_keys), so that this stays as it is.
Result<std::unique_ptr<Link>> open_link(const LinkOptions& options);

}  // namespace tandem::mirror
