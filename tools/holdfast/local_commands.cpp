// Commands that need no server: wal check (WAL-09).
#include "tools/holdfast/commands.hpp"

#include <wal/verify.hpp>

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <fstream>
#include <ostream>

namespace holdfast::cli {

namespace {

struct digest_free {
  void operator()(EVP_MD_CTX* ctx) const { EVP_MD_CTX_free(ctx); }
};

/// The same digest that sha256sum prints, so that members can be compared with either (WAL-09).
std::string sha256_of(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  const std::unique_ptr<EVP_MD_CTX, digest_free> hash{EVP_MD_CTX_new()};
  if (!file || !hash || EVP_DigestInit_ex(hash.get(), EVP_sha256(), nullptr) != 1) {
    throw failure{"cannot read " + path};
  }
  std::array<char, 1 << 16> chunk{};
  while (file.read(chunk.data(), chunk.size()) || file.gcount() > 0) {
    EVP_DigestUpdate(hash.get(), chunk.data(), static_cast<std::size_t>(file.gcount()));
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned size = 0;
  EVP_DigestFinal_ex(hash.get(), bytes.data(), &size);
  std::string out;
  for (unsigned i = 0; i < size; ++i) {
    out += fmt::format("{:02x}", bytes[i]);
  }
  return out;
}

document report_to_json(const wal::verify_report& report, const std::string& directory) {
  document out{rapidjson::kObjectType};
  auto& alloc = out.GetAllocator();
  const auto text = [&alloc](const std::string& s) { return value{s.c_str(), alloc}; };
  value files{rapidjson::kArrayType};
  for (const auto& file : report.files) {
    value row{rapidjson::kObjectType};
    row.AddMember("Name", text(file.name), alloc);
    row.AddMember("State", text(wal::to_string(file.state)), alloc);
    row.AddMember("Bytes", file.bytes, alloc);
    row.AddMember("Records", file.records, alloc);
    row.AddMember("FirstIndex", file.first_index.value, alloc);
    row.AddMember("LastIndex", file.last_index.value, alloc);
    row.AddMember("Chain", text(fmt::format("{:08x}", file.chain.value)), alloc);
    row.AddMember("Sha256", text(sha256_of(directory + "/" + file.name)), alloc);
    row.AddMember("Detail", text(file.detail), alloc);
    files.PushBack(row, alloc);
  }
  value digests{rapidjson::kArrayType};
  for (const auto& digest : report.digests) {
    value row{rapidjson::kObjectType};
    row.AddMember("Index", digest.index.value, alloc);
    row.AddMember("Term", digest.term.value, alloc);
    row.AddMember("Chain", text(fmt::format("{:08x}", digest.chain.value)), alloc);
    digests.PushBack(row, alloc);
  }
  value problems{rapidjson::kArrayType};
  for (const auto& problem : report.problems) {
    problems.PushBack(text(problem), alloc);
  }
  out.AddMember("Files", files, alloc);
  out.AddMember("Digests", digests, alloc);
  out.AddMember("Problems", problems, alloc);
  out.AddMember("Sound", report.sound(), alloc);
  return out;
}

} // namespace

void add_local_commands(CLI::App& app, context& c) {
  struct check_words {
    std::string directory;
    std::uint64_t every = 0;
  };
  auto w = std::make_shared<check_words>();
  auto* group = app.add_subcommand("wal", "look at log files on this machine");
  group->require_subcommand(1);
  auto* check = group->add_subcommand("check", "check every byte of a wal/ folder; changes nothing");
  check->add_option("dir", w->directory, "the folder, for example /var/lib/dr-provision/wal")->required();
  check->add_option("--every", w->every, "print the chain value at every so many entries");
  check->callback([w, &c] {
    wal::verify_options options;
    options.digest_every = w->every;
    const auto report = wal::verify_directory(wal::posix_file_system(), w->directory, options);
    if (!report) {
      throw failure{"cannot check " + w->directory + ": " + report.failure().what};
    }
    c.print(report_to_json(*report, w->directory));
    if (!report->sound()) {
      throw failure{w->directory + ": " + report->problems.front()};
    }
  });
}

} // namespace holdfast::cli
