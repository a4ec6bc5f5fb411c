// What a person must know while it lasts: looked at about once a second.
#include "broker/certificates.hpp"
#include "broker/node.hpp"

namespace tandem::broker {

// It may be over within a few milliseconds after the boxes see each other again, and a person must know all the same.
void Node::watch_both_active() {
  if (pair_->both_active() == both_active_) return;  // asked with each frame
  both_active_ = !both_active_;
  if (both_active_) {
    alarms_.raise("both_active",
                  "Both boxes served, each without the other: they could not see each other. One gives up now; what it "
                  "acknowledged alone is merged into the other one. Find out why both paths and the LAN were cut.");
  } else {
    alarms_.clear("both_active", "one box serves.");
  }
}

// Full, slow, or dead. A box whose disk is dead holds everything in memory still, and must not be the one that serves,
// or that counts as the second copy, if the other one can do without it.
void Node::watch_disk(Steady now) {
  const std::string under = "The disk under " + config_.node.data_dir;
  const std::int64_t still_ms = disk_lag_.still_ms(now);
  if (disk_full_) {
    disk_lag_.excused(now);
    alarms_.raise("disk", under +
                              " is full: records wait for space, nothing that was acknowledged is lost. Free some; it "
                              "goes on by itself.");
  } else if (still_ms >= limits::disk_still_ms) {
    alarms_.raise("disk",
                  under + " has taken nothing for " + std::to_string(still_ms / 1000) +
                      " s: records wait in memory. Look at the journal of the kernel (dmesg) and replace the disk.");
    if (still_ms >= limits::disk_dead_ms && pair_->can_be_spared()) {
      fail(Error{under + " has taken nothing for " + std::to_string(still_ms / 1000) +
                 " s: it counts as dead. The other box holds everything; this one stops"});
    }
  } else {
    alarms_.clear("disk", "it takes what it is given again.");
  }
}

void Node::watch_certificates() {
  if (std::string warning = warning_of(parts_.certificates(parts_.clocks.wall())); !warning.empty()) {
    alarms_.raise("certificate", std::move(warning));
  } else {
    alarms_.clear("certificate", "all certificates are valid for more than 30 days.");
  }
}

// What is there is served on; what would have to be kept is refused, before the kernel ends the process.
void Node::watch_memory() {
  if (parts_.max_memory_bytes == 0) return;
  const std::size_t used = parts_.memory_bytes();
  const std::size_t most = parts_.max_memory_bytes;
  const bool full = alarms_.has("memory") ? used > most - most / 10 : used > most;
  active_.set_memory_full(full);
  if (!full) return alarms_.clear("memory", "messages are kept again.");
  alarms_.raise("memory",
                "tandemd has " + std::to_string(used / limits::mib) + " MiB, the limit is " +
                    std::to_string(most / limits::mib) +
                    " (limits.memory_mb): new sessions, and messages that would have to be kept, are refused. "
                    "Find out whose queue is long, or who retains so much.");
}

void Node::watch_users() {
  if (!active_.reigning() || !only_loopback_) return alarms_.clear("users", "there is a user.");
  alarms_.raise(
      "users",
      "Nobody can come in: there are no users, and anonymous clients are refused. The listeners are open to this "
      "machine only. On this box: tandemctl user add NAME");
}

void Node::watch_alarms(Steady now) {
  watch_disk(now);
  watch_certificates();
  watch_config();
  watch_memory();
  watch_users();
  const mirror::PairStatus status = pair_->status(now);
  sync_meter_.see(status.sync_percent, status.sync_bytes, now);
  const bool in_sync = status.self.mode == mirror::Mode::in_sync;
  if ((in_sync || status.is_protected) && alarms_.has("damage")) {
    alarms_.clear("damage",
                  active_.reigning()
                      ? "both boxes hold the same; what could not be read is lost. The damaged files are kept."
                      : "everything was fetched from the other box. The damaged files are kept.");
    parts_.missing.clear();
    if (parts_.healed) parts_.healed();
  }
  // Durable by itself: where the log begins, and from where on the peer may lack something (1: not known from where).
  tail_compacted_ = active_.reigning() && status.alone_from.value > 1 && parts_.store.log_first() > status.alone_from &&
                    !status.is_protected;
  if (tail_compacted_) {
    alarms_.raise(
        "log", "The log kept for the other box outgrew store.log_max_mb (" + std::to_string(config_.store.log_max_mb) +
                   " MiB): what was acknowledged by this box alone is in its rows only. The other box gets all of "
                   "them as an image when it is back; should this box lose a split, they are merged from State, "
                   "except what ended.");
  } else {
    alarms_.clear("log", "the other box has everything again.");
  }
  if (config_.by_keepalived()) {
    for (auto& [kind, trouble] : parts_.vrrp->troubles()) {
      if (trouble.empty()) {
        alarms_.clear(kind, "it works again.");
      } else {
        alarms_.raise(kind, std::move(trouble));
      }
    }
  }
  std::string promise = promise_in_force();
  if (promise != promise_) {
    promise_ = std::move(promise);
    promise_since_ = parts_.clocks.wall();
  }
}

}  // namespace tandem::broker
