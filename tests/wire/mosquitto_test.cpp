// Debian's mosquitto_pub and mosquitto_sub as clients that know nothing of us.
#include <doctest/doctest.h>

#include <csignal>

#include "tests/covers.hpp"
#include "tests/wire/broker.hpp"

using namespace tandem::test;

namespace {

bool installed() {
  static const bool found = run({"mosquitto_sub", "--help"}, scaled(Millis(5'000))).code != 127;
  if (!found) MESSAGE("mosquitto_sub is not installed: not tested");
  return found;
}

std::vector<std::string> command(const std::string& program, const std::string& version,
                                 const std::vector<std::string>& more) {
  std::vector<std::string> out = {program, "-h", "127.0.0.1", "-p", std::to_string(broker().port()), "-V", version};
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

void publish(const std::string& version, const std::vector<std::string>& more) {
  Ran ran = run(command("mosquitto_pub", version, more), scaled(Millis(10'000)));
  CHECK_MESSAGE(ran.code == 0, ran.output);
}

// "topic payload" lines of the messages that came.
std::string receive(const std::string& version, int count, const std::vector<std::string>& more) {
  std::vector<std::string> all = {"-v", "-C", std::to_string(count), "-W", std::to_string(10 * time_factor())};
  all.insert(all.end(), more.begin(), more.end());
  return run(command("mosquitto_sub", version, all), scaled(Millis(20'000))).output;
}

const char* const versions[] = {"mqttv31", "mqttv311", "mqttv5"};

}  // namespace

TEST_CASE("mosquitto clients: a persistent session gets what came while it was away, at every QoS") {
  COVERS("MQTT311-7.0.0-2");
  if (!installed()) return;
  for (const char* version : versions) {
    for (const char* qos : {"1", "2"}) {
      CAPTURE(version);
      CAPTURE(qos);
      std::string id = unique("mosq");
      std::string topic = unique("mosquitto/");
      std::vector<std::string> session = {"-i", id, "-c", "-q", qos, "-t", topic + "/#"};
      if (std::string(version) == "mqttv5") session.insert(session.end(), {"-x", "600"});
      std::vector<std::string> leave = session;
      leave.push_back("-E");
      Ran made = run(command("mosquitto_sub", version, leave), scaled(Millis(10'000)));
      CHECK_MESSAGE(made.code == 0, made.output);
      publish(version, {"-t", topic + "/a", "-m", "first", "-q", qos});
      publish(version, {"-t", topic + "/b", "-m", "second", "-q", qos});
      CHECK(receive(version, 2, session) == topic + "/a first\n" + topic + "/b second\n");
    }
  }
}

TEST_CASE("mosquitto clients: retained messages are there for a later subscriber") {
  if (!installed()) return;
  for (const char* version : versions) {
    for (const char* qos : {"0", "1", "2"}) {
      CAPTURE(version);
      CAPTURE(qos);
      std::string topic = unique("mosquitto/");
      publish(version, {"-t", topic, "-m", "kept", "-r", "-q", qos});
      CHECK(receive(version, 1, {"-t", topic}) == topic + " kept\n");
    }
  }
}

TEST_CASE("mosquitto clients: the will of a client that is killed is published") {
  if (!installed()) return;
  for (const char* version : versions) {
    CAPTURE(version);
    std::string topic = unique("mosquitto/");
    Client watcher = connected(4);
    watcher.subscribe(topic + "/#", 1);
    Folder folder("mosquitto");
    Process mortal;
    mortal.start(command("mosquitto_sub", version,
                         {"-i", unique("mosq"), "-t", topic + "/in", "--will-topic", topic + "/will", "--will-payload",
                          "gone", "--will-qos", "1"}),
                 folder.file("mortal.log"));
    Client knocker = connected(4);
    // The client prints what it gets: then it is connected, and its will is set.
    until(
        [&] {
          knocker.publish(topic + "/in", "knock", 1);
          return read_text_file(folder.file("mortal.log")).find("knock") != std::string::npos;
        },
        "the client is connected");
    mortal.kill();
    Packet will = watcher.receive();
    while (will.payload == "knock") will = watcher.receive();
    CHECK(will.topic == topic + "/will");
    CHECK(will.payload == "gone");
  }
}

TEST_CASE("mosquitto clients: a large message and many small ones") {
  if (!installed()) return;
  std::string topic = unique("mosquitto/");
  Folder folder("mosquitto");
  std::string large(1'000'000, 'x');
  write_text_file(folder.file("large"), large);
  publish("mqttv5", {"-t", topic, "-f", folder.file("large"), "-q", "2", "-r"});
  CHECK(receive("mqttv311", 1, {"-t", topic, "-q", "2"}) == topic + " " + large + "\n");
  std::string many;
  for (int i = 0; i < 1'000; ++i) many += std::to_string(i) + "\n";
  write_text_file(folder.file("many"), many);
  std::vector<std::string> session = {"-i", unique("mosq"), "-c", "-q", "2", "-t", topic + "/many"};
  std::vector<std::string> leave = session;
  leave.push_back("-E");
  run(command("mosquitto_sub", "mqttv311", leave), scaled(Millis(10'000)));
  Ran ran = run({"sh", "-c",
                 "mosquitto_pub -h 127.0.0.1 -p " + std::to_string(broker().port()) + " -q 2 -l -t " + topic +
                     "/many < " + folder.file("many")},
                scaled(Millis(30'000)));
  CHECK_MESSAGE(ran.code == 0, ran.output);
  std::string received = receive("mqttv311", 1'000, session);
  std::string wanted;
  for (int i = 0; i < 1'000; ++i) wanted += topic + "/many " + std::to_string(i) + "\n";
  CHECK(received == wanted);
}
