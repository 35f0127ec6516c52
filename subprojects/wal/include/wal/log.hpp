// The segmented log: `wal/base.<n>` (see base_file.hpp) and `wal/log.<n>`, the entries that follow it
// (architecture §4, WAL-01..11).
//
// THE DIRECTORY HOLDS REPLICATED FACTS ALONE. Two nodes with the same entries hold the same file names with
// the same bytes, whatever their batches, restarts and truncations were (WAL-03): no times, no ids, no batch
// frames, and a file size that follows from the content.
//
// log.<n>, version 1; integers little-endian:
//
//   offset size
//        0    8  magic "HOLDLOG_"
//        8    4  format version, 1
//       12    4  header bytes, 64
//       16    8  generation n
//       24    8  index of the last entry before this file (= index of base.<n>)
//       32    8  term of that entry
//       40    4  chain value of that entry, from which the first record continues
//       44    4  small step in bytes    48  4  large step in bytes    52  4  spare bytes    56  4  zero
//       60    4  CRC32C of bytes 0..59
//       64       records, each 8-byte aligned:
//                 0  4  payload bytes
//                 4  1  kind (the host's)
//                 5  1  flags: bit 0 = cut, others zero
//                 6  2  mark 0x5248 ("HR"): no record begins with zeros
//                 8  8  index
//                16  8  term
//                24  4  header check: CRC32C of bytes 0..23, continued from the file header's CRC. It finds a
//                record
//                       again after a damaged one, and never takes a record of another file for one of this
//                28  4  chain value: CRC32C of bytes 0..27, payload and padding, continued from the record
//                before 32     payload, then 1 to 8 bytes of padding: zeros, the last one 0xA5. A record
//                whose last byte is
//                       zero was not written to its end
//       end      zeros up to the file size: end + spare, rounded up to the small step while that is at most
//       one
//                large step, to the large step above.
//
// A record with the cut flag is the last of its file; log.<n+1> exists before the append returns, base.<n+1>
// follows when the host has written it. Two generations are kept.
//
// RECOVERY takes the newest valid base and walks its log and the later ones. A first bad record at index k is
//   rot   when k is not past the synced hint; or a later log file exists (it is made only after the cut was
//   synced);
//         or the bytes do not look torn; or a whole record follows farther away than one unsynced window;
//   torn  otherwise. Torn means: the file ends early, or the record's end was never written (zeros to the end
//   of the
//         file), or a whole 512-byte sector of it still reads as the zeros that were there before.
// A torn tail is cut (WAL-08). Rot is reported, the entries before it are served, nothing after it is;
// appends are refused until the host has made its own recovering state durable and called discard_damage
// (raft-notes §1.6 "Disk"). Known weakness: past the hint, an entry that was synced and later lost exactly a
// whole sector (or its end) looks torn. The host keeps that window small by saving the hint often, surely
// when idle.
//
// Order of durable steps (each crash between two of them is a test):
//   first start   log.0 under .new, sync, rename, base.0 likewise, directory sync after each
//   cut           log.<n+1>.new whole and synced; records up to the cut written and synced to log.<n>;
//   rename; directory truncate      later logs unlinked, newest first, directory synced after each; ftruncate
//   to the kept end, sync; zeros
//                 up to the size rule, sync
//   install       base.<n>.part whole and synced; rename to base.<n>.install, directory (from here on it will
//   be
//                 finished by any start); old files gone, log.<n> made, directory; rename to base.<n>,
//                 directory
//   drop          rename to *.drop, directory; then cut down in steps (unlinking a large file at once stalls
//   syncs)
//
// Errors: see error_kind. After `io` every call answers `poisoned`; the host ends the process, a restart
// reads what the disk really holds. Threads: one at a time, the host's log writer. One process per directory
// is the host's business (WAL-10); group commit too: append many, sync once.
#pragma once

