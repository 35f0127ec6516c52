#include "actors/api/backing_store.hpp"

#include "actors/api/content_meta.hpp"
#include "actors/api/json_value.hpp"

#include <algorithm>

namespace holdfast::api {
namespace {

/// Stored objects are compact and begin with the groups' fields; those without a bundle are writable.
bool is_writable(const prefix_desc& desc, const std::string& text) {
  constexpr std::size_t head = 512;
  return !desc.has(bundled) ||
         std::string_view(text).substr(0, head).find("\"ReadOnly\":true") == std::string_view::npos;
}

std::string backing_meta() {
  json::document meta(rapidjson::kObjectType);
  auto& memory = meta.GetAllocator();
  meta.AddMember("Name", "BackingStore", memory);
  meta.AddMember("Description", "Writable backing store", memory);
  // The name is a known one, so there is nothing to refuse.
  static_cast<void>(shape_content_meta(meta, memory));
  return json::compact(meta);
}

} // namespace

bool writable_walk::step(
    std::size_t objects,
    const std::function<void(const prefix_desc&, std::string_view, const std::string&)>& visit) {
  const auto& prefixes = all_prefixes();
  for (; prefix_ < prefixes.size(); ++prefix_, next_key_.clear()) {
    const auto& desc = prefixes[prefix_];
    bool more = false;
    view_->scan(desc.name, next_key_, [&](std::string_view key, const msg::object_ref& object) {
      if (objects == 0) {
        next_key_ = key;
        more = true;
        return false;
      }
      --objects;
      if (is_writable(desc, object->json))
        visit(desc, key, object->json);
      return true;
    });
    if (more)
      return false;
  }
  return true;
}

bool backing_counts::step(std::size_t objects) {
  const bool done =
      walk_.step(objects, [this](const prefix_desc& desc, std::string_view, const std::string&) {
        if (current_ != &desc)
          close();
        current_ = &desc;
        ++count_;
      });
  if (done)
    close();
  return done;
}

void backing_counts::close() {
  if (current_ != nullptr && count_ != 0)
    counts_ += (counts_.empty() ? "" : ",") + json::quoted(current_->name) + ":" + std::to_string(count_);
  count_ = 0;
}

std::string backing_counts::summary() const {
  return "{\"meta\":" + backing_meta() + ",\"Counts\":{" + counts_ + "},\"Warnings\":[]}";
}

bool backing_text::step(std::size_t objects) {
  return walk_.step(objects, [this](const prefix_desc& desc, std::string_view key, const std::string& text) {
    if (current_ != &desc) {
      sections_ += current_ == nullptr ? "" : "},";
      sections_ += json::quoted(desc.name) + ":{";
    } else {
      sections_ += ',';
    }
    current_ = &desc;
    sections_ += json::quoted(key);
    sections_ += ':';
    sections_ += text;
  });
}

std::string backing_text::take() {
  if (current_ != nullptr)
    sections_ += '}';
  current_ = nullptr;
  return "{\"meta\":" + backing_meta() + ",\"sections\":{" + std::move(sections_) + "}}";
}

} // namespace holdfast::api
