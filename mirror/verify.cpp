// `tandemctl verify`: the standby asks, the active answers; the frames' bodies are the owner's business.
#include "mirror/node.hpp"

namespace tandem::mirror {

void Pair::Impl::send_verify(bool answer, ByteBuffer bytes) {
  if (!linked() || bytes.size() > max_verify_bytes) return;
  post.send_encoded(answer ? FrameKind::verify_answer : FrameKind::verify_ask, bytes);
}

void Pair::Impl::on_verify_frame(bool answer, ByteReader in) {
  if (in.remaining() > max_verify_bytes) return;
  const bool concerns_us = answer ? role == Role::standby : role == Role::active;
  if (concerns_us) orders.push_back(VerifyFrame{answer, ByteBuffer(in.rest())});
}

}  // namespace tandem::mirror
