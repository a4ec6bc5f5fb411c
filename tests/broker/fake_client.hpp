// A client without a socket: its bytes go to a sink as the edge gives them, and what it is sent stays in out().
#pragma once

#include "edge/connection.hpp"

namespace tandem::test {

class FakeClient final : public edge::Connection {
 public:
  explicit FakeClient(ConnectionId id) { id_ = id; }

  // Whole packets: they are taken until it is paused or closed. What is left of them.
  // Not inlined, and in no call of its own: tests/bench/instructions.py counts from its entry to its end.
  [[gnu::noinline]] ByteView send(edge::PacketSink& sink, ByteView bytes) {
    while (!bytes.empty() && !paused_ && !closed_) {
      const mqtt::Decoded decoded = mqtt::decode(bytes, options_, packet_);
      if (decoded.status == mqtt::DecodeStatus::error) sink.on_malformed(*this, decoded);
      if (decoded.status != mqtt::DecodeStatus::packet || !sink.on_packet(*this, packet_)) closed_ = true;
      bytes.remove_prefix(decoded.used);
    }
    return bytes;
  }
  // One packet. False: it was not taken.
  bool say(edge::PacketSink& sink, const mqtt::Packet& packet) {
    ByteBuffer bytes;
    mqtt::encode(packet, version_, bytes);
    return send(sink, bytes).empty();
  }
  // As the edge at the end of a turn, to a socket that takes all.
  void written() {
    out().clear();
    write_queued_ = false;
  }
  bool paused() const { return paused_; }
  bool closed() const { return closed_; }

  void authenticating() override { options_.version = version_ = mqtt::Version::v5; }
  void established(mqtt::Version version, std::uint16_t, std::uint32_t max_packet_bytes_out) override {
    options_.version = version_ = version;
    established_ = true;
    max_packet_bytes_out_ = max_packet_bytes_out;
  }
  void close_after_flush() override { closed_ = true; }
  void close_now() override { closed_ = true; }
  void pause_reading() override { paused_ = true; }
  void resume_reading() override { paused_ = false; }

 private:
  void queue_write() override { write_queued_ = true; }

  mqtt::DecodeOptions options_;
  mqtt::Packet packet_;
  bool paused_ = false;
  bool closed_ = false;
};

}  // namespace tandem::test
