// ZAP (ZeroMQ RFC 27): who may come in. Runs on a thread of its own, because libzmq asks during the handshake and the
// core loop must not be needed for it.
#pragma once

#include <chrono>
#include <mutex>
#include <string>
#include <thread>
#include <vector>
#include <zmq.hpp>

namespace tandem::mirror {

inline constexpr const char* zap_domain = "tandem";

// The parts of the answer to a question of libzmq: in come exactly the holders of these keys (32 raw bytes each).
std::vector<std::string> zap_answer(const std::vector<std::string>& question, const std::vector<std::string>& allowed);

class ZapGuard {
 public:
  // Lets in exactly the holders of these keys (Z85), until others are named. Throws zmq::error_t.
  ZapGuard(zmq::context_t& context, const std::vector<std::string>& allowed_public_keys);
  // The context must have been shut down: that is what ends the thread.
  ~ZapGuard();
  ZapGuard(const ZapGuard&) = delete;
  ZapGuard& operator=(const ZapGuard&) = delete;

  // Who is in stays in until his connection ends.
  void allow(const std::vector<std::string>& public_keys);
  // Who was refused within the last seconds, in a sentence; empty: nobody.
  std::string trouble() const;

 private:
  void serve();
  bool answer_one();
  std::vector<std::string> judged(const std::vector<std::string>& question);

  zmq::socket_t socket_;
  mutable std::mutex mutex_;          // of what follows: the loop and the thread
  std::vector<std::string> allowed_;  // 32 raw bytes each
  std::string refused_;               // address
  std::chrono::steady_clock::time_point refused_at_;
  std::thread thread_;
};

}  // namespace tandem::mirror
