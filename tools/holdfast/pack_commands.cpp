// contents bundle, unbundle, document (no server needed), bundlize and convert.
#include "tools/holdfast/commands.hpp"
#include "tools/holdfast/pack.hpp"
#include "tools/holdfast/pack_folder.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <ostream>

namespace holdfast::cli {

namespace {

struct pack_words {
  std::string file;
  std::string folder = ".";
  std::vector<std::string> rest;
  bool remove = false;
  bool reload = false;
};

/// What objects refer to comes before what refers to it; deletes go the other way.
constexpr std::array<std::string_view, 15> load_order{
    "params",  "templates", "tasks", "bootenvs", "profiles",     "stages", "workflows", "roles",
    "tenants", "users",     "pools", "subnets",  "reservations", "leases", "machines"};

std::size_t rank(std::string_view prefix) {
  return static_cast<std::size_t>(std::find(load_order.begin(), load_order.end(), prefix) -
                                  load_order.begin());
}

std::vector<std::string> ranked_sections(const value& pack) {
  std::vector<std::string> out;
  for (const auto& section : pack["sections"].GetObject()) {
    out.emplace_back(section.name.GetString());
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const std::string& a, const std::string& b) { return rank(a) < rank(b); });
  return out;
}

std::pair<std::string, std::string> meta_word(const std::string& word) {
  const auto equals = word.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw failure{"a piece of metadata has the form Key=value, not '" + word + "'"};
  }
  return {word.substr(0, equals), word.substr(equals + 1)};
}

document read_pack(const std::string& file) {
  (void)format_of(file);
  document pack = parse_document(read_bytes(file), "the file " + file);
  check_pack(pack);
  if (!pack.HasMember("sections")) {
    pack.AddMember("sections", value{rapidjson::kObjectType}, pack.GetAllocator());
  }
  return pack;
}

void write_pack(const std::string& file, const value& pack) {
  const std::string name = file.substr(file.find_last_of('/') + 1);
  if (name == "meta.yaml" || name == "meta.yml" || name == "meta.json") {
    throw failure{"a pack in " + file + " would be taken for its metadata: use another name"};
  }
  output_options options;
  options.format = format_of(file);
  const std::string text = render(pack, options);
  if (parse_document(text, file) != pack) {
    throw failure{"the pack cannot be written as " + options.format + " without a loss: use a .json file"};
  }
  write_whole_file(file, text);
}

void add_bundle(CLI::App& group) {
  auto w = std::make_shared<pack_words>();
  auto* verb = group.add_subcommand("bundle", "make a pack of the folders here: FILE [Key=value ...]");
  verb->add_option("file", w->file, "the pack to write: .json, .yaml or .yml")->required();
  verb->add_option("meta", w->rest, "metadata Key=value; wins over ._Key.meta files and meta.yaml");
  verb->add_option("--src", w->folder, "the folder to read, by default the current one");
  verb->callback([w] {
    meta_words words;
    for (const auto& word : w->rest) {
      words.push_back(meta_word(word));
    }
    (void)format_of(w->file);
    write_pack(w->file, collect(read_pack_folder(w->folder), words));
  });
}

void add_unbundle(CLI::App& group) {
  auto w = std::make_shared<pack_words>();
  auto* verb = group.add_subcommand("unbundle", "write a pack as a folder for each kind of object: FILE");
  verb->add_option("file", w->file, "the pack to read: .json, .yaml or .yml")->required();
  verb->add_option("--dst", w->folder, "the folder to write to, by default the current one");
  verb->callback([w] { write_pack_folder(w->folder, explode(read_pack(w->file), format_of(w->file))); });
}

void add_document(CLI::App& group, context& c) {
  auto w = std::make_shared<pack_words>();
  auto* verb = group.add_subcommand("document", "print the documentation of a pack as Markdown: FILE");
  verb->add_option("file", w->file, "the pack to read: .json, .yaml or .yml")->required();
  verb->callback([w, &c] { *c.out << pack_markdown(read_pack(w->file)); });
}

void add_convert(CLI::App& group, context& c) {
  auto w = std::make_shared<pack_words>();
  auto* verb =
      group.add_subcommand("convert", "create the objects of a pack on the server, changeable: FILE");
  verb->add_option("file", w->file, "the pack to read: .json, .yaml or .yml")->required();
  verb->callback([w, &c] {
    const document pack = read_pack(w->file);
    std::size_t made = 0;
    for (const auto& prefix : ranked_sections(pack)) {
      for (const auto& entry : pack["sections"][prefix.c_str()].GetObject()) {
        try {
          (void)c.server().send("POST", prefix, to_compact(entry.value));
        } catch (const failure& why) {
          throw failure{std::string{why.what()} + " (" + std::to_string(made) +
                        " objects were created before this one and stay)"};
        }
        ++made;
      }
    }
  });
}

