// tandemd: one node. `tandemd --config FILE`; `--check-config` validates and exits.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/journal.hpp"
#include "broker/certificates.hpp"
#include "broker/config.hpp"
#include "broker/process.hpp"

namespace {

constexpr int exit_failure = 1;
constexpr int exit_config = 2;

int serve(const tandem::Config& config) {
  tandem::broker::Process process(config);
  if (const tandem::Status started = process.start(); !started.ok()) {
    tandem::journal::error(started.error().message);
    return exit_failure;
  }
  const tandem::Status ended = process.run();
  if (!ended.ok()) std::_Exit(exit_failure);  // without waiting for anything
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Tandem: an MQTT broker for two boxes that behaves as one"};
  std::string config_file = "/etc/tandem/tandem.toml";
  bool check_only = false;
  bool verbose = false;
  app.add_option("--config", config_file, "configuration of this node (tandem.toml)");
  app.add_flag("--check-config", check_only, "validate the configuration and exit: 0 good, 2 bad");
  app.add_flag("--verbose", verbose, "debug lines in the journal");
  app.set_version_flag("--version", "tandemd " TANDEM_VERSION);
  CLI11_PARSE(app, argc, argv);

  tandem::Result<tandem::Config> config = tandem::load_config(config_file);
  if (!config.ok()) {
    std::fprintf(stderr, "%s\n", config.error().message.c_str());
    return exit_config;
  }
  if (check_only) {
    bool good = true;
    for (const auto& told : tandem::broker::Certificates(config.value().listeners).load()) {
      if (told.good) continue;
      std::fprintf(stderr, "%s: %s\n", config_file.c_str(), told.sentence.c_str());
      good = false;
    }
    if (!good) return exit_config;
    std::printf("%s: good\n", config_file.c_str());
    return 0;
  }
  tandem::journal::open(config.value().node.name,
                        verbose ? tandem::journal::Level::debug : tandem::journal::Level::info);
  return serve(config.value());
}
