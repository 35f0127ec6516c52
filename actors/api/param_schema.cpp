#include "actors/api/param_schema.hpp"

#include <rapidjson/pointer.h>
#include <rapidjson/schema.h>
#include <rapidjson/stringbuffer.h>

#include <algorithm>
#include <array>

namespace holdfast::api {
namespace {

using json::value;

std::string_view schema_type_word(const value& v) {
  if (v.IsInt64() || v.IsUint64())
    return "integer";
  if (v.IsBool())
    return "boolean";
  return json::kind_word(v);
}

bool known_type(std::string_view word) {
  constexpr std::array<std::string_view, 7> words = {"null",   "boolean", "object", "array",
                                                     "number", "string",  "integer"};
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::optional<std::string> type_defect(const value& type) {
  if (type.IsString())
    return known_type(json::text(type))
               ? std::nullopt
               : std::optional("type: unknown type " + json::quoted(json::text(type)));
  if (!type.IsArray())
    return "type: must be a string or an array";
  for (const auto& one : type.GetArray())
    if (!known_type(json::text(one)))
      return "type: unknown type";
  return std::nullopt;
}

/// The parts of a schema that the validator takes on trust.
std::optional<std::string> structure_defect(const value& schema) {
  if (!schema.IsObject())
    return "a schema must be an object";
  for (auto m = schema.MemberBegin(); m != schema.MemberEnd(); ++m) {
    const auto name = json::text(m->name);
    if (name == "type") {
      if (auto why = type_defect(m->value))
        return why;
    } else if (name == "properties" || name == "definitions" || name == "patternProperties") {
      if (!m->value.IsObject())
        return std::string(name) + ": must be an object";
      for (auto p = m->value.MemberBegin(); p != m->value.MemberEnd(); ++p)
        if (auto why = structure_defect(p->value))
          return std::string(name) + "." + std::string(json::text(p->name)) + ": " + *why;
    } else if (name == "$ref" && (!m->value.IsString() || json::text(m->value).substr(0, 1) != "#")) {
      return "$ref: only references inside the schema are supported";
    } else if ((name == "items" || name == "not") && m->value.IsObject()) {
      if (auto why = structure_defect(m->value))
        return std::string(name) + ": " + *why;
    } else if (name == "enum" && !m->value.IsArray()) {
      return "enum: must be an array";
    }
  }
  return std::nullopt;
}

std::string expected_types(const value& type) {
  if (type.IsString())
    return std::string(json::text(type));
  std::string out;
  if (type.IsArray())
    for (const auto& one : type.GetArray())
      out += (out.empty() ? "" : "/") + std::string(json::text(one));
  return out;
}

std::string pointer_text(const rapidjson::Pointer& pointer) {
  std::string out = "(root)";
  for (std::size_t i = 0; i < pointer.GetTokenCount(); ++i) {
    const auto& token = pointer.GetTokens()[i];
    out = (i == 0 ? std::string() : out + ".") + std::string(token.name, token.length);
  }
  return out;
}

} // namespace

std::optional<std::string> schema_violation(const value& schema, const value& v) {
  if (!schema.IsObject() || structure_defect(schema))
    return std::nullopt;
  const rapidjson::SchemaDocument compiled(schema);
  rapidjson::SchemaValidator validator(compiled);
  if (v.Accept(validator))
    return std::nullopt;
  const std::string keyword = validator.GetInvalidSchemaKeyword() ? validator.GetInvalidSchemaKeyword() : "";
  const auto at = validator.GetInvalidDocumentPointer();
  const auto* broken = at.Get(v);
  const auto* rule = validator.GetInvalidSchemaPointer().Get(schema);
  if (keyword == "type" && broken && rule && json::member(*rule, "type"))
    return pointer_text(at) + ": Invalid type. Expected: " + expected_types(*json::member(*rule, "type")) +
           ", given: " + std::string(schema_type_word(*broken));
  return pointer_text(at) + ": Does not satisfy " + (keyword.empty() ? "the schema" : keyword);
}

std::optional<std::string> schema_defect(const value& schema) {
  if (schema.IsNull())
    return std::nullopt;
  if (auto why = structure_defect(schema))
    return why;
  if (const auto* fallback = json::member(schema, "default"))
    return schema_violation(schema, *fallback);
  return std::nullopt;
}

} // namespace holdfast::api
