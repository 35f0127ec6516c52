// The body of a list and its counts (contract §3.4, §3.6). Stored text is spliced as it is unless a filter,
// an order or a slim form needs a look inside. Pure: any thread.
#pragma once

#include "actors/api/filters.hpp"
#include "messages/object_view.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace holdfast::api {

struct list_answer {
  std::string body;
  std::size_t returned = 0; ///< objects in the body
  std::size_t matched = 0;  ///< after filters, before offset and limit
  std::size_t total = 0;    ///< all the asker may see
};

/// `visible` decides what the asker may see; empty means everything. With `count_only` the body stays empty.
[[nodiscard]] list_answer make_list(const msg::object_view& view, const prefix_desc& desc,
                                    const list_query& query,
                                    const std::function<bool(std::string_view key)>& visible,
                                    bool count_only = false);

/// One object as the query wants it: the stored text, or its slim form.
[[nodiscard]] std::string present_object(const prefix_desc& desc, const list_query& query,
                                         const std::string& stored);

} // namespace holdfast::api
