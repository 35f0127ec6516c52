#include "actors/replay/log_disk.hpp"

#include <raft/codec.hpp>

#include <algorithm>
#include <span>

namespace holdfast::replay {

namespace {

constexpr char founder_bit = 1;
constexpr char recovering_bit = 2;
constexpr std::size_t scan_bytes = std::size_t{4} << 20;

bool has(const wal::meta& meta, char bit) {
  return !meta.host.empty() && (meta.host[0] & bit) != 0;
}

void put_number(std::string& out, std::uint64_t number) {
  for (unsigned i = 0; i < sizeof number; ++i)
    out.push_back(static_cast<char>(number >> (8U * i)));
}

std::uint64_t number_at(const std::string& from, std::size_t at) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < sizeof number; ++i)
    number |= std::uint64_t{static_cast<unsigned char>(from[at + i])} << (8U * i);
  return number;
}

std::string host_bytes(bool founder, bool recovering, const wal::synced_hint& commit) {
  std::string out{static_cast<char>((founder ? founder_bit : 0) | (recovering ? recovering_bit : 0))};
  put_number(out, commit.index.value);
  put_number(out, commit.term.value);
  return out;
}

wal::synced_hint commit_in(const wal::meta& meta) {
  constexpr std::size_t with_commit = 17;
  if (meta.host.size() < with_commit)
    return {};
  return {{number_at(meta.host, 1)}, {number_at(meta.host, 9)}};
}

disk_refusal damaged(std::string what, std::string advice) {
  return {{msg::exit_code::state_damaged, std::move(what), std::move(advice)}, false};
}

/// What other members hold too: a member gets it back from them.
disk_refusal lost(std::string what, std::string advice) {
  return {{msg::exit_code::state_damaged, std::move(what), std::move(advice)}, true};
}

disk_refusal io_failed(const wal::error& error) {
  if (error.kind == wal::error_kind::corrupt)
    return lost(error.what, "restore the base root from a backup");
  const bool full = error.kind == wal::error_kind::no_space;
  return {{full ? msg::exit_code::disk_full : msg::exit_code::log_io, error.what,
           full ? "make room on the file system of the base root and start again"
                : "check the disk and the kernel log; what was acknowledged is on disk, start again"},
          false};
}

wal::byte_view payload_of(const raft::entry& entry) {
  return entry.payload ? std::as_bytes(std::span{*entry.payload}) : wal::byte_view{};
}

bool is_urgent(const raft::entry& entry) {
  return entry.kind == raft::kind_noop || entry.kind == raft::kind_config ||
         entry.kind == static_cast<std::uint8_t>(msg::entry_kind::activate);
}

raft::entry to_entry(const wal::record& record, bool with_payload) {
  raft::entry entry{{record.term.value}, {record.index.value}, record.kind, nullptr};
  if (with_payload) {
    entry.payload = std::make_shared<const std::string>(reinterpret_cast<const char*>(record.payload.data()),
                                                        record.payload.size());
  }
  return entry;
}

} // namespace

stored_identity read_identity(wal::file_system& fs, const std::string& raft_directory) {
  wal::meta_pair pair(fs, raft_directory);
  auto loaded = pair.load();
  if (!loaded)
    return {{}, loaded.failure().what};
  if (loaded->value)
    return {loaded->value->node_id, {}};
  if (loaded->damaged_copies > 0)
    return {{}, raft_directory + ": no copy of the metadata can be read"};
  return {};
}

std::variant<log_disk::opened, disk_refusal> log_disk::open(wal::file_system& fs, const disk_layout& where,
                                                            const first_identity& first,
                                                            const wal::log_options& options,
                                                            const raft::limits& lim) {
  opened out;
  out.disk.reset(new log_disk(fs, where));
  auto& disk = *out.disk;
  if (auto refused = disk.load_meta(first, where))
    return *refused;
  if (auto refused = disk.open_log(fs, where, options, out))
    return *refused;
  if (auto refused = disk.found_cluster())
    return *refused;

  auto found = std::make_shared<msg::recovered_log>();
  if (auto refused = disk.load_base(lim, out, *found))
    return *refused;
  raft::config members;
  if (auto refused = disk.read_log(lim, *found, members))
    return *refused;
  if (auto refused = disk.judge_damage(disk.report_, members))
    return *refused;

  found->self = *raft::parse_node_id(disk.meta_.node_id);
  found->cluster = *raft::parse_cluster_id(disk.meta_.cluster_id);
  // A term can never be behind the log; a rotten copy of the metadata may have forgotten it.
  found->state.term = {std::max(disk.meta_.term.value, disk.log_->last_term().value)};
  if (found->state.term.value == disk.meta_.term.value && !disk.meta_.vote.empty()) {
    found->state.vote = raft::parse_node_id(disk.meta_.vote).value_or(raft::node_id{});
  }
  found->state.recovering =
      has(disk.meta_, recovering_bit) || (disk.meta_suspect_ && !members.sole_voter(found->self));
  if (const auto commit = commit_in(disk.meta_); disk.holds(commit))
    found->commit = {commit.index.value};
  out.found = found;
  return out;
}

