// Errors from outside as values: what happened, where, what to do. Broken invariants abort instead (see check.hpp).
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "base/check.hpp"

namespace tandem {

struct Error {
  std::string message;  // one sentence for a person: what, where, what to do
};

// Either a value or an Error. value() on an error aborts: test ok() first.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : content_(std::in_place_index<0>, std::move(value)) {}      // NOLINT(google-explicit-constructor)
  Result(Error error) : content_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return content_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() {
    CHECK(ok());
    return *std::get_if<0>(&content_);
  }
  const T& value() const {
    CHECK(ok());
    return *std::get_if<0>(&content_);
  }
  T take() {
    CHECK(ok());
    return std::move(*std::get_if<0>(&content_));
  }
  const Error& error() const {
    CHECK(!ok());
    return *std::get_if<1>(&content_);
  }

 private:
  std::variant<T, Error> content_;
};

// Success without a value, or an Error.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Error error) : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  const Error& error() const {
    CHECK(!ok());
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

}  // namespace tandem
