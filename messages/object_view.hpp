// What readers see of the object store: an immutable root taken in O(1). Holding one costs no lock and delays
// no writer; dropping it frees what nobody else holds. Any thread may read a view.
#pragma once

#include "messages/transaction.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::msg {

/// One stored object. `json` is compact JSON exactly as it was put.
struct object_record {
  std::string json;
  revision rev;
};
using object_ref = std::shared_ptr<const object_record>;

class object_view {
public:
  virtual ~object_view() = default;

  /// The object, or null. O(log n).
  [[nodiscard]] virtual object_ref get(std::string_view prefix, std::string_view key) const = 0;

  /// Visits a prefix in key order, starting at the first key >= from, until the visitor returns false.
  virtual void scan(std::string_view prefix, std::string_view from,
                    const std::function<bool(std::string_view key, const object_ref&)>& visit) const = 0;

  /// Number of objects under a prefix. O(1).
  [[nodiscard]] virtual std::size_t count(std::string_view prefix) const = 0;

  /// Largest revision ever applied under a prefix, deletes included (0: never touched). Lets list caches and
  /// long polls tell "nothing changed" without a scan.
  [[nodiscard]] virtual revision last_change(std::string_view prefix) const = 0;

  /// Log index this view stands at.
  [[nodiscard]] virtual std::uint64_t applied_index() const = 0;
};
using view_ptr = std::shared_ptr<const object_view>;

/// One applied change, in log order; what events are made of.
struct change {
  enum class action : std::uint8_t { create, update, remove };
  action what = action::create;
  std::string prefix;
  std::string key;
  std::string principal;
  log_time time;
  object_ref object;   ///< after; for remove, the object as it was
  object_ref original; ///< before; null for create
};
using changes_ptr = std::shared_ptr<const std::vector<change>>;

} // namespace holdfast::msg
