// contents, files, isos, plugin_providers upload/download.
#include "tools/holdfast/commands.hpp"

#include <cstdio>
#include <fstream>
#include <ostream>
#include <unistd.h>

namespace holdfast::cli {

namespace {

struct blob_words {
  std::string id;
  std::vector<std::string> rest;
  bool flag = false;
  std::string source;
};

std::string name_of_content(const value& content) {
  if (content.IsObject() && content.HasMember("meta") && content["meta"].IsObject() &&
      content["meta"].HasMember("Name") && content["meta"]["Name"].IsString()) {
    return content["meta"]["Name"].GetString();
  }
  throw failure{"the content has no meta.Name"};
}

bool has_content(context& c, const std::string& name) {
  const document all = c.server().get("contents");
  for (const auto& summary : all.GetArray()) {
    if (summary.IsObject() && summary.HasMember("meta") && name_of_content(summary) == name) {
      return true;
    }
  }
  return false;
}

void add_content_write(CLI::App& group, const std::string& name, context& c) {
  auto w = std::make_shared<blob_words>();
  auto* verb = group.add_subcommand(name, name + " a content pack from JSON or YAML");
  verb->add_option("content", w->source, "JSON, YAML, a file or -")->required();
  verb->add_flag("--replace-writable", w->flag, "take over writable objects of the same name");
  verb->callback([w, name, &c] {
    const document content = read_argument(w->source);
    const std::string id = name_of_content(content);
    query q;
    if (w->flag) {
      q.emplace_back("replaceWritable", "true");
    }
    const bool put = name == "update" || (name == "upload" && has_content(c, id));
    c.print(c.server().send(put ? "PUT" : "POST", put ? join("contents", id) : "contents",
                            to_compact(content), std::move(q)));
  });
}

/// Streams to a file through a temporary name, so that a broken transfer leaves no half file behind.
void download_to(context& c, const std::string& path, const std::string& dest) {
  request what;
  what.path = path;
  what.headers.emplace_back("Accept", "application/octet-stream");
  if (dest.empty() || dest == "-") {
    c.server().download(std::move(what), [&c](std::string_view bytes) { *c.out << bytes; });
    return;
  }
  const std::string temporary = dest + ".part";
  std::ofstream file{temporary, std::ios::binary | std::ios::trunc};
  if (!file) {
    throw failure{"cannot write " + temporary};
  }
  try {
    c.server().download(std::move(what), [&file](std::string_view bytes) {
      file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    });
    file.close();
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
  if (!file || std::rename(temporary.c_str(), dest.c_str()) != 0) {
    ::unlink(temporary.c_str());
    throw failure{"cannot write " + dest};
  }
}

std::string base_name(const std::string& path) {
  return path.substr(path.find_last_of('/') + 1);
}

void add_blob_group(CLI::App& app, const std::string& prefix, context& c) {
  auto* group = app.add_subcommand(prefix, "work with " + prefix);
  group->require_subcommand(1);
  auto l = std::make_shared<blob_words>();
  auto* list = group->add_subcommand("list", "list names; folders end in /");
  list->add_option("path", l->id, "a folder");
  list->add_flag("--recurse", l->flag, "with everything below");
  list->callback([l, prefix, &c] {
    query q;
    if (!l->id.empty()) {
      q.emplace_back("path", l->id);
    }
    if (l->flag) {
      q.emplace_back("all", "true");
    }
    c.print(c.server().get(prefix, std::move(q)));
  });
  auto d = std::make_shared<blob_words>();
  auto* download = group->add_subcommand("download", "download: ITEM [to DEST]");
  download->alias("show")->alias("get");
  download->add_option("item", d->id)->required();
  download->add_option("words", d->rest, "to DEST");
  download->callback([d, prefix, &c] {
    if (!d->rest.empty() && (d->rest.size() != 2 || d->rest[0] != "to")) {
      throw CLI::ValidationError("words", "expected: ITEM to DEST");
    }
    download_to(c, join(prefix, d->id), d->rest.empty() ? "" : d->rest[1]);
  });
  auto e = std::make_shared<blob_words>();
  auto* exists = group->add_subcommand("exists", "print the SHA-256, or exit 1 when it is not there");
  exists->add_option("item", e->id)->required();
  exists->callback([e, prefix, &c] {
    request what;
    what.method = "HEAD";
    what.path = join(prefix, e->id);
    const reply answer = c.server().call_any(std::move(what));
    if (answer.status >= 400) {
      throw failure{prefix + ":" + e->id + " does not exist"};
    }
    *c.out << e->id << ": " << answer.header("x-drp-sha256sum") << "\n";
  });
  auto u = std::make_shared<blob_words>();
  auto* upload = group->add_subcommand("upload", "upload: FILE [as DEST] [--explode]");
  upload->add_option("file", u->source)->required();
  upload->add_option("words", u->rest, "as DEST");
  upload->add_flag("--explode", u->flag, "unpack the archive next to where it is stored");
  upload->callback([u, prefix, &c] {
    if (!u->rest.empty() && (u->rest.size() != 2 || u->rest[0] != "as")) {
      throw CLI::ValidationError("words", "expected: FILE as DEST");
    }
    request what;
    what.method = "POST";
    what.path = join(prefix, u->rest.empty() ? base_name(u->source) : u->rest[1]);
    if (u->flag) {
      what.parameters.emplace_back("explode", "true");
    }
    c.print(c.server().upload(std::move(what), u->source));
  });
  auto x = std::make_shared<blob_words>();
  auto* destroy = group->add_subcommand("destroy", "delete a file or an empty folder");
  destroy->alias("delete");
  destroy->add_option("item", x->id)->required();
  destroy->callback([x, prefix, &c] {
    request what;
    what.method = "DELETE";
    what.path = join(prefix, x->id);
    c.server().call(std::move(what));
    *c.out << "Deleted " << x->id;
  });
}

} // namespace

void add_content_commands(CLI::App& app, context& c) {
  auto* group = app.add_subcommand("contents", "work with content packs");
  group->require_subcommand(1);
  group->add_subcommand("list", "list the content packs")->callback([&c] {
    c.print(c.server().get("contents"));
  });
  auto s = std::make_shared<blob_words>();
  auto* show = group->add_subcommand("show", "show one content pack");
  show->add_option("name", s->id)->required();
  show->callback([s, &c] { c.print(c.server().get(join("contents", s->id))); });
  auto e = std::make_shared<blob_words>();
  auto* exists = group->add_subcommand("exists", "exit 0 when the pack is there, 1 if not");
  exists->add_option("name", e->id)->required();
  exists->callback([e, &c] {
    request what;
    what.path = join("contents", e->id);
    if (c.server().call_any(std::move(what)).status >= 400) {
      throw failure{"contents:" + e->id + " does not exist"};
    }
  });
  for (const std::string name : {"create", "update", "upload"}) {
    add_content_write(*group, name, c);
  }
  auto d = std::make_shared<blob_words>();
  auto* destroy = group->add_subcommand("destroy", "remove a content pack and its objects");
  destroy->alias("delete");
  destroy->add_option("name", d->id)->required();
  destroy->callback([d, &c] {
    request what;
    what.method = "DELETE";
    what.path = join("contents", d->id);
    c.server().call(std::move(what));
    *c.out << "Deleted content " << d->id;
  });
  add_pack_commands(*group, c);
}

void add_blob_commands(CLI::App& app, context& c) {
  add_blob_group(app, "files", c);
  add_blob_group(app, "isos", c);
}

} // namespace holdfast::cli
