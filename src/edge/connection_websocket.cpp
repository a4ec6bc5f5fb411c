// What a client of a WebSocket listener does to its connection beside its MQTT bytes: the upgrade, pings, the end.
#include "edge/connection_io.hpp"
#include "edge/edge_state.hpp"

namespace tandem::edge {

// True: this connection is not read any more. Packets that came before the end have been handed over.
bool ConnectionIo::websocket_ended() {
  switch (websocket_->end()) {
    case WebSocket::End::none:
      return false;
    case WebSocket::End::refused:
      end_with(CloseCause::malformed);
      break;
    case WebSocket::End::closed:
      client_closes_first();
      end_with(CloseCause::peer_closed);
      break;
    case WebSocket::End::violated: {
      begin_closing();
      mqtt::Decoded error;
      error.status = mqtt::DecodeStatus::error;
      error.reason = mqtt::Reason::protocol_error;
      error.what = websocket_->violation();
      edge_->sink.on_malformed(*this, error);
      break;
    }
  }
  return true;
}

}  // namespace tandem::edge
