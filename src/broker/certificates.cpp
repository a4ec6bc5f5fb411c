#include "broker/certificates.hpp"

#include <ctime>

#include "base/limits.hpp"

namespace tandem::broker {

namespace {

constexpr std::int64_t day_s = 86'400;

std::string date_text(std::int64_t seconds) {
  const std::time_t time = seconds;
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  char text[32];
  return std::string(text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &parts));
}

std::string what_of(const admin::CertificateStatus& one) {
  return std::string(one.revocations ? "the revocation list" : "the certificate") + " of listener " + one.listener +
         " (" + one.file + ")";
}

std::string read_sentence(const std::string& listener, const edge::TlsContext& context) {
  std::string text = "TLS of listener " + listener + " is read:";
  for (const edge::TlsExpiry& one : context.expiries()) {
    text += (text.back() == ':' ? " " : ", ") + one.file + (one.revocations ? " (next list due " : " (valid until ") +
            date_text(one.expires_s) + ")";
  }
  return text + ".";
}

}  // namespace

Certificates::Certificates(const std::vector<ListenerConfig>& listeners) {
  for (std::size_t place = 0; place < listeners.size(); ++place) {
    const ListenerConfig& one = listeners[place];
    if (!one.tls) continue;
    listeners_.push_back(
        {place, to_text(Endpoint{one.address, one.port}), std::make_shared<edge::TlsCertificates>(*one.tls)});
  }
}

std::shared_ptr<const edge::TlsCertificates> Certificates::of(std::size_t place) const {
  for (const Listener& one : listeners_) {
    if (one.place == place) return one.certificates;
  }
  return nullptr;
}

std::vector<Certificates::Told> Certificates::load() {
  std::vector<Told> told;
  for (const Listener& one : listeners_) {
    const Status loaded = one.certificates->load();
    if (loaded.ok()) {
      told.push_back({true, read_sentence(one.name, *one.certificates->context())});
    } else {
      told.push_back({false, "TLS of listener " + one.name + ": " + loaded.error().message +
                                 (one.certificates->context() ? "; what was read before stays." : "")});
    }
  }
  return told;
}

std::vector<admin::CertificateStatus> Certificates::status(Instant wall) const {
  std::vector<admin::CertificateStatus> all;
  for (const Listener& one : listeners_) {
    if (!one.certificates->context()) continue;
    for (const edge::TlsExpiry& expiry : one.certificates->context()->expiries()) {
      all.push_back({one.name, expiry.file, expiry.revocations, expiry.expires_s, expiry.expires_s - wall.ms / 1000});
    }
  }
  return all;
}

std::string warning_of(const std::vector<admin::CertificateStatus>& all) {
  std::string text;
  for (const admin::CertificateStatus& one : all) {
    if (one.expires_in_s > limits::certificate_warning_s) continue;
    std::string what = what_of(one);
    if (text.empty()) what.front() = 'T';
    text += (text.empty() ? "" : "; ") + what;
    if (one.expires_in_s <= 0) {
      text += " HAS EXPIRED (" + date_text(one.expires_s) + ")";
    } else {
      const std::int64_t days = one.expires_in_s / day_s;
      text += " expires in " + (days == 1 ? "1 day" : std::to_string(days) + " days") + " (" +
              date_text(one.expires_s) + ")";
    }
  }
  if (text.empty()) return text;
  return text + ". Put a new file in its place on this box and run `tandemctl reload`.";
}

}  // namespace tandem::broker
