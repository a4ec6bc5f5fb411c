// Planned work, as ordered by tandemctl: switchover and maintenance.
#include "admin/protocol.hpp"
#include "broker/node.hpp"

namespace tandem::broker {

std::string Node::switchover(std::string_view how) {
  if (!how.empty() && how != "force") return admin::reply_error("switchover knows \"force\" only");
  return ordered([&](Steady now) { return pair_->switchover(how == "force", now); });
}

// What is acknowledged has been released in this turn; the arbiter has not let go of this box yet.
void Node::redirect_clients() {
  if (!pair_->clients_may_go()) {
    redirected_ = false;
    return;
  }
  if (redirected_ || config_.takeover.redirect == Redirect::none) return;
  redirected_ = true;
  active_.redirect(config_.takeover.redirect == Redirect::server_moved ? mqtt::Reason::server_moved
                                                                       : mqtt::Reason::use_another_server,
                   config_.takeover.redirect_to);
}

// Error: not here, or not now.
Result<std::string> Node::set_maintenance(bool on, Steady now) {
  Result<std::string> done = pair_->set_maintenance(on, now);
  if (!done.ok()) return done;
  if (on) {
    alarms_.raise(
        "maintenance",
        "This box is in maintenance: it does not take over. When the work is done: tandemctl maintenance off.");
  } else {
    alarms_.clear("maintenance", "this box takes over again when it must.");
  }
  return done;
}

std::string Node::maintenance(std::string_view how) {
  if (how != "on" && how != "off") return admin::reply_error("maintenance needs \"on\" or \"off\"");
  const bool on = how == "on";
  return ordered([&](Steady now) -> Result<std::string> {
    Result<std::string> done = set_maintenance(on, now);
    if (!done.ok()) return done;
    const Status kept = parts_.keep_maintenance ? parts_.keep_maintenance(on) : Status{};
    if (!kept.ok()) {
      return done.value() + " But a restart of tandemd will forget it: " + kept.error().message + ".";
    }
    return done;
  });
}

}  // namespace tandem::broker