#include "wal/base_file.hpp"
#include "wal/file_system.hpp"
#include "wal/types.hpp"

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::wal {

/// Sizes in bytes. The first three must be equal on all members; the host leaves them alone, tests make them
/// small.
struct log_options {
  std::uint32_t small_step_bytes = 1U << 20;
  std::uint32_t large_step_bytes = 1U << 20;
  std::uint32_t spare_bytes =
      64U << 10; ///< allocated beyond the content, for urgent records when the disk is full
  std::size_t max_payload_bytes = 8U << 20;
  std::size_t max_unsynced_bytes = 16U << 20; ///< append syncs by itself before it would pass this
};

/// A place where the bytes on disk are not what was written.
struct damage {
  std::string file; ///< name inside the directory
  std::uint64_t offset = 0;
  log_index first_lost;  ///< entries [first_lost, last_lost] cannot be served; last_lost is the highest known
                         ///< to have
  log_index last_lost;   ///< been there (from the hint or from records that follow), 0 if none is known
  bool in_spare = false; ///< in the older generation, which is not needed to serve the state: nothing is
                         ///< lost, but the file no longer equals the other members'
  std::string what;      ///< for people
};

struct recovery_report {
  bool first_start = false;         ///< the directory was empty: base.0 and log.0 were made
  std::vector<damage> damages;      ///< rot; empty on a healthy node
  std::uint64_t torn_bytes = 0;     ///< bytes of a torn tail that were cut
  std::vector<std::string> removed; ///< unfinished files of an earlier run that were removed
  bool install_finished = false;    ///< a received snapshot was put in place by this start
  bool no_space = false;            ///< a file could not be brought to its size; appends may answer no_space
  bool rotten() const noexcept;     ///< entries this node may have acknowledged are lost: become recovering
};

/// A cut whose base the host has yet to write.
struct cut_point {
  generation gen; ///< generation that begins here
  log_index index;
  log_term term;
};

/// Receives a peer's base file, verbatim, into base.<n>.part; survives restarts. Any one thread; made by
/// log::begin_install, ended by log::commit_install.
class base_receiver {
public:
  base_receiver(file_system& fs, std::unique_ptr<file> out, std::string path, generation gen,
                std::uint64_t file_bytes, std::uint64_t offset);

  /// Next file offset wanted from the sender; everything before it is written and, after a restart, checked.
  std::uint64_t offset() const noexcept { return offset_; }
  std::uint64_t file_bytes() const noexcept { return file_bytes_; }
  bool complete() const noexcept { return offset_ == file_bytes_; }
  generation gen() const noexcept { return gen_; }
  const std::string& path() const noexcept { return path_; }

  /// Appends file bytes at offset(); `invalid` for any other offset or past file_bytes. Written out every
  /// `write_out_bytes`; durable only after finish().
  status write(std::uint64_t offset, byte_view data);
  /// Syncs and checks the whole file. `corrupt`: throw the file away with log::abandon_install and begin
  /// again.
  result<base_info> finish();

private:
  file_system& fs_;
  std::unique_ptr<file> out_;
  std::string path_;
  generation gen_;
  std::uint64_t file_bytes_;
  std::uint64_t offset_;
  std::uint64_t written_out_; ///< file offset up to which the disk has it
  std::optional<base_info> checked_;
  bool failed_ = false;
};

class log_file;

class log {
public:
  struct opened {
    std::unique_ptr<log> instance;
    recovery_report report;
  };

  /// Recovers the directory (made if missing, one level). `hint` comes from meta_pair. Rot is in the report,
  /// not an error; errors are `io` and `invalid` (options).
  static result<opened> open(file_system& fs, std::string directory, const log_options& options,
                             synced_hint hint);
  ~log();

  // What is there.
  // ---------------------------------------------------------------------------------------------------
  /// The newest valid base; the host loads its state from it with open_base(base().gen).
  const base_info& base() const noexcept { return base_; }
  /// Lowest index that read() serves (entries of the older generation kept for lagging followers included).
  log_index first_index() const noexcept;
  /// Last entry appended (not necessarily synced); base().index when there is none.
  log_index last_index() const noexcept { return last_index_; }
  log_term last_term() const noexcept { return last_term_; }
  /// Everything up to here is durable. The host may save it as the hint.
  synced_hint synced() const noexcept { return synced_; }
  /// Generation whose log takes the next entry.
  generation current_generation() const noexcept;
  /// Lowest generation of which base and log are both here: what a newcomer is sent, so that its files become
  /// equal.
  generation oldest_generation() const noexcept { return oldest_base_; }
  /// Cuts in the log whose base is not written yet, oldest first.
  std::vector<cut_point> pending_cuts() const;
  /// Term of an entry, also of the one just before first_index(); `not_found` outside.
  result<log_term> term_at(log_index index) const;
  /// Chain value at an entry, the digest to compare between nodes (WAL-09); reads at most a few KiB. Same
  /// range.
  result<chain_value> chain_at(log_index index);

  // Entries.
  // ---------------------------------------------------------------------------------------------------------
  /// Makes sure that `more_bytes` of records (payload + 40 each) will not meet no_space. What is not used by
  /// an append must be given back with release_reservation, else the file size differs from the other
  /// members'.
  status reserve(std::uint64_t more_bytes);
  status release_reservation();
  /// Appends entries with consecutive indexes after last_index() and terms that do not go down (`invalid`
  /// otherwise; nothing written). Not durable before sync(); an append with a cut syncs what stands before
  /// the cut by itself. `no_space`: nothing written; the log is usable. `urgent` records (configuration,
  /// leadership) may use the spare.
  status append(std::span<const record_view> records, bool urgent = false);
  /// fdatasync; afterwards synced().index == last_index(). An error is final.
  status sync();
  /// Removes the entries from `first` on, later files too, and is durable on return. The host makes a hint
  /// below `first` durable BEFORE, else a power cut in between is reported as rot. `invalid` at or below
  /// base().index.
  status truncate_from(log_index first);
  /// Entries from `from` on until `max_payload_bytes` are reached (always at least one), each checked. Empty
  /// past the end, `not_found` below first_index(), `corrupt` when a record does not match its checksum:
  /// become recovering.
  result<std::vector<record>> read(log_index from, std::size_t max_payload_bytes);

  // Snapshots.
  // -------------------------------------------------------------------------------------------------------
  /// Starts base.<gen> for a cut that is in the log (see pending_cuts; a valid base may be rewritten as
  /// well).
  result<std::unique_ptr<base_writer>> begin_base(generation gen);
  /// Puts a finished writer's file in place: rename, directory sync. base() is then at least this one.
  /// Generations before the previous one become droppable.
  status commit_base(std::unique_ptr<base_writer> writer);
  /// A reader of base.<gen>, for loading and for sending.
  result<base_reader> open_base(generation gen) const;
  /// Starts or resumes receiving base.<gen> of `file_bytes`; another generation's partial file is removed.
  result<std::unique_ptr<base_receiver>> begin_install(generation gen, std::uint64_t file_bytes);
  /// Replaces everything by the received base: no entries, last_index() == its index. `invalid` if not
  /// complete, `corrupt` if it fails its checks (nothing changed in both), `no_space` likewise.
  status commit_install(std::unique_ptr<base_receiver> receiver);
  /// Removes the partial file.
  status abandon_install(std::unique_ptr<base_receiver> receiver);
  /// Sets aside the generations before the previous one (renames, quick). Call after commit_base.
  status drop_old_generations();
  /// One small step of giving the set-aside files' space back; true while there is more to do.
  result<bool> reclaim_step();

  // After rot.
  // -------------------------------------------------------------------------------------------------------
  /// True after a report with rotten(): reads work up to last_index(), appends are refused.
  bool refuses_appends() const noexcept { return damaged_; }
  /// Cuts everything from the first damage on; appends work again. The host makes its recovering state
  /// durable BEFORE. Without any valid base the directory starts again from an empty base.0.
  status discard_damage();

private:
  friend class log_recovery;
  struct part; ///< the records of one append that go to one file
  log(file_system& fs, std::string directory, const log_options& options);

  std::string path_of(const std::string& name) const;
  log_file* segment_of(log_index index) const;
  status usable() const;
  status fail(error e);
  void note_end();
  status check_batch(std::span<const record_view> records) const;
  std::vector<part> encode_parts(std::span<const record_view> records) const;
  status allocate(std::vector<part>& parts, bool urgent);
  status give_back(const std::vector<part>& parts, error why);
  status write_part(log_file& segment, const part& what);
  status sync_file(log_file& segment);
  status remove_durably(const std::string& name);
  status rename_durably(const std::string& from, const std::string& to);
  status set_aside(const std::string& name);
  status set_aside_everything();
  status add_next_log();
  status adopt_install(const base_info& info, std::unique_ptr<log_file> fresh);
  status start_empty();
  result<std::unique_ptr<log_file>> make_log(generation gen, log_index index, log_term term,
                                             chain_value chain);

  file_system& fs_;
  std::string directory_;
  log_options options_;
  base_info base_;
  generation oldest_base_;
  std::vector<std::unique_ptr<log_file>>
      segments_; ///< ascending generations without a hole; the last takes appends
  log_index last_index_;
  log_term last_term_;
  synced_hint synced_;
  std::size_t unsynced_bytes_ = 0;
  std::deque<std::string> to_reclaim_;
  std::vector<std::string> doomed_; ///< files that discard_damage removes, newest generation first
  bool has_base_ = false;
  bool poisoned_ = false;
  bool damaged_ = false;
};

} // namespace holdfast::wal
