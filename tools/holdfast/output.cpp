#include "tools/holdfast/output.hpp"

#include <rapidjson/prettywriter.h>
#include <rapidjson/stringbuffer.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace holdfast::cli {

namespace {

constexpr std::size_t default_columns = 8;

std::string render_json(const value& v) {
  rapidjson::StringBuffer buffer;
  rapidjson::PrettyWriter<rapidjson::StringBuffer> writer{buffer};
  writer.SetIndent(' ', 2);
  v.Accept(writer);
  return std::string{buffer.GetString(), buffer.GetSize()} + "\n";
}

/// Readers of YAML 1.1 and 1.2 differ about what is a text without quotes: these never stand bare.
bool needs_quotes(const std::string& text) {
  static constexpr std::array<std::string_view, 11> words{"y",    "n",     "yes",  "no", "on", "off",
                                                          "true", "false", "null", "~",  "<<"};
  if (text.empty()) {
    return true;
  }
  std::string lower = text;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (std::find(words.begin(), words.end(), lower) != words.end()) {
    return true;
  }
  // Numbers, dates and versions in any of their forms.
  const auto first = static_cast<unsigned char>(text.front());
  return std::isdigit(first) != 0 || first == '+' || first == '-' || first == '.' || first == '=';
}

/// A block of lines reads back exactly only in this form.
bool fits_block(const std::string& text) {
  if (text.size() < 2 || text.front() == ' ' || text.front() == '\n' || text.front() == '\t' ||
      text.back() != '\n' || text[text.size() - 2] == '\n') {
    return false;
  }
  return std::none_of(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') || c == 0x7f;
  });
}

void emit_text(YAML::Emitter& out, const std::string& text) {
  if (fits_block(text)) {
    out << YAML::Literal;
  } else if (needs_quotes(text)) {
    out << YAML::DoubleQuoted;
  }
  out << text;
}

void emit_yaml(YAML::Emitter& out, const value& v) {
  if (v.IsObject()) {
    if (v.ObjectEmpty()) {
      out << YAML::Flow;
    }
    out << YAML::BeginMap;
    for (const auto& member : v.GetObject()) {
      const std::string key{member.name.GetString(), member.name.GetStringLength()};
      out << YAML::Key;
      if (needs_quotes(key)) {
        out << YAML::DoubleQuoted;
      }
      out << key << YAML::Value;
      emit_yaml(out, member.value);
    }
    out << YAML::EndMap;
  } else if (v.IsArray()) {
    if (v.Empty()) {
      out << YAML::Flow;
    }
    out << YAML::BeginSeq;
    for (const auto& item : v.GetArray()) {
      emit_yaml(out, item);
    }
    out << YAML::EndSeq;
  } else if (v.IsString()) {
    emit_text(out, {v.GetString(), v.GetStringLength()});
  } else if (v.IsNull()) {
    out << YAML::Null;
  } else {
    out << to_compact(v);
  }
}

/// The value a column name points at; dots go down into objects.
const value* find_field(const value& row, const std::string& name) {
  if (!row.IsObject()) {
    return nullptr;
  }
  const auto whole = row.FindMember(name.c_str());
  if (whole != row.MemberEnd()) {
    return &whole->value;
  }
  const auto dot = name.find('.');
  if (dot == std::string::npos) {
    return nullptr;
  }
  const auto head = row.FindMember(name.substr(0, dot).c_str());
  return head == row.MemberEnd() ? nullptr : find_field(head->value, name.substr(dot + 1));
}

std::string cell(const value* v, std::size_t longest) {
  if (v == nullptr || v->IsNull()) {
    return "";
  }
  std::string text = v->IsString() ? std::string{v->GetString(), v->GetStringLength()} : to_compact(*v);
  if (longest > 0 && text.size() > longest) {
    text.resize(longest);
    // Never cut inside a UTF-8 sequence.
    while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xC0U) == 0x80U) {
      text.pop_back();
    }
    if (!text.empty() && (static_cast<unsigned char>(text.back()) & 0x80U) != 0) {
      text.pop_back();
    }
    text += "...";
  }
  return text;
}

std::vector<std::string> columns_of(const value& rows) {
  static constexpr std::array<const char*, 7> keys{"Name", "Uuid", "ID", "Id", "name", "id", "ConsensusID"};
  std::vector<std::string> columns;
  if (rows.Empty() || !rows[0].IsObject()) {
    return columns;
  }
  for (const auto* key : keys) {
    if (rows[0].HasMember(key)) {
      columns.emplace_back(key);
      break;
    }
  }
  for (const auto& member : rows[0].GetObject()) {
    const bool plain = !member.value.IsObject() && !member.value.IsArray();
    const std::string name = member.name.GetString();
    if (plain && columns.size() < default_columns &&
        std::find(columns.begin(), columns.end(), name) == columns.end()) {
      columns.push_back(name);
    }
  }
  return columns;
}

using grid = std::vector<std::vector<std::string>>;

grid make_grid(const value& v, const output_options& options) {
  grid lines;
  rapidjson::Document holder;
  value rows{rapidjson::kArrayType};
  if (v.IsArray()) {
    rows.CopyFrom(v, holder.GetAllocator());
  } else {
    rows.PushBack(value{v, holder.GetAllocator()}, holder.GetAllocator());
  }
  const auto columns = options.print_fields.empty() ? columns_of(rows) : options.print_fields;
  if (columns.empty()) {
    for (const auto& row : rows.GetArray()) {
      lines.push_back({cell(&row, 0)});
    }
    return lines;
  }
  if (!options.no_header) {
    lines.push_back(columns);
  }
  for (const auto& row : rows.GetArray()) {
    auto& line = lines.emplace_back();
    for (const auto& column : columns) {
      line.push_back(cell(find_field(row, column), options.truncate_length));
    }
  }
  return lines;
}

/// Display width: one column per UTF-8 character is close enough for names and ids.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string render_grid(const grid& lines, const std::string& separator, bool pad) {
  std::vector<std::size_t> widths;
  for (const auto& line : lines) {
    widths.resize(std::max(widths.size(), line.size()));
    for (std::size_t i = 0; i < line.size(); ++i) {
      widths[i] = std::max(widths[i], width(line[i]));
    }
  }
  std::string out;
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) {
      out += line[i];
      if (i + 1 < line.size()) {
        out += pad ? std::string(widths[i] - width(line[i]), ' ') + separator : separator;
      }
    }
    out += "\n";
  }
  return out;
}

} // namespace

void check_format(const std::string& format) {
  if (format != "json" && format != "yaml" && format != "text" && format != "table") {
    throw failure{"Unknown pretty format " + format};
  }
}

std::string render(const value& v, const output_options& options) {
  check_format(options.format);
  const document ordered = sorted(v);
  if (options.format == "json") {
    return render_json(ordered);
  }
  if (options.format == "yaml") {
    YAML::Emitter out;
    emit_yaml(out, ordered);
    const std::string text{out.c_str(), out.size()};
    return text.ends_with('\n') ? text : text + "\n";
  }
  const bool table = options.format == "table";
  return render_grid(make_grid(ordered, options), table ? " | " : "\t", table);
}

} // namespace holdfast::cli