/// What the server fills in by itself and no pack says.
document bare_object(const value& object) {
  document out;
  out.CopyFrom(object, out.GetAllocator());
  if (out.IsObject()) {
    for (const char* name :
         {"Available", "Bundle", "Endpoint", "Errors", "Partial", "ReadOnly", "Validated"}) {
      out.RemoveMember(name);
    }
  }
  return out;
}

void put_in_pack(document& pack, const std::string& prefix, const value& object) {
  auto& alloc = pack.GetAllocator();
  const std::string key = key_in_pack(prefix, object, "an object of " + prefix);
  value& sections = pack["sections"];
  if (!sections.HasMember(prefix.c_str())) {
    sections.AddMember(value{prefix.c_str(), alloc}, value{rapidjson::kObjectType}, alloc);
  }
  value& section = sections[prefix.c_str()];
  if (!section.HasMember(key.c_str())) {
    section.AddMember(value{key.c_str(), alloc}, value{bare_object(object), alloc}, alloc);
  }
}

/// `profiles:fred` is one object, `profiles:Description=x` all that match.
void fetch_into(document& pack, const std::string& word, context& c) {
  const auto colon = word.find(':');
  const std::string prefix = word.substr(0, colon);
  const std::string which = word.substr(colon + 1);
  if (!is_pack_section(prefix)) {
    throw failure{"there are no objects of the kind '" + prefix + "' in " + word};
  }
  if (which.find('=') == std::string::npos) {
    put_in_pack(pack, prefix, c.server().get(join(prefix, which)));
    return;
  }
  const document all = c.server().get(prefix, filters({which}));
  if (!all.IsArray()) {
    throw failure{"the server answered " + prefix + " with no list"};
  }
  for (const auto& object : all.GetArray()) {
    put_in_pack(pack, prefix, object);
  }
}

void delete_packed(const value& pack, context& c) {
  auto prefixes = ranked_sections(pack);
  std::reverse(prefixes.begin(), prefixes.end());
  for (const auto& prefix : prefixes) {
    for (const auto& entry : pack["sections"][prefix.c_str()].GetObject()) {
      request what;
      what.method = "DELETE";
      what.path = join(prefix, entry.name.GetString());
      c.server().call(std::move(what));
    }
  }
}

/// The pack takes its objects over in one step, so none is ever missing.
void load_over(const value& pack, context& c) {
  request look;
  look.path = join("contents", pack["meta"]["Name"].GetString());
  const std::string own = look.path;
  const bool there = c.server().call_any(std::move(look)).status < 400;
  c.print(c.server().send(there ? "PUT" : "POST", there ? own : "contents", to_compact(pack),
                          {{"replaceWritable", "true"}}));
}

void run_bundlize(const pack_words& w, context& c) {
  meta_words words;
  std::vector<std::string> objects;
  for (const auto& word : w.rest) {
    const auto colon = word.find(':');
    if (colon != std::string::npos && colon < word.find('=')) {
      objects.push_back(word);
    } else {
      words.push_back(meta_word(word));
    }
  }
  (void)format_of(w.file);
  if (objects.empty()) {
    throw failure{"no object was named: give prefix:key or prefix:Field=value"};
  }
  document pack = empty_pack(words);
  for (const auto& word : objects) {
    fetch_into(pack, word, c);
  }
  // The file is safe on disk before anything is taken off the server.
  write_pack(w.file, pack);
  if (w.reload) {
    load_over(pack, c);
  } else if (w.remove) {
    delete_packed(pack, c);
  }
}

void add_bundlize(CLI::App& group, context& c) {
  auto w = std::make_shared<pack_words>();
  auto* verb = group.add_subcommand("bundlize", "make a pack of objects on the server: FILE [Key=value ...] "
                                                "prefix:key | prefix:Field=value ...");
  verb->add_option("file", w->file, "the pack to write: .json, .yaml or .yml")->required();
  verb->add_option("words", w->rest, "metadata Key=value; objects prefix:key or prefix:Field=value")
      ->required();
  auto* remove = verb->add_flag("--delete", w->remove, "then delete the objects from the server");
  verb->add_flag("--reload", w->reload, "then load the pack, which takes the objects over (with --delete)")
      ->needs(remove);
  verb->callback([w, &c] { run_bundlize(*w, c); });
}

} // namespace

void add_pack_commands(CLI::App& contents, context& c) {
  add_bundle(contents);
  add_unbundle(contents);
  add_document(contents, c);
  add_convert(contents, c);
  add_bundlize(contents, c);
}

} // namespace holdfast::cli
