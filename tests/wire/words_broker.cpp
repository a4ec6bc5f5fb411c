// tandemd with a method of enhanced authentication that only tests know, WORDS: the client says a name, is asked who it
// is and answers "I am NAME". The names "endless", "direct" and "long" show what else a method may do.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/journal.hpp"
#include "broker/authenticator.hpp"
#include "broker/config.hpp"
#include "broker/process.hpp"

namespace {

using tandem::ByteView;
using tandem::broker::AuthExchange;
using tandem::broker::AuthMechanism;
using tandem::broker::AuthStep;

class Exchange final : public AuthExchange {
 public:
  AuthStep step(ByteView data) override {
    if (name_.empty()) return named(data);
    if (name_ == "endless") return ask("again");
    if (data == "I am " + name_) return welcome();
    AuthStep refused;
    refused.reason = tandem::mqtt::Reason::bad_username_or_password;
    return refused;
  }

 private:
  AuthStep named(ByteView data) {
    name_ = std::string(data);
    if (name_.empty()) return {};
    if (name_ == "direct") return welcome();
    return ask(name_ == "long" ? std::string(3'000, 'x') : "who is " + name_);
  }
  static AuthStep ask(const std::string& question) {
    AuthStep step;
    step.kind = AuthStep::Kind::more;
    step.data = question;
    return step;
  }
  AuthStep welcome() const {
    AuthStep step;
    step.kind = AuthStep::Kind::success;
    step.data = "welcome " + name_;
    step.username = name_;
    return step;
  }

  std::string name_;
};

class Words final : public AuthMechanism {
 public:
  std::string_view method() const override { return "WORDS"; }
  std::unique_ptr<AuthExchange> begin(std::string_view /*client_id*/) override { return std::make_unique<Exchange>(); }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 || std::string(argv[1]) != "--config") return 2;
  const tandem::Result<tandem::Config> config = tandem::load_config(argv[2]);
  if (!config.ok()) {
    std::fprintf(stderr, "%s\n", config.error().message.c_str());
    return 2;
  }
  tandem::journal::open(config.value().node.name, tandem::journal::Level::info);
  Words words;
  tandem::broker::Process process(config.value(), {&words});
  if (!process.start().ok()) return 1;
  if (!process.run().ok()) std::_Exit(1);
  return 0;
}
