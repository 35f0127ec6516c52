#include "tools/holdfast/pack_folder.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace holdfast::cli {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_bytes = std::size_t{64} << 20;

[[noreturn]] void refuse(const std::string& what, const std::string& path, int error) {
  throw failure{"cannot " + what + " " + path + ": " + std::strerror(error)};
}

/// A descriptor that closes itself.
class handle {
public:
  explicit handle(int fd) : fd_(fd) {}
  handle(const handle&) = delete;
  handle& operator=(const handle&) = delete;
  ~handle() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  [[nodiscard]] int get() const { return fd_; }

private:
  int fd_;
};

void write_all(int fd, const std::string& bytes, const std::string& path) {
  for (std::size_t done = 0; done < bytes.size();) {
    const auto wrote = ::write(fd, bytes.data() + done, bytes.size() - done);
    if (wrote < 0 && errno == EINTR) {
      continue;
    }
    if (wrote < 0) {
      refuse("write", path, errno);
    }
    done += static_cast<std::size_t>(wrote);
  }
}

/// Opens a folder below another, making it when it is missing.
int open_folder(int above, const std::string& name, const std::string& path) {
  if (::mkdirat(above, name.c_str(), 0750) != 0 && errno != EEXIST) {
    refuse("make the folder", path, errno);
  }
  const int fd = ::openat(above, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) {
    refuse("open the folder", path, errno);
  }
  return fd;
}

void write_one(int folder, const std::string& name, const std::string& bytes, const std::string& path) {
  const handle file{
      ::openat(folder, name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0640)};
  if (file.get() < 0) {
    refuse("write", path, errno);
  }
  write_all(file.get(), bytes, path);
}

std::string folder_of(const std::string& path) {
  const std::string above = fs::path{path}.parent_path().string();
  return above.empty() ? "." : above;
}

/// One level of names, sorted, so that two runs say the same.
std::vector<fs::directory_entry> entries_of(const fs::path& folder) {
  std::vector<fs::directory_entry> out;
  std::error_code error;
  for (fs::directory_iterator at{folder, error}; !error && at != fs::directory_iterator{};
       at.increment(error)) {
    out.push_back(*at);
  }
  if (error) {
    throw failure{"cannot read the folder " + folder.string() + ": " + error.message()};
  }
  std::sort(out.begin(), out.end());
  return out;
}

void add_file(std::vector<pack_file>& out, std::size_t& total, const fs::directory_entry& entry,
              const std::string& name) {
  std::error_code error;
  if (!entry.is_regular_file(error)) {
    return;
  }
  total += entry.file_size(error);
  if (error || total > most_bytes) {
    throw failure{"the files of the pack are more than 64 MiB, at " + entry.path().string()};
  }
  out.push_back({name, read_bytes(entry.path().string())});
}

bool is_meta_file(const std::string& name) {
  return (name.starts_with("._") && name.ends_with(".meta")) || name == "meta.yaml" || name == "meta.yml" ||
         name == "meta.json";
}

} // namespace

std::vector<pack_file> read_pack_folder(const std::string& folder) {
  std::vector<pack_file> out;
  std::size_t total = 0;
  for (const auto& entry : entries_of(folder)) {
    const std::string name = entry.path().filename().string();
    std::error_code error;
    if (entry.is_directory(error) && is_pack_section(name)) {
      out.push_back({name + "/", ""});
      for (const auto& below : entries_of(entry.path())) {
        const std::string file = below.path().filename().string();
        if (file.front() != '.') {
          add_file(out, total, below, name + "/" + file);
        }
      }
    } else if (is_meta_file(name)) {
      add_file(out, total, entry, name);
    }
  }
  return out;
}

void write_pack_folder(const std::string& folder, const std::vector<pack_file>& files) {
  std::error_code error;
  fs::create_directories(folder, error);
  const handle root{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (root.get() < 0) {
    refuse("open the folder", folder, errno);
  }
  for (const auto& file : files) {
    const std::string path = folder + "/" + file.path;
    const auto slash = file.path.find('/');
    if (slash == std::string::npos) {
      write_one(root.get(), file.path, file.bytes, path);
      continue;
    }
    const handle below{open_folder(root.get(), file.path.substr(0, slash), path)};
    if (slash + 1 < file.path.size()) {
      write_one(below.get(), file.path.substr(slash + 1), file.bytes, path);
    }
  }
}

void write_whole_file(const std::string& path, const std::string& bytes) {
  const std::string temporary = path + ".tmp";
  try {
    const handle file{::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0640)};
    if (file.get() < 0) {
      refuse("write", temporary, errno);
    }
    write_all(file.get(), bytes, temporary);
    if (::fsync(file.get()) != 0 || ::rename(temporary.c_str(), path.c_str()) != 0) {
      refuse("write", path, errno);
    }
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
  const handle above{::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (above.get() < 0 || ::fsync(above.get()) != 0) {
    refuse("sync the folder of", path, errno);
  }
}

} // namespace holdfast::cli
