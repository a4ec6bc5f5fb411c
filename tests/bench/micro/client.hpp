// A connection without a socket.
#pragma once

#include <cstdint>

#include "base/check.hpp"
#include "edge/connections.hpp"

namespace tandem::micro {

class Client final : public edge::Connection {
 public:
  explicit Client(std::uint32_t slot) {
    id_ = {slot, 1};
    version_ = mqtt::Version::v311;
  }
  // As the broker's core sees them: parsed one by one.
  void send(edge::PacketSink& sink, ByteView bytes) {
    while (!bytes.empty()) {
      const mqtt::Decoded decoded = mqtt::decode(bytes, options_, packet_);
      CHECK(decoded.status == mqtt::DecodeStatus::packet && sink.on_packet(*this, packet_));
      bytes.remove_prefix(decoded.used);
    }
  }
  void written() {
    out().clear();
    write_queued_ = false;
  }

  void authenticating() override {}
  void established(mqtt::Version, std::uint16_t, std::uint32_t) override { established_ = true; }
  void close_after_flush() override { CHECK(false); }
  void close_now() override { CHECK(false); }
  void pause_reading() override {}
  void resume_reading() override {}

 private:
  void queue_write() override { write_queued_ = true; }
  mqtt::DecodeOptions options_;
  mqtt::Packet packet_;
};

}  // namespace tandem::micro
