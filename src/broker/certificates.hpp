// The certificates of all TLS listeners: read at the start and when asked again (SIGHUP, `tandemctl reload`) for
// connections that begin then. And when each of them expires.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "admin/status.hpp"
#include "broker/clocks.hpp"
#include "broker/config.hpp"
#include "edge/tls_certificates.hpp"

namespace tandem::broker {

class Certificates {
 public:
  explicit Certificates(const std::vector<ListenerConfig>& listeners);

  bool none() const { return listeners_.empty(); }
  // Of a listener by its place in the configuration; null: it has no TLS.
  std::shared_ptr<const edge::TlsCertificates> of(std::size_t place) const;
  // A sentence for each listener: what was read; or why not, and that its certificates of before stay.
  struct Told {
    bool good = true;
    std::string sentence;
  };
  std::vector<Told> load();
  std::vector<admin::CertificateStatus> status(Instant wall) const;

 private:
  struct Listener {
    std::size_t place = 0;
    std::string name;  // "0.0.0.0:8883"
    std::shared_ptr<edge::TlsCertificates> certificates;
  };
  std::vector<Listener> listeners_;
};

// What a person should know of them: nothing, if none expires within limits::certificate_warning_s.
std::string warning_of(const std::vector<admin::CertificateStatus>& all);

}  // namespace tandem::broker
