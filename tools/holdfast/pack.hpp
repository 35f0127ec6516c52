// Content packs (contract §5.2) and the folder tree they are kept as: one folder per prefix with one file per
// object, and one file per piece of metadata. Both ways are exact: collect(explode(pack)) is the pack.
//
//   ._<Key>.meta           one piece of metadata, byte for byte; Writable and Overwritable hold true or false
//   meta.yaml, .yml, .json all metadata as one map; ._<Key>.meta files win over it. Read, never written
//   <prefix>/<name>.yaml   one object (.yml and .json too); its key is in it, the name of the file is free
//   templates/<ID>         a template that is nothing but ID and Contents: the bytes are the Contents
//
// Pure: no file is touched here. Throws failure, naming the file or object, for whatever is not a pack.
#pragma once

#include "tools/holdfast/document.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast::cli {

/// A path below the folder, with '/' between its parts; a folder (with nothing in it) ends in '/'.
struct pack_file {
  std::string path;
  std::string bytes;
};

using meta_words = std::vector<std::pair<std::string, std::string>>;

/// Whether a pack may have a section of this name.
[[nodiscard]] bool is_pack_section(std::string_view prefix);

/// The key of an object as sections name it (contract §3.2). Throws failure when it has none.
[[nodiscard]] std::string key_in_pack(std::string_view prefix, const value& object, const std::string& where);

/// Refuses what has not the form {"meta": {...}, "sections": {prefix: {key: object}}}.
void check_pack(const value& pack);

/// The files of a pack, in order of their paths. `format` (json or yaml) is that of the objects. Every name
/// was checked: none leaves its folder, none is hidden, none comes twice.
[[nodiscard]] std::vector<pack_file> explode(const value& pack, const std::string& format);

/// The pack that such files make. `words` replace pieces of metadata of the same key. A pack needs a Name.
/// Folders that are no prefix, hidden files below prefixes and other files beside the folders are left out.
[[nodiscard]] document collect(const std::vector<pack_file>& files, const meta_words& words);

/// An empty pack with this metadata, for objects to be added. Throws failure when there is no Name.
[[nodiscard]] document empty_pack(const meta_words& words);

/// json or yaml, from the name of the file. Throws failure `Unknown store extension …`.
[[nodiscard]] std::string format_of(const std::string& file);

/// The pack's documentation and that of its objects in Markdown.
[[nodiscard]] std::string pack_markdown(const value& pack);

} // namespace holdfast::cli
