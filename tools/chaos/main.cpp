// holdfast-chaos: runs scenario files against a cluster of its own making and judges what its clients saw.
#include "tools/chaos/cgroup.hpp"
#include "tools/chaos/child_process.hpp"
#include "tools/chaos/report.hpp"
#include "tools/chaos/scenario_parser.hpp"
#include "tools/chaos/scenario_words.hpp"

#include <CLI/CLI.hpp>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

namespace {

namespace fs = std::filesystem;
using namespace holdfast::chaos;

constexpr int failed = 1;
constexpr int wrong_use = 2;
constexpr int skipped = 77;

struct arguments {
  std::vector<std::string> files;
  std::string daemon;
  std::string unsafe_daemon;
  std::string keep;
  std::uint64_t seed = 1;
  bool follow = false;
  bool keep_all = false;
};

std::string read_file(const std::string& name) {
  std::ifstream in(name, std::ios::binary);
  if (!in)
    throw scenario_error(name + ": cannot be read");
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

void write_file(const fs::path& name, const std::string& text) {
  std::ofstream out(name, std::ios::binary);
  out << text;
}

std::string beside(const char* name) {
  const auto self = fs::read_symlink("/proc/self/exe").parent_path();
  for (const auto& at : {self / name, self / ".." / "holdfastd" / name}) {
    if (fs::exists(at))
      return fs::weakly_canonical(at).string();
  }
  return name;
}

abilities abilities_here(const arguments& given) {
  abilities out;
  out.root = ::geteuid() == 0;
  out.unsafe_daemon = fs::exists(given.unsafe_daemon);
  out.strace = program_exists("strace");
  out.faketime = fs::exists("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1");
  out.cgroups = out.root && cgroups::usable();
  return out;
}

int run_one(const arguments& given, const scenario& what, const fs::path& folder) {
  run_options options;
  options.daemon = given.daemon;
  options.unsafe_daemon = given.unsafe_daemon;
  options.seed = given.seed;
  options.folder = folder;
  options.follow = given.follow;
  const auto run = run_scenario(what, options);
  const auto repeat = "holdfast-chaos run --seed " + std::to_string(given.seed) + " --daemon " +
                      given.daemon + " " + fs::absolute(what.file).string();
  std::cout << summary_text(run, repeat) << std::flush;
  if (!run.passed() || given.keep_all) {
    write_file(folder / "run.jsonl", json_lines(run));
    write_file(folder / "report.html", html_page(run, repeat));
    write_file(folder / "summary.txt", summary_text(run, repeat));
    std::cout << "  kept: " << folder.string() << "\n";
  }
  return run.passed() ? 0 : failed;
}

/// A process of its own for each run: it enters namespaces.
int run_apart(const arguments& given, const scenario& what) {
  std::string pattern = (fs::path(given.keep) / "holdfast-chaos-XXXXXX").string();
  if (!::mkdtemp(pattern.data())) {
    std::cerr << "cannot make a folder in " << given.keep << "\n";
    return wrong_use;
  }
  const fs::path folder = pattern;
  std::cout << std::flush;
  const pid_t child = ::fork();
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    const int code = run_one(given, what, folder);
    std::cout << std::flush;
    std::_Exit(code);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : failed;
  if (!WIFEXITED(status))
    std::cout << "FAILED  " << what.file << ": the runner ended by signal " << WTERMSIG(status) << "\n";
  if (code == 0 && !given.keep_all)
    fs::remove_all(folder);
  return code;
}

int run_files(const arguments& given) {
  std::size_t passed = 0;
  std::size_t passed_over = 0;
  std::size_t bad = 0;
  for (const auto& file : given.files) {
    const auto what = parse_scenario(read_file(file), file);
    if (const auto why = missing_for(what, abilities_here(given)); !why.empty()) {
      std::cerr << "skipped: " << file << ": " << why << "\n";
      ++passed_over;
      continue;
    }
    ++(run_apart(given, what) == 0 ? passed : bad);
  }
  if (given.files.size() > 1)
    std::cout << passed << " passed, " << bad << " failed, " << passed_over << " skipped\n";
  return bad > 0 ? failed : passed == 0 ? skipped : 0;
}

int check_files(const arguments& given) {
  for (const auto& file : given.files) {
    const auto what = parse_scenario(read_file(file), file);
    const auto plan = make_plan(what, given.seed);
    const auto time = std::chrono::ceil<std::chrono::seconds>(shortest_time(plan));
    std::cout << file << ": " << what.story << "; " << plan.size() << " steps, at least " << time.count()
              << " s\n"; // soak.sh reads this
  }
  return 0;
}

int show_words() {
  for (const auto& row : action_words())
    std::cout << row.word << " " << row.form << (row.root ? "   (root)" : "") << "\n    " << row.meaning
              << "\n";
  return 0;
}

} // namespace

int main(int count, char** values) {
  arguments given;
  given.daemon = beside("holdfastd");
  given.unsafe_daemon = beside("holdfastd-unsafe");
  given.keep = fs::temp_directory_path().string();
  CLI::App app{
      "Runs chaos scenarios against a Holdfast cluster of its own making. Exit: 0 passed, 1 failed, 2 wrong "
      "use, 77 nothing could run here."};
  app.require_subcommand(1);
  auto* run = app.add_subcommand("run", "Run scenarios, one after the other");
  run->add_option("file", given.files, "scenario files")->required();
  run->add_option("--daemon", given.daemon, "the holdfastd to test")->capture_default_str();
  run->add_option("--unsafe-daemon", given.unsafe_daemon,
                  "the holdfastd with planted faults, for must-fail scenarios");
  run->add_option("--seed", given.seed, "of everything random")->capture_default_str();
  run->add_option("--keep", given.keep, "where the folders of runs go")->capture_default_str();
  run->add_flag("--keep-all", given.keep_all,
                "keep the folder and write the reports also of a run that passed");
  run->add_flag("--follow", given.follow, "print what happens while it happens, to stderr");
  auto* check = app.add_subcommand("check", "Read scenarios and say what is wrong in them");
  check->add_option("file", given.files, "scenario files")->required();
  check->add_option("--seed", given.seed, "of the plan");
  auto* words = app.add_subcommand("words", "List the actions a scenario may use");
  try {
    app.parse(count, values);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : wrong_use;
  }
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return words->parsed() ? show_words() : check->parsed() ? check_files(given) : run_files(given);
  } catch (const scenario_error& error) {
    std::cerr << error.what() << "\n";
    return wrong_use;
  } catch (const std::exception& error) {
    std::cerr << "holdfast-chaos: " << error.what() << "\n";
    return failed;
  }
}