bool log_disk::holds(const wal::synced_hint& entry) const {
  if (entry.index.value == 0 || entry.index > log_->synced().index)
    return false;
  const auto term = log_->term_at(entry.index);
  return term && *term == entry.term;
}

std::optional<disk_refusal> log_disk::load_meta(const first_identity& first, const disk_layout& where) {
  auto loaded = meta_pair_.load();
  if (!loaded)
    return io_failed(loaded.failure());
  if (!loaded->value && loaded->damaged_copies > 0) {
    return damaged(where.raft + ": no copy of the node's metadata (term, vote, identity) can be read",
                   "restore the base root from a backup; in a cluster, remove this node and enrol it anew");
  }
  meta_suspect_ = loaded->suspect;
  if (!loaded->value) {
    const wal::meta fresh{
        to_string(first.cluster), to_string(first.self), {}, {}, {}, host_bytes(first.founder, false, {})};
    if (auto saved = save_meta(fresh); !saved)
      return io_failed(saved.failure());
    return std::nullopt;
  }
  meta_ = *loaded->value;
  if (!raft::parse_node_id(meta_.node_id) || !raft::parse_cluster_id(meta_.cluster_id)) {
    return damaged(where.raft + ": the metadata holds no valid identity", "restore it from a backup");
  }
  if (meta_.node_id != to_string(first.self)) {
    return damaged(where.raft + " belongs to node " + meta_.node_id + ", the settings name node " +
                       to_string(first.self),
                   "never copy a base root or its settings between nodes; see holdfast ha repair-state");
  }
  if (first.from_others) {
    // Before the empty log is opened: whatever this node acknowledged, it does not hold it any more.
    auto changed = meta_;
    changed.hint = {};
    changed.host = host_bytes(false, true, {});
    if (auto saved = save_meta(changed); !saved)
      return io_failed(saved.failure());
  }
  return std::nullopt;
}

std::optional<disk_refusal> log_disk::open_log(wal::file_system& fs, const disk_layout& where,
                                               const wal::log_options& options, opened& out) {
  auto log = wal::log::open(fs, where.wal, options, meta_.hint);
  if (!log)
    return io_failed(log.failure());
  log_ = std::move(log->instance);
  report_ = std::move(log->report);
  if (report_.first_start && meta_.hint.index.value > 0) {
    return lost(where.wal + " is empty, but this node held the log up to index " +
                    std::to_string(meta_.hint.index.value),
                "put the directory back; in a cluster, remove this node and enrol it anew");
  }
  const auto baseless = std::find_if(report_.damages.begin(), report_.damages.end(),
                                     [](const wal::damage& found) { return found.file == "base.*"; });
  if (baseless != report_.damages.end()) {
    return lost(where.wal + ": " + baseless->what,
                "restore the base root from a backup; in a cluster, remove this node and enrol it anew");
  }
  if (report_.torn_bytes > 0) {
    out.notes.push_back("cut " + std::to_string(report_.torn_bytes) +
                        " bytes of an unfinished write off the log");
  }
  if (report_.install_finished)
    out.notes.emplace_back("put a received snapshot in place");
  for (const auto& found : report_.damages)
    out.notes.push_back(found.file + ": " + found.what);
  return std::nullopt;
}

