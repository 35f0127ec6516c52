// The writable data of the whole store as if it were a content pack (contract §5.2). A store can be large,
// and the event loop has other work, so both forms are made in steps. Pure; one owner.
#pragma once

#include "actors/api/prefix_table.hpp"
#include "messages/object_view.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace holdfast::api {

/// Walks the writable objects of every prefix, prefix by prefix, in key order.
class writable_walk {
public:
  explicit writable_walk(msg::view_ptr view) : view_(std::move(view)) {}
  /// Looks at up to so many objects and hands the writable ones out. True when all were seen.
  bool step(std::size_t objects,
            const std::function<void(const prefix_desc& desc, std::string_view key, const std::string& json)>&
                visit);

private:
  msg::view_ptr view_;
  std::size_t prefix_ = 0;
  std::string next_key_;
};

/// Counts of GET contents.
class backing_counts {
public:
  explicit backing_counts(msg::view_ptr view) : walk_(std::move(view)) {}
  bool step(std::size_t objects);
  /// The ContentSummary, once step() said true.
  [[nodiscard]] std::string summary() const;

private:
  void close();

  writable_walk walk_;
  std::string counts_;
  const prefix_desc* current_ = nullptr;
  std::size_t count_ = 0;
};

/// Text of GET contents/BackingStore.
class backing_text {
public:
  explicit backing_text(msg::view_ptr view) : walk_(std::move(view)) {}
  bool step(std::size_t objects);
  /// The Content, once step() said true.
  [[nodiscard]] std::string take();

private:
  writable_walk walk_;
  std::string sections_;
  const prefix_desc* current_ = nullptr;
};

} // namespace holdfast::api
