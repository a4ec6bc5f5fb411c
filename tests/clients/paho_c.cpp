// Eclipse Paho C (MQTTAsync) as its users have it: its own threads, its own way to come back, messages kept while away.
// usage: paho_c PORT ID VERSION clean|keep [WILL_TOPIC]    the lines in and out: see process.py
#include <MQTTAsync.h>

#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>

namespace {

constexpr unsigned expiry_s = 3'600;
constexpr int keepalive_s = 60;
constexpr int disconnect_timeout_ms = 5'000;

// Lines go out whole, whichever thread has them.
void say(const std::string& line) {
  static std::mutex mutex;
  const std::lock_guard<std::mutex> lock(mutex);
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

int version_of(const std::string& name) {
  if (name == "3.1") return MQTTVERSION_3_1;
  return name == "5" ? MQTTVERSION_5 : MQTTVERSION_3_1_1;
}

// A condition that another thread brings about.
class Flag {
 public:
  void set() {
    const std::lock_guard<std::mutex> lock(mutex_);
    is_set_ = true;
    changed_.notify_all();
  }
  void wait() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return is_set_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_set_ = false;
};

class PahoC {
 public:
  PahoC(const std::string& port, const std::string& id, const std::string& version, bool clean)
      : version_(version_of(version)), clean_(clean) {
    MQTTAsync_createOptions options = MQTTAsync_createOptions_initializer;
    options.MQTTVersion = version_;
    options.sendWhileDisconnected = 1;
    const std::string address = "tcp://127.0.0.1:" + port;
    MQTTAsync_createWithOptions(&client_, address.c_str(), id.c_str(), MQTTCLIENT_PERSISTENCE_NONE, nullptr, &options);
    MQTTAsync_setCallbacks(
        client_, this, [](void*, char*) { say("down"); }, on_message, nullptr);
    // After each CONNACK; of the first one on_connack() says more.
    MQTTAsync_setConnected(client_, this, [](void* self, char*) { static_cast<PahoC*>(self)->on_connected(); });
  }

  void connect(const std::string& will_topic) {
    MQTTAsync_connectOptions first3 = MQTTAsync_connectOptions_initializer;
    MQTTAsync_connectOptions first5 = MQTTAsync_connectOptions_initializer5;
    MQTTAsync_connectOptions& options = five() ? first5 : first3;
    options.keepAliveInterval = keepalive_s;
    options.MQTTVersion = version_;
    options.automaticReconnect = 1;
    options.minRetryInterval = 1;
    options.maxRetryInterval = 1;
    options.context = this;
    MQTTProperties properties = MQTTProperties_initializer;
    if (five()) {
      MQTTProperty expiry;
      expiry.identifier = MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL;
      expiry.value.integer4 = clean_ ? 0 : expiry_s;
      MQTTProperties_add(&properties, &expiry);
      options.cleanstart = clean_ ? 1 : 0;
      options.connectProperties = &properties;
      options.onSuccess5 = [](void* self, MQTTAsync_successData5* data) {
        static_cast<PahoC*>(self)->on_connack(data->alt.connect.sessionPresent);
      };
    } else {
      options.cleansession = clean_ ? 1 : 0;
      options.onSuccess = [](void* self, MQTTAsync_successData* data) {
        static_cast<PahoC*>(self)->on_connack(data->alt.connect.sessionPresent);
      };
    }
    MQTTAsync_willOptions will = MQTTAsync_willOptions_initializer;
    will.topicName = will_topic.c_str();
    will.message = "gone";
    will.qos = 1;
    if (!will_topic.empty()) options.will = &will;
    MQTTAsync_connect(client_, &options);
    MQTTProperties_free(&properties);
    up_.wait();
  }

  void subscribe(const std::string& filter, int qos) {
    MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
    options.onSuccess = [](void*, MQTTAsync_successData*) { say("subscribed"); };
    if (five()) {
      options.onSuccess = nullptr;
      options.onSuccess5 = [](void*, MQTTAsync_successData5*) { say("subscribed"); };
    }
    MQTTAsync_subscribe(client_, filter.c_str(), qos, &options);
  }

  void publish(const std::string& topic, const std::string& payload, int qos, bool retain) {
    MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
    options.context = new std::string(payload);  // until it is complete
    if (five()) {
      options.onSuccess5 = [](void* context, MQTTAsync_successData5*) { on_published(context); };
    } else {
      options.onSuccess = [](void* context, MQTTAsync_successData*) { on_published(context); };
    }
    MQTTAsync_send(client_, topic.c_str(), static_cast<int>(payload.size()), payload.data(), qos, retain ? 1 : 0,
                   &options);
  }

  void leave() {
    MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer;
    options.timeout = disconnect_timeout_ms;
    options.context = this;
    if (five()) {
      options.onSuccess5 = [](void* self, MQTTAsync_successData5*) { static_cast<PahoC*>(self)->left_.set(); };
    } else {
      options.onSuccess = [](void* self, MQTTAsync_successData*) { static_cast<PahoC*>(self)->left_.set(); };
    }
    MQTTAsync_disconnect(client_, &options);
    left_.wait();
    MQTTAsync_destroy(&client_);
    say("left");
  }

 private:
  bool five() const { return version_ == MQTTVERSION_5; }

  void on_connack(int session_present) {
    say("up " + std::to_string(session_present));
    up_.set();
  }

  void on_connected() {
    if (connects_++ > 0) say("up -");
  }

  static int on_message(void*, char* topic, int, MQTTAsync_message* message) {
    const std::string payload(static_cast<const char*>(message->payload),
                              static_cast<std::size_t>(message->payloadlen));
    say("message " + std::string(topic) + " " + payload + " " + std::to_string(message->qos) + " " +
        std::to_string(message->retained));
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    return 1;
  }

  static void on_published(void* context) {
    const std::unique_ptr<std::string> payload(static_cast<std::string*>(context));
    say("published " + *payload);
  }

  const int version_;
  const bool clean_;
  MQTTAsync client_ = nullptr;
  int connects_ = 0;  // touched by Paho's receiving thread only
  Flag up_;
  Flag left_;
};

}  // namespace

int main(int count, char** arguments) {
  if (count < 5) return 2;
  PahoC client(arguments[1], arguments[2], arguments[3], std::string(arguments[4]) == "clean");
  client.connect(count > 5 ? arguments[5] : "");
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string command, topic, payload;
    int qos = 0, retain = 0;
    words >> command >> topic;
    if (command == "subscribe" && words >> qos) client.subscribe(topic, qos);
    if (command == "publish" && words >> payload >> qos >> retain) client.publish(topic, payload, qos, retain != 0);
    if (command == "leave") {
      client.leave();
      return 0;
    }
  }
  return 1;
}
