// ZAP (ZeroMQ RFC 27): who may come in. Runs on a thread of its own, because libzmq asks during the handshake and the
// core loop must not be needed for it.
#pragma once

#include <string>
#include <thread>
#include <vector>
#include <zmq.hpp>

namespace tandem::mirror {

inline constexpr const char* zap_domain = "tandem";

class ZapGuard {
 public:
  // Lets in exactly the holders of these keys (Z85). Throws zmq::error_t.
  ZapGuard(zmq::context_t& context, const std::vector<std::string>& allowed_public_keys);
  // The context must have been shut down: that is what ends the thread.
  ~ZapGuard();
  ZapGuard(const ZapGuard&) = delete;
  ZapGuard& operator=(const ZapGuard&) = delete;

 private:
  void serve();
  bool answer_one();
  bool allowed(const std::string& key) const;

  zmq::socket_t socket_;
  std::vector<std::string> allowed_;  // 32 raw bytes each
  std::thread thread_;
};

}  // namespace tandem::mirror
