// Events of a node go to the journal.
#pragma once

#include "base/journal.hpp"
#include "broker/parts.hpp"

namespace tandem::broker {

class JournalEvents final : public Events {
 public:
  void event(Level level, std::string_view /*kind*/, std::string_view sentence) override {
    switch (level) {
      case Level::info:
        return journal::info(sentence);
      case Level::warn:
        return journal::warn(sentence);
      case Level::error:
        return journal::error(sentence);
    }
  }
};

}  // namespace tandem::broker