// Entry 1 of a founder's log is the configuration with itself as the only voter: bytes that follow from the
// ids alone. A crash before it was synced is made good by the next start.
std::optional<disk_refusal> log_disk::found_cluster() {
  if (!has(meta_, founder_bit) || log_->last_index().value > 0 || report_.rotten())
    return std::nullopt;
  const auto config = raft::encode_config(raft::make_config({*raft::parse_node_id(meta_.node_id)}));
  const wal::record_view first{{1}, {1}, raft::kind_config, false, std::as_bytes(std::span{config})};
  if (auto done = log_->append(std::span{&first, 1}); !done)
    return io_failed(done.failure());
  if (auto done = log_->sync(); !done)
    return io_failed(done.failure());
  auto changed = meta_;
  changed.term = {std::max<std::uint64_t>(1, meta_.term.value)};
  changed.hint = log_->synced();
  if (auto done = save_meta(changed); !done)
    return io_failed(done.failure());
  return std::nullopt;
}

std::optional<disk_refusal> log_disk::load_base(const raft::limits& lim, opened& out,
                                                msg::recovered_log& found) {
  const auto& base = log_->base();
  auto reader = log_->open_base(base.gen);
  if (!reader)
    return io_failed(reader.failure());
  auto content = read_base(*reader, lim);
  if (const auto* error = std::get_if<std::string>(&content)) {
    return lost("base." + std::to_string(base.gen.value) + ": " + *error,
                "restore the base root from a backup; in a cluster, remove this node and enrol it anew");
  }
  out.state = std::get<base_content>(std::move(content)).state;
  found.applied = {base.index.value};
  return std::nullopt;
}

// From the oldest base on whose log is here too: a newcomer is fed from there, so that its files become equal
// to ours (WAL-03). Rot in that older part costs nobody anything; then the newest base is the beginning.
std::optional<disk_refusal> log_disk::read_log(const raft::limits& lim, msg::recovered_log& found,
                                               raft::config& members) {
  const auto newest = log_->base().gen;
  auto scanned = scan_from(log_->oldest_generation(), lim, found, members);
  if (!scanned && scanned.failure().kind == wal::error_kind::corrupt && log_->oldest_generation() != newest)
    scanned = scan_from(newest, lim, found, members);
  if (scanned)
    return std::nullopt;
  if (scanned.failure().kind == wal::error_kind::corrupt)
    return lost(scanned.failure().what, "restore the base root from a backup");
  return io_failed(scanned.failure());
}

wal::status log_disk::scan_from(wal::generation gen, const raft::limits& lim, msg::recovered_log& found,
                                raft::config& members) {
  auto reader = log_->open_base(gen);
  if (!reader)
    return reader.failure();
  const auto base = reader->info();
  auto config = read_base_config(*reader, lim);
  if (const auto* error = std::get_if<std::string>(&config))
    return wal::error{wal::error_kind::corrupt, 0, "base." + std::to_string(gen.value) + ": " + *error};
  members = std::get<raft::config>(std::move(config));
  found.snapshot = {{gen.value}, {base.index.value}, {base.term.value}, {base.file_bytes}, members};
  found.log_base = {base.index.value};
  found.log_base_term = {base.term.value};
  found.log.clear();
  for (auto next = wal::log_index{base.index.value + 1}; next <= log_->last_index();) {
    auto records = log_->read(next, scan_bytes);
    if (!records)
      return records.failure();
    for (const auto& record : *records) {
      const bool is_config = record.kind == raft::kind_config;
      found.log.push_back(to_entry(record, is_config));
      if (!is_config)
        continue;
      auto decoded = raft::decode_config(*found.log.back().payload, lim);
      if (const auto* known = std::get_if<raft::config>(&decoded))
        members = *known;
    }
    next.value += records->size();
  }
  return {};
}

// Rot of entries this node may have acknowledged: other members can give them back, a lone node cannot.
std::optional<disk_refusal> log_disk::judge_damage(const wal::recovery_report& report,
                                                   const raft::config& members) {
  if (!report.rotten())
    return std::nullopt;
  const auto self = *raft::parse_node_id(meta_.node_id);
  if (members.sole_voter(self) || members.members.empty()) {
    const auto& first = report.damages.front();
    return damaged(first.file + " is damaged at byte " + std::to_string(first.offset) + " (" + first.what +
                       "): acknowledged entries from index " + std::to_string(first.first_lost.value) +
                       " on cannot be read, and there is no other member to get them from",
                   "nothing was changed; restore wal/ from a backup");
  }
  auto changed = meta_;
  changed.host = host_bytes(has(meta_, founder_bit), true, {}); // what is committed is for a leader to say
  if (auto saved = save_meta(changed); !saved)
    return io_failed(saved.failure());
  if (auto done = log_->discard_damage(); !done)
    return io_failed(done.failure());
  return std::nullopt;
}

