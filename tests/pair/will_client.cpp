// See will_client.hpp.
#include "tests/pair/will_client.hpp"

#include "tests/pair/process.hpp"

namespace tandem::test {

namespace {

constexpr Millis ping_every{200};

ClientOptions client_options(const WillClientOptions& options) {
  ClientOptions out;
  out.connect.client_id = options.client_id;
  out.connect.keepalive_s = static_cast<uint16_t>(3 * time_factor());
  out.connect.will = Will{options.topic, options.payload, 2, false, {}, {}};
  out.timeout = scaled(Millis(1'000));
  return out;
}

}  // namespace

WillClient::WillClient(WillClientOptions options) : options_(std::move(options)), client_(client_options(options_)) {}

WillClient::~WillClient() {
  leaving_ = true;
  if (thread_.joinable()) thread_.join();
}

Millis WillClient::grace() const {
  return Millis(1'500 * client_.options().connect.keepalive_s);
}

void WillClient::connect() {
  connect_any(client_, options_.endpoints, scaled(Millis(10'000)));
}

void WillClient::start() {
  connect();
  thread_ = std::thread([this] { go(); });
}

void WillClient::go() {
  while (!leaving_) {
    try {
      if (!client_.is_open()) connect();
      if (!client_.try_read(ping_every)) client_.ping();
    } catch (const ClientError& error) {
      client_.close();
      if (error.kind() != ClientError::Kind::closed) {
        std::lock_guard lock(mutex_);
        violations_.push_back(error.what());
      }
    }
  }
  try {
    if (client_.is_open()) client_.disconnect();
  } catch (const ClientError&) {
    client_.close();
  }
}

std::vector<std::string> WillClient::violations() const {
  std::lock_guard lock(mutex_);
  return violations_;
}

}  // namespace tandem::test
