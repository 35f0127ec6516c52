#include "actors/api/object_list.hpp"

#include <algorithm>

namespace holdfast::api {

std::string present_object(const prefix_desc& desc, const list_query& query, const std::string& stored) {
  json::document doc;
  if (!query.reshapes() || json::parse(stored, doc))
    return stored;
  reshape(query, desc, doc, doc.GetAllocator());
  return json::compact(doc);
}

list_maker::list_maker(msg::view_ptr view, const prefix_desc& desc, list_query query,
                       std::function<bool(std::string_view)> visible, bool count_only)
    : view_(std::move(view)), desc_(desc), query_(std::move(query)), visible_(std::move(visible)),
      count_only_(count_only) {
  if (count_only_ && query_.plain() && !visible_) {
    scanned_ = true;
    out_.total = out_.matched = view_->count(desc_.name);
    const auto from = std::min(query_.offset, out_.matched);
    out_.returned = std::min(query_.limit.value_or(out_.matched), out_.matched - from);
  } else if (query_.filters.empty()) {
    rows_.reserve(view_->count(desc_.name));
  }
}

bool list_maker::step(std::size_t objects) {
  if (!scanned_) {
    scan(objects);
    if (scanned_)
      arrange();
  } else {
    write(objects);
  }
  return scanned_ && (count_only_ || at_ == to_);
}

void list_maker::scan(std::size_t objects) {
  scanned_ = true;
  view_->scan(desc_.name, next_key_, [&](std::string_view key, const msg::object_ref& object) {
    if (objects-- == 0) {
      next_key_ = key;
      scanned_ = false;
      return false;
    }
    if (!visible_ || visible_(key))
      keep(object);
    return true;
  });
}

void list_maker::keep(const msg::object_ref& object) {
  ++out_.total;
  if (query_.filters.empty() && !query_.sort) {
    rows_.push_back({object, {}});
    return;
  }
  json::document doc;
  if (json::parse(object->json, doc) || !passes(query_.filters, doc))
    return;
  rows_.push_back({object, query_.sort ? index_value(*query_.sort, doc) : filter_value{}});
}

void list_maker::arrange() {
  if (query_.sort)
    std::stable_sort(rows_.begin(), rows_.end(),
                     [](const row& a, const row& b) { return less_value(a.order, b.order); });
  if (query_.reverse)
    std::reverse(rows_.begin(), rows_.end());
  out_.matched = rows_.size();
  at_ = std::min(query_.offset, rows_.size());
  to_ = at_ + std::min(query_.limit.value_or(rows_.size()), rows_.size() - at_);
  out_.returned = to_ - at_;
  if (count_only_)
    return;
  std::size_t bytes = 2;
  for (auto n = at_; n < to_; ++n)
    bytes += rows_[n].object->json.size() + 1;
  out_.body.reserve(bytes);
  out_.body = at_ == to_ ? "[]" : "[";
}

void list_maker::write(std::size_t objects) {
  for (const auto end = std::min(to_, at_ + objects); at_ < end; ++at_) {
    const auto& stored = rows_[at_].object->json;
    if (query_.reshapes())
      out_.body += present_object(desc_, query_, stored);
    else
      out_.body += stored;
    out_.body += at_ + 1 == to_ ? ']' : ',';
  }
}

} // namespace holdfast::api
