// Which certificate of a TLS listener a client gets: by the server name that it asks for (SNI, RFC 6066, section 3).
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace tandem::edge {

class ServerNames {
 public:
  // A DNS name of the certificate at `place`: "mqtt.example", or "*.plant.example" for every name with one label more.
  // A name that is known already keeps its place.
  void add(std::string_view name, std::size_t place);
  // Of the name itself, else of a wildcard; letters may be large or small. Nothing: no certificate has it.
  std::optional<std::size_t> place_of(std::string_view asked) const;

 private:
  std::map<std::string, std::size_t, std::less<>> places_;  // by the name in small letters
};

}  // namespace tandem::edge
