// Digest, verify, healing: a standby whose State is not the active's says so, names what differs, and is loaded anew.
#include "admin/protocol.hpp"
#include "broker/node.hpp"

namespace tandem::broker {

namespace {
constexpr std::int64_t heal_again_ms = 10 * 60 * 1000;
constexpr std::int64_t name_within_ms = 5'000;  // then it is healed without names
}  // namespace

void Node::obey(mirror::CompareDigest& order) {
  if (active_.reigning() || replica_.last() != order.at) return;
  const ByteBuffer own = replica_.state().digest().summaries(pair_->common_level());
  if (own.size() != order.digest.size()) return;  // the levels change just now
  const bool agrees = own == order.digest;
  if (agrees) {
    alarms_.clear("digest", "both boxes hold the same at record " + std::to_string(order.at.value) + ".");
    return;
  }
  ++digest_mismatches_;
  if (alarms_.has("digest")) return;
  std::string tables;
  for (std::size_t t = 0; t * 8 < own.size(); ++t) {
    if (own.compare(t * 8, 8, order.digest, t * 8, 8) == 0) continue;
    tables += (tables.empty() ? "" : ", ") + std::string(core::table_name(static_cast<core::Table>(t)));
  }
  alarms_.raise("digest", "This standby's copy differs from the active's at record " + std::to_string(order.at.value) +
                              " in: " + tables + ".");
  verifier_.start();
  heal_asked_at_ = steady_now();
}

void Node::obey(mirror::VerifyFrame& order) {
  if (!order.answer) {
    if (!active_.reigning()) return;
    if (std::optional<ByteBuffer> bytes =
            verify_answers_.answer(order.bytes, replica_.state(), replica_.last(), pair_->common_level())) {
      pair_->send_verify(true, std::move(*bytes));
    }
    return;
  }
  if (!active_.reigning()) verifier_.on_answer(order.bytes, replica_.state(), replica_.last(), pair_->common_level());
}

// Every heartbeat.
void Node::run_verify(Steady now) {
  const std::int64_t end_us = parts_.clocks.work_us() + limits::verify_slice_us;
  const auto more = [&] { return parts_.clocks.work_us() < end_us; };
  if (active_.reigning())
    verify_answers_.work(replica_.state(), more);
  else
    verify_answers_.stop();
  if (verifier_.running() && pair_->mode() != mirror::Mode::in_sync) verifier_.stop();
  verifier_.work(replica_.state(), more);
  if (std::optional<ByteBuffer> bytes = verifier_.question()) pair_->send_verify(false, std::move(*bytes));
  if (!heal_asked_at_) return;
  if (verifier_.running() && now.ms - heal_asked_at_->ms < name_within_ms) return;
  heal_asked_at_.reset();
  if (!alarms_.has("digest") || pair_->mode() != mirror::Mode::in_sync) return;
  parts_.events.event(Level::error, "digest",
                      verifier_.result().empty() ? "What differs could not be named in time." : verifier_.result());
  if (healed_at_ && now.ms - healed_at_->ms < heal_again_ms) {
    parts_.events.event(
        Level::error, "digest",
        "The copy was loaded anew less than 10 minutes ago and differs again: it is left as it is. Compare "
        "with 'tandemctl verify', load it anew with 'tandemctl resync'.");
    return;
  }
  healed_at_ = now;
  const Result<std::string> done = pair_->resync(now);
  parts_.events.event(done.ok() ? Level::warn : Level::error, "digest",
                      done.ok() ? "Healing: " + done.value() : "It cannot be healed now: " + done.error().message);
}

std::string Node::verify(std::string_view how) {
  if (how == "result") {
    if (verifier_.running()) return admin::reply_message("");
    if (verifier_.result().empty())
      return admin::reply_error("The comparison was broken off: this box is not in sync.");
    return verifier_.differs() ? admin::reply_error(verifier_.result()) : admin::reply_message(verifier_.result());
  }
  if (how != "start") return admin::reply_error("verify needs \"start\" or \"result\"");
  if (active_.reigning()) {
    return admin::reply_error("This box is the active: order it at the standby, which compares itself with this one.");
  }
  if (pair_->mode() != mirror::Mode::in_sync) {
    return admin::reply_error("This box is not in sync with an active: there is nothing to compare.");
  }
  if (!verifier_.running()) verifier_.start();
  return admin::reply_message("Comparing.");
}

std::string Node::resync() {
  if (active_.reigning()) {
    return admin::reply_error(
        "This box is the active and has the copy that counts. Order it at the other box: tandemctl resync.");
  }
  return ordered([this](Steady now) { return pair_->resync(now); });
}

}  // namespace tandem::broker
