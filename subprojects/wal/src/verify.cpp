#include "wal/verify.hpp"

#include "file_names.hpp"
#include "log_scan.hpp"
#include "wal/crc32c.hpp"

#include <algorithm>
#include <map>

namespace holdfast::wal {
namespace {

constexpr std::size_t read_ahead_bytes = 1U << 20;

struct log_seen {
  log_header header;
  scanned_log scanned;
  std::size_t row = 0;
};

class verifier {
public:
  verifier(file_system& fs, const std::string& directory, const verify_options& options)
      : fs_(fs), directory_(directory), options_(options) {}

  verify_report run(const std::vector<std::string>& names) {
    for (const auto& name : sorted(names))
      check(name);
    judge_tails();
    check_continuity();
    check_hint();
    return std::move(report_);
  }

private:
  static std::vector<std::string> sorted(std::vector<std::string> names) {
    const auto key = [](const std::string& name) {
      const auto parsed = parse_file_name(name);
      return parsed ? std::tuple(parsed->is_base ? 0 : 1, parsed->gen.value, name)
                    : std::tuple(2, std::uint64_t{0}, name);
    };
    std::sort(names.begin(), names.end(), [&](const auto& a, const auto& b) { return key(a) < key(b); });
    return names;
  }

  void problem(std::string text) { report_.problems.push_back(std::move(text)); }

  void spoil(file_check& row, file_state state, std::string detail) {
    problem(row.name + ": " + detail);
    row.state = state;
    row.detail = std::move(detail);
  }

  void check(const std::string& name) {
    file_check row;
    row.name = name;
    const auto parsed = parse_file_name(name);
    auto opened = fs_.open(directory_ + "/" + name, open_mode::read);
    const auto size = opened ? (*opened)->size() : result<std::uint64_t>(opened.failure());
    if (!size) {
      spoil(row, file_state::rotten, size.failure().what);
      report_.files.push_back(std::move(row));
      return;
    }
    row.bytes = *size;
    if (!digest_content(**opened, row)) {
      report_.files.push_back(std::move(row));
      return;
    }
    if (!parsed)
      row.state = file_state::foreign;
    else if (!parsed->suffix.empty())
      row.state = file_state::unfinished;
    else if (parsed->is_base)
      check_base(row, parsed->gen);
    else
      check_log(**opened, row, parsed->gen);
    report_.files.push_back(std::move(row));
  }

  bool digest_content(file& source, file_check& row) {
    window buffered(source, row.bytes, read_ahead_bytes);
    for (std::uint64_t at = 0; at < row.bytes;) {
      const auto part = buffered.view(at, read_ahead_bytes);
      if (!part || part->empty()) {
        spoil(row, file_state::rotten, part ? "shorter than its size" : part.failure().what);
        return false;
      }
      row.content_crc = crc32c(*part, row.content_crc);
      at += part->size();
    }
    return true;
  }

  void check_base(file_check& row, generation gen) {
    const auto info = check_base_file(fs_, directory_ + "/" + row.name);
    if (!info || info->gen != gen) {
      spoil(row, file_state::rotten, info ? "another generation inside" : info.failure().what);
      return;
    }
    row.first_index = row.last_index = info->index;
    row.chain = info->chain;
    bases_[gen] = *info;
  }

  void check_log(file& source, file_check& row, generation gen) {
    bytes head(log_header_bytes);
    const auto got = source.read_at(0, head);
    head.resize(got ? *got : 0);
    const auto header = decode_log_header(head);
    if (!header || header->gen != gen) {
      spoil(row, file_state::rotten, header ? "another generation inside" : header.failure().what);
      return;
    }
    auto scanned = scan_log(source, row.bytes, *header, [&](const frame_header& entry) {
      if (options_.digest_every != 0 && entry.index.value % options_.digest_every == 0)
        report_.digests.push_back({entry.index, entry.term, entry.chain});
    });
    row.records = scanned.records;
    row.first_index = scanned.first_index;
    row.last_index = scanned.end.last_index;
    row.chain = scanned.end.chain;
    logs_[gen] = {*header, std::move(scanned), report_.files.size()};
  }

