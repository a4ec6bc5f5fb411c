// The certificates of one TLS listener: read when asked, used for connections that begin from then on. Those that are
// open keep what they began with. One thread (the core loop).
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "edge/tls_context.hpp"

namespace tandem::edge {

class TlsCertificates {
 public:
  explicit TlsCertificates(TlsOptions options) : options_(std::move(options)) {}

  // Error: the certificates of before stay; at the first time there are none.
  Status load() {
    auto read = TlsContext::load(options_);
    if (!read.ok()) return read.error();
    context_ = read.take();
    return {};
  }
  const TlsOptions& options() const { return options_; }
  // Null before the first good load().
  const std::shared_ptr<const TlsContext>& context() const { return context_; }

 private:
  const TlsOptions options_;
  std::shared_ptr<const TlsContext> context_;
};

}  // namespace tandem::edge
