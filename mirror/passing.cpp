// Frames whose bodies are the owner's business: `tandemctl verify` (the standby asks, the active answers), and whom the
// active serves.
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

bool Pair::Impl::send_clients(const ByteBuffer& bytes) {
  if (!linked() || role != Role::active || bytes.size() > max_clients_bytes) return false;
  post.send_encoded(FrameKind::clients, bytes);
  return true;
}

void Pair::Impl::on_clients(ByteReader in) {
  if (in.remaining() > max_clients_bytes || role != Role::standby) return;
  orders.push_back(PeerClients{ByteBuffer(in.rest())});
}

}  // namespace tandem::mirror
