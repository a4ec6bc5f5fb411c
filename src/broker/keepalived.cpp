// Weight out, word in.
#include "broker/keepalived.hpp"

#include <algorithm>

#include "mirror/weight.hpp"

namespace tandem::broker {

namespace {

constexpr std::int64_t write_again_ms = 2'000;   // the same weight, to see whether keepalived reads it
constexpr std::int64_t read_by_then_ms = 5'000;  // more than two of these: then nobody guards the address

}  // namespace

Keepalived::Keepalived(const TakeoverConfig& config, const Clocks& clocks)
    : config_(config),
      clocks_(clocks),
      weight_file_(config.weight_file),
      weight_readers_(config.weight_file),
      weight_(mirror::weight_fault),
      read_at_(clocks.steady()) {
  write();
}

Keepalived::~Keepalived() {
  if (weight_ != mirror::weight_fault) set_weight(mirror::weight_fault);
}

Status Keepalived::open(std::uint16_t echo_id) {
  if (!config_.reach.empty()) {
    Result<std::unique_ptr<vip::Reach>> reach = vip::Reach::open(config_.reach, echo_id);
    if (reach.ok()) {
      reach_ = reach.take();
    } else {
      reach_trouble_ = reach.error().message + ".";
    }
  }
  Result<std::unique_ptr<vip::NotifyFifo>> fifo = vip::NotifyFifo::open(config_.notify_fifo);
  if (fifo.ok()) {
    fifo_ = fifo.take();
  } else {
    fifo_trouble_ = fifo.error().message;
  }
  Result<std::unique_ptr<vip::AddressWatch>> addresses = vip::AddressWatch::open(config_.vip);
  if (!addresses.ok()) return addresses.error();
  addresses_ = addresses.take();
  return {};
}

std::vector<int> Keepalived::fds() const {
  std::vector<int> all = {addresses_->fd()};
  if (fifo_) all.push_back(fifo_->fd());
  return all;
}

// The kernel is the authority; keepalived's own notice may only be faster when the address goes. The address first: a
// notice that follows it in time must count.
bool Keepalived::master() {
  if (addresses_->read()) not_master_.clear();
  if (fifo_) {
    fifo_->read([this](const vip::Notice& notice) {
      const auto& ours = config_.vrrp_instance;
      if (std::find(ours.begin(), ours.end(), notice.instance) == ours.end()) return;
      if (notice.master) {
        not_master_.erase(std::string(notice.instance));
      } else {
        not_master_.emplace(notice.instance);
      }
    });
  }
  return addresses_->here() && not_master_.empty();
}

bool Keepalived::reaches_somebody() {
  return reach_ == nullptr || reach_->somebody(clocks_.steady());
}

void Keepalived::set_weight(int weight) {
  weight_ = weight;
  write();
}

void Keepalived::write() {
  written_ = weight_file_.write(weight_);
  written_at_ = clocks_.steady();
}

std::string Keepalived::unguarded() {
  const Steady now = clocks_.steady();
  if (weight_readers_.looked_at() || !weight_readers_.works()) read_at_ = now;
  if (!written_.ok() || now.ms - written_at_.ms >= write_again_ms) write();
  if (now.ms - read_at_.ms < read_by_then_ms) return fifo_trouble_;
  return "Nobody guards the virtual IP: keepalived does not read " + config_.weight_file +
         ". It does not run, hangs, or its track_file has another name. Look at systemctl status keepalived, and "
         "compare its configuration with etc/keepalived.";
}

std::map<std::string, std::string> Keepalived::troubles() {
  std::string guard = unguarded();
  return {{"weight", written_.ok() ? "" : written_.error().message + "."},
          {"keepalived", std::move(guard)},
          {"reach_socket", reach_trouble_}};
}

}  // namespace tandem::broker
