// How both boxes are configured: an alarm where it differs, and `tandemctl config`.
#include "admin/protocol.hpp"
#include "broker/node.hpp"
#include "broker/node_info.hpp"

namespace tandem::broker {

// About once a second.
void Node::watch_config() {
  if (!config_.mirror) return;
  const NodeInfo peer = decode_info(pair_->status(steady_now()).peer.info);
  config_push_.see(peer.config_push, steady_now());
  if (peer.config.empty()) return;  // it has not said
  if (config_push_.wanted(peer.config_push)) take_push(peer.config_push, peer.config);
  const std::vector<admin::ConfigDifference> found = differences(shared_config_, peer.config);
  if (found.empty()) return alarms_.clear("config", "both boxes are configured alike.");
  const std::string more = found.size() > 1 ? " and " + std::to_string(found.size() - 1) + " more" : "";
  alarms_.raise("config", "The boxes are configured differently: " + found.front().key + " is " + found.front().here +
                              " here and " + found.front().there + " there" + more +
                              ". After a takeover the other values hold. Compare: tandemctl config diff");
}

// The other box's operator wants this box configured as that one is.
void Node::take_push(const ConfigPushInfo& peer, const ConfigValues& there) {
  const std::string refused = config_.node.name +
                              " takes no configuration from the other box (mirror.accept_config is false there). "
                              "Nothing was changed.";
  const Result<std::string> taken = config_.mirror->accept_config ? parts_.take_over_config(there) : Error{refused};
  config_push_.answer(peer.asked, taken);
  parts_.events.event(taken.ok() ? Level::info : Level::warn, "config",
                      "On the other box 'config push' was ordered: " +
                          (taken.ok() ? taken.value() + " It holds from the next start." : taken.error().message));
  pair_->set_info(own_info());
}

std::string Node::config(std::string_view how) {
  if (how != "diff" && how != "push" && how != "pushed")
    return admin::reply_error("config knows \"diff\", \"push\" and \"pushed\"");
  if (!config_.mirror) return admin::reply_error("This is a single broker: there is no other box to compare with.");
  if (how == "pushed") {
    return config_push_.ordered() ? config_push_.reply()
                                  : admin::reply_error("nothing was pushed since tandemd started.");
  }
  const NodeInfo peer = decode_info(pair_->status(steady_now()).peer.info);
  if (peer.config.empty())
    return admin::reply_error("The other box has not told its configuration: it is away, or its release does not.");
  if (how == "push") {
    config_push_.ask(parts_.random(), peer.config_push.run, steady_now());
    pair_->set_info(own_info());
    return admin::reply_message("Asked.");
  }
  return admin::reply_data(admin::to_lines(differences(shared_config_, peer.config)));
}

}  // namespace tandem::broker
