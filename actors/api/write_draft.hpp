// One transaction in the making: a view with the changes made so far on top, and the preconditions that make
// the result safe to apply later (architecture §5). Every key that was looked at before it is written goes in
// with exactly the revision that was seen. Pure: one owner.
#pragma once

#include "messages/object_view.hpp"
#include "messages/transaction.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace holdfast::api {

class write_draft {
public:
  explicit write_draft(msg::view_ptr base) : base_(std::move(base)) {}

  /// JSON text of the object as it will be, or nothing. Valid until the next put or remove of the same key.
  [[nodiscard]] std::optional<std::string_view> get(std::string_view prefix, std::string_view key) const;
  [[nodiscard]] bool exists(std::string_view prefix, std::string_view key) const {
    return get(prefix, key).has_value();
  }
  /// Visits the prefix as it will be, in no particular order.
  void scan(std::string_view prefix,
            const std::function<void(std::string_view key, std::string_view json)>& visit) const;

  void put(std::string_view prefix, std::string_view key, std::string json);
  void remove(std::string_view prefix, std::string_view key);
  /// The transaction will fail when the object is not as the view has it, though it is not written.
  void expect_unchanged(std::string_view prefix, std::string_view key);
  /// The same, but any revision will do: only whether there is such an object counts.
  void expect_presence(std::string_view prefix, std::string_view key);

  /// Takes a put back that leaves the object as the view has it.
  void forget_if_unchanged(std::string_view prefix, std::string_view key);
  /// Visits what was put (true) or removed (false) so far. The visitor must not change the draft.
  void each_change(
      const std::function<void(std::string_view prefix, std::string_view key, bool present)>& visit) const;

  [[nodiscard]] const msg::object_view& base() const { return *base_; }
  [[nodiscard]] std::size_t changes() const { return changed_.size(); }
  /// The transaction: preconditions and mutations in key order. Principal, time and answer are left unset.
  [[nodiscard]] msg::transaction take();

private:
  using full_key = std::pair<std::string, std::string>;
  [[nodiscard]] msg::precondition as_seen(const full_key& key, msg::expectation of_present) const;

  msg::view_ptr base_;
  std::map<full_key, std::optional<std::string>, std::less<>> changed_;
  std::map<full_key, msg::expectation> expected_; ///< of what is there; the absent must stay so
};

} // namespace holdfast::api
