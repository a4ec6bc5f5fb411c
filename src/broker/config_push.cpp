#include "broker/config_push.hpp"

#include <algorithm>

#include "admin/protocol.hpp"
#include "base/printable.hpp"

namespace tandem::broker {

namespace {
constexpr std::int64_t answer_within_ms = 10'000;

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

}  // namespace

void ConfigPush::ask(std::uint64_t number, std::uint64_t of, Steady now) {
  info_.asked = number;
  info_.asked_of = of;
  asked_at_ = now;
  outcome_.reset();
}

void ConfigPush::see(const ConfigPushInfo& peer, Steady now) {
  if (info_.asked == 0) return;
  if (peer.answered == info_.asked) {
    const std::string answer = printable(peer.answer);
    outcome_ = peer.done ? Result<std::string>(answer) : Result<std::string>(Error{answer});
  } else if (peer.run != 0 && peer.run != info_.asked_of) {
    outcome_ = Error{"the other box's tandemd was started anew meanwhile; see there whether it has written its file."};
  } else if (now.ms - asked_at_.ms >= answer_within_ms) {
    outcome_ = Error{"the other box did not answer: it is away, or its release knows no push."};
  }
  if (outcome_) info_.asked = 0;
}

std::string ConfigPush::reply() const {
  if (!outcome_) return admin::reply_message("");
  return outcome_->ok() ? admin::reply_message(outcome_->value()) : admin::reply_error(outcome_->error().message);
}

void ConfigPush::answer(std::uint64_t number, const Result<std::string>& taken) {
  info_.answered = number;
  info_.done = taken.ok();
  info_.answer = one_line(taken.ok() ? taken.value() : taken.error().message).substr(0, max_config_answer_bytes);
}

}  // namespace tandem::broker