wal::status log_disk::save_meta(wal::meta changed) {
  auto saved = meta_pair_.save(changed);
  if (saved)
    meta_ = std::move(changed);
  return saved;
}

wal::status log_disk::perform(const raft::persist_request& request) {
  if (resumed_sequence_ != request.sequence) {
    auto changed = meta_;
    if (request.state) {
      changed.term = {request.state->term.value};
      changed.vote = request.state->vote.is_nil() ? std::string{} : to_string(request.state->vote);
      changed.host = host_bytes(has(meta_, founder_bit), request.state->recovering, commit_in(meta_));
    }
    if (request.truncate_from && changed.hint.index.value >= request.truncate_from->value) {
      // Lowered first: a hint above the end of the log would be taken for rot after a power cut in between.
      const wal::log_index kept{request.truncate_from->value - 1};
      const auto term = log_->term_at(kept);
      changed.hint = term ? wal::synced_hint{kept, *term} : wal::synced_hint{};
    }
    if (changed != meta_) {
      if (auto saved = save_meta(std::move(changed)); !saved)
        return saved;
    }
    if (request.truncate_from && request.truncate_from->value <= log_->last_index().value) {
      if (auto cut = log_->truncate_from({request.truncate_from->value}); !cut)
        return cut;
    }
    resumed_sequence_ = request.sequence;
  }
  return append(request.entries);
}

wal::status log_disk::append(const std::vector<raft::entry>& entries) {
  if (entries.empty())
    return {};
  std::vector<wal::record_view> records;
  records.reserve(entries.size());
  for (const auto& entry : entries) {
    const bool cut = entry.kind == static_cast<std::uint8_t>(msg::entry_kind::compact);
    records.push_back({{entry.index.value}, {entry.term.value}, entry.kind, cut, payload_of(entry)});
  }
  return log_->append(records, std::all_of(entries.begin(), entries.end(), is_urgent));
}

wal::status log_disk::sync() {
  return log_->sync();
}

wal::status log_disk::save_hint() {
  auto changed = meta_;
  changed.hint = log_->synced();
  // Never an entry that is not on disk yet: another, uncommitted one may still stand at its place.
  if (holds(commit_))
    changed.host = host_bytes(has(meta_, founder_bit), has(meta_, recovering_bit), commit_);
  return changed == meta_ ? wal::status{} : save_meta(std::move(changed));
}

wal::result<std::vector<raft::entry>> log_disk::read(const raft::log_read& wanted) {
  std::vector<raft::entry> entries;
  if (wanted.first.value < log_->first_index().value)
    return entries;
  auto records = log_->read({wanted.first.value}, wanted.max_bytes.value);
  if (!records)
    return records.failure();
  for (const auto& record : *records) {
    if (record.index.value > wanted.last.value)
      break;
    entries.push_back(to_entry(record, true));
  }
  return entries;
}

std::optional<raft::ev::snapshot_available> log_disk::snapshot_to_send() const {
  const auto reader = log_->open_base(log_->oldest_generation());
  if (!reader || reader->info().index.value == 0)
    return std::nullopt;
  const auto& base = reader->info();
  return raft::ev::snapshot_available{
      {base.gen.value}, {base.index.value}, {base.file_bytes}, {log_->first_index().value}};
}

std::optional<wal::cut_point> log_disk::open_cut(raft::index_t index) const {
  for (const auto& cut : log_->pending_cuts()) {
    if (cut.index.value == index.value)
      return cut;
  }
  return std::nullopt;
}

msg::log_digest log_disk::digest(std::uint64_t index) {
  msg::log_digest digest;
  const auto& base = log_->base();
  digest.generation = base.gen.value;
  digest.base_index = base.index.value;
  digest.base_term = base.term.value;
  digest.base_bytes = base.file_bytes;
  digest.first_index = log_->first_index().value;
  digest.last_index = log_->last_index().value;
  digest.synced_index = log_->synced().index.value;
  digest.asked_index = index == 0 ? digest.synced_index : index;
  auto chain = log_->chain_at({digest.asked_index});
  if (chain) {
    digest.chain = chain->value;
  } else {
    digest.error = chain.failure().what;
  }
  return digest;
}

} // namespace holdfast::replay
