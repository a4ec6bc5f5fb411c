// A client without a socket: its bytes go to a sink as the edge gives them, and what it is sent stays in output(). As
// most connections do it is sent payloads from where they lie.
#pragma once

#include <string>

#include "edge/connection.hpp"

namespace tandem::test {

class FakeClient final : public edge::Connection {
 public:
  explicit FakeClient(ConnectionId id) {
    id_ = id;
    shares_ = true;
  }
  // As a client with TLS.
  void copies() { shares_ = false; }
  // What is being handed over may be shared, too: the test sees to it that it stays until it looks.
  void writes_from_what_came() { writes_from_what_came_ = true; }

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
    output_.clear();
    write_queued_ = false;
  }
  const edge::Output& output() const { return output_; }
  // All that it is sent, as bytes.
  std::string sent() const {
    std::string bytes;
    output_.append_to(bytes);
    return bytes;
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
  bool can_write_from(ByteView) override { return writes_from_what_came_; }

 private:
  void queue_write() override { write_queued_ = true; }

  mqtt::DecodeOptions options_;
  mqtt::Packet packet_;
  bool paused_ = false;
  bool closed_ = false;
  bool writes_from_what_came_ = false;
};

}  // namespace tandem::test
