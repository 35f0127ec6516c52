#include "actors/api/object_list.hpp"

#include <algorithm>
#include <vector>

namespace holdfast::api {
namespace {

struct row {
  msg::object_ref object;
  filter_value order;
};

struct window {
  std::size_t from = 0;
  std::size_t to = 0;
};

window window_of(const list_query& query, std::size_t matched) {
  const auto from = std::min(query.offset, matched);
  return {from, query.limit ? from + std::min(*query.limit, matched - from) : matched};
}

/// The rows that pass, in the order asked for.
std::vector<row> select(const msg::object_view& view, const prefix_desc& desc, const list_query& query,
                        const std::function<bool(std::string_view)>& visible, std::size_t& total) {
  std::vector<row> rows;
  const bool look = !query.filters.empty() || query.sort;
  if (!look)
    rows.reserve(view.count(desc.name));
  view.scan(desc.name, "", [&](std::string_view key, const msg::object_ref& object) {
    if (visible && !visible(key))
      return true;
    ++total;
    if (!look) {
      rows.push_back({object, {}});
      return true;
    }
    json::document doc;
    if (json::parse(object->json, doc) || !passes(query.filters, doc))
      return true;
    rows.push_back({object, query.sort ? index_value(*query.sort, doc) : filter_value{}});
    return true;
  });
  if (query.sort)
    std::stable_sort(rows.begin(), rows.end(),
                     [](const row& a, const row& b) { return less_value(a.order, b.order); });
  if (query.reverse)
    std::reverse(rows.begin(), rows.end());
  return rows;
}

} // namespace

std::string present_object(const prefix_desc& desc, const list_query& query, const std::string& stored) {
  json::document doc;
  if (!query.reshapes() || json::parse(stored, doc))
    return stored;
  reshape(query, desc, doc, doc.GetAllocator());
  return json::compact(doc);
}

list_answer make_list(const msg::object_view& view, const prefix_desc& desc, const list_query& query,
                      const std::function<bool(std::string_view)>& visible, bool count_only) {
  list_answer out;
  if (count_only && query.plain() && !visible) {
    out.total = out.matched = view.count(desc.name);
    const auto part = window_of(query, out.matched);
    out.returned = part.to - part.from;
    return out;
  }
  const auto rows = select(view, desc, query, visible, out.total);
  out.matched = rows.size();
  const auto part = window_of(query, out.matched);
  out.returned = part.to - part.from;
  if (count_only)
    return out;
  std::size_t bytes = 2;
  for (auto at = part.from; at < part.to; ++at)
    bytes += rows[at].object->json.size() + 1;
  out.body.reserve(bytes);
  out.body += '[';
  for (auto at = part.from; at < part.to; ++at) {
    if (at != part.from)
      out.body += ',';
    if (query.reshapes())
      out.body += present_object(desc, query, rows[at].object->json);
    else
      out.body += rows[at].object->json;
  }
  out.body += ']';
  return out;
}

} // namespace holdfast::api