  /// Here rather than in check_log: whether a tail may be torn depends on the logs after it.
  void judge_tails() {
    for (const auto& [gen, seen] : logs_) {
      auto& row = report_.files[seen.row];
      const bool later = logs_.upper_bound(gen) != logs_.end();
      const auto found = judge(seen.scanned, options_.hint.index, later, log_options{}.max_unsynced_bytes);
      const auto& tail = seen.scanned.tail;
      const auto place = " (byte " + std::to_string(seen.scanned.end.offset) + ")";
      if (found == verdict::rotten)
        spoil(row, file_state::rotten, (tail.clean ? "ends before its cut" : tail.what) + place);
      else if (found == verdict::torn)
        spoil(row, file_state::torn, "unfinished record at the end" + place);
      else if (row.bytes != ruled_size(seen.header, seen.scanned.end.offset))
        spoil(row, file_state::torn, "size does not follow from the content");
    }
    if (!logs_.empty()) {
      const auto& end = logs_.rbegin()->second.scanned.end;
      if (report_.digests.empty() || report_.digests.back().index != end.last_index)
        report_.digests.push_back({end.last_index, end.last_term, end.chain});
    }
  }

  void check_continuity() {
    if (bases_.empty())
      problem("no valid base");
    for (const auto& [gen, info] : bases_) {
      const auto log = logs_.find(gen);
      if (log == logs_.end())
        problem(log_name(gen) + ": missing or unreadable beside " + base_name(gen));
      else if (!continues(log->second.header, info.index, info.term, info.chain))
        problem(log_name(gen) + ": does not continue " + base_name(gen));
    }
    for (const auto& [gen, seen] : logs_) {
      const auto next = logs_.find({gen.value + 1});
      const auto& end = seen.scanned.end;
      if (next == logs_.end()) {
        if (end.cut || logs_.upper_bound(gen) != logs_.end())
          problem(log_name({gen.value + 1}) + ": missing");
      } else if (!continues(next->second.header, end.last_index, end.last_term, end.chain)) {
        problem(log_name({gen.value + 1}) + ": does not continue " + log_name(gen));
      }
    }
    if (!logs_.empty() && !bases_.contains(logs_.begin()->first))
      problem(base_name(logs_.begin()->first) + ": missing or damaged");
  }

  static bool continues(const log_header& header, log_index index, log_term term, chain_value chain) {
    return header.base_index == index && header.base_term == term && header.base_chain == chain;
  }

  void check_hint() {
    if (options_.hint.index.value == 0)
      return;
    log_index last;
    if (!logs_.empty())
      last = logs_.rbegin()->second.scanned.end.last_index;
    if (last < options_.hint.index)
      problem("entries up to " + std::to_string(options_.hint.index.value) +
              " were synced, the log ends at " + std::to_string(last.value));
  }

  file_system& fs_;
  const std::string& directory_;
  const verify_options& options_;
  verify_report report_;
  std::map<generation, base_info> bases_;
  std::map<generation, log_seen> logs_;
};

} // namespace

const char* to_string(file_state state) noexcept {
  switch (state) {
  case file_state::sound:
    return "sound";
  case file_state::torn:
    return "torn";
  case file_state::rotten:
    return "rotten";
  case file_state::unfinished:
    return "unfinished";
  case file_state::foreign:
    return "foreign";
  }
  return "unknown";
}

result<verify_report> verify_directory(file_system& fs, const std::string& directory,
                                       const verify_options& options) {
  const auto names = fs.list(directory);
  if (!names)
    return names.failure();
  return verifier(fs, directory, options).run(*names);
}

} // namespace holdfast::wal
