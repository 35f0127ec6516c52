// The body of a list and its counts (contract §3.4, §3.6). Stored text is spliced as it is unless a filter,
// an order or a slim form needs a look inside. Pure: any thread.
#pragma once

#include "actors/api/filters.hpp"
#include "messages/object_view.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::api {

struct list_answer {
  std::string body;
  std::size_t returned = 0; ///< objects in the body
  std::size_t matched = 0;  ///< after filters, before offset and limit
  std::size_t total = 0;    ///< all the asker may see
};

/// Makes a list in steps, so that a long one never holds the event loop: the view cannot change in between.
class list_maker {
public:
  /// `visible` decides what the asker may see; empty means everything. With `count_only` the body stays
  /// empty.
  list_maker(msg::view_ptr view, const prefix_desc& desc, list_query query,
             std::function<bool(std::string_view key)> visible, bool count_only = false);

  /// Looks at up to `objects` more. True when the answer is complete. Only the sorting of what passed the
  /// filters is one piece.
  bool step(std::size_t objects);
  /// The answer; once, after step() said true.
  [[nodiscard]] list_answer take() { return std::move(out_); }

private:
  struct row {
    msg::object_ref object;
    filter_value order;
  };
  void scan(std::size_t objects);
  void keep(const msg::object_ref& object);
  void arrange();
  void write(std::size_t objects);

  msg::view_ptr view_;
  const prefix_desc& desc_;
  list_query query_;
  std::function<bool(std::string_view)> visible_;
  bool count_only_;
  bool scanned_ = false;
  std::string next_key_;
  std::vector<row> rows_;
  std::size_t at_ = 0; ///< next row to write
  std::size_t to_ = 0; ///< end of the rows to write
  list_answer out_;
};

/// One object as the query wants it: the stored text, or its slim form.
[[nodiscard]] std::string present_object(const prefix_desc& desc, const list_query& query,
                                         const std::string& stored);

} // namespace holdfast::api
