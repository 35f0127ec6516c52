// The files of a pack on disk. Blocking. Throws failure naming the path and the system's reason.
#pragma once

#include "tools/holdfast/pack.hpp"

#include <string>
#include <vector>

namespace holdfast::cli {

/// The folder's metadata files and what lies in the folders of prefixes, in order. Bounded: 64 MiB in all.
[[nodiscard]] std::vector<pack_file> read_pack_folder(const std::string& folder);

/// Writes files below `folder`, which is made when missing; files of the same names are replaced. A symbolic
/// link in the place of a file or folder is an error and never followed, so nothing is written anywhere else.
void write_pack_folder(const std::string& folder, const std::vector<pack_file>& files);

/// Replaces a file whole: written beside it, synced, renamed. A failure leaves the old one.
void write_whole_file(const std::string& path, const std::string& bytes);

} // namespace holdfast::cli
