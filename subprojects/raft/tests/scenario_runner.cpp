// Runs scenario files: a story in comments and commands, and after "----" the trace it must give, up to an
// empty line. `--rewrite` puts the actual trace in its place; review the difference like code.
//
// Nodes are n1, n2, ...; `leader` is the present leader, `follower` the first live other voter, `other` the
// last one; `let NAME NODE` keeps one under a name.
//   seed N | limit NAME VALUE_MS_OR_COUNT | cluster VOTERS | blank NODE
//   run MS | await | status | applied | lease NODE | messages on|off
//   propose NODE CONTEXT TEXT | flood NODE COUNT BYTES | read NODE CONTEXT
//   transfer FROM TO|any MS [released] | change NODE CONTEXT add|promote|demote|remove|observer NODE
//   [force|on|off] cut A B | cut-oneway FROM TO | heal [A B] | isolate NODE | lose TYPE FROM TO COUNT |
//   hold TYPE FROM TO COUNT | let-go | kill NODE | refuse NODE | restart NODE | restart-bare NODE | pause
//   NODE | resume NODE | link-up NODE PEER stall NODE | unstall NODE | full NODE on|off | crash-after-write
//   NODE | rot NODE INDEX | slow-apply NODE on|off snapshot NODE BYTES | ticket NODE TERM
// `run` ends with a check that nothing is broken; invariants are checked after every event.
#include "cluster.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace holdfast::raft::test {
namespace {

using words = std::vector<std::string>;

words split(const std::string& line) {
  std::istringstream in{line};
  words w;
  for (std::string s; in >> s;)
    w.push_back(s);
  return w;
}

class scenario {
public:
  /// The trace of one command.
  std::string run(const std::string& line) {
    const words w = split(line);
    const auto it = verbs_.find(w.at(0));
    if (it == verbs_.end())
      throw std::runtime_error{"unknown verb: " + line};
    it->second(w);
    if (cluster_ && !cluster_->broken().empty())
      throw std::runtime_error{"BROKEN after '" + line + "': " + cluster_->broken() + "\n" +
                               cluster_->take_trace()};
    return (cluster_ ? cluster_->take_trace() : std::string{}) + std::exchange(text_, {});
  }

private:
  cluster& c() {
    if (!cluster_)
      throw std::runtime_error{"no cluster yet"};
    return *cluster_;
  }

  node_number node_of(const std::string& word) {
    if (const auto it = names_.find(word); it != names_.end())
      return it->second;
    if (word.size() > 1 && word[0] == 'n' && std::isdigit(static_cast<unsigned char>(word[1])) != 0)
      return static_cast<node_number>(std::stoul(word.substr(1)));
    const node_number lead = c().leader();
    if (word == "leader" && lead != 0)
      return lead;
    std::vector<node_number> followers;
    for (const auto& [n, x] : c().nodes())
      if (n != lead && x.raft && x.raft->members().is_voter(id_of(n)))
        followers.push_back(n);
    if (word == "follower" && !followers.empty())
      return followers.front();
    if (word == "other" && !followers.empty())
      return followers.back();
    throw std::runtime_error{"no such node: " + word};
  }

  static std::uint64_t number(const std::string& word) { return std::stoull(word); }
  static duration ms(const std::string& word) { return std::chrono::milliseconds{std::stoll(word)}; }

  void set_limit(const words& w) {
    const std::map<std::string, std::function<void()>> setters = {
        {"catch_up_entries", [&] { lim_.catch_up_entries = number(w.at(2)); }},
        {"log_memory_bytes", [&] { lim_.log_memory_bytes = {number(w.at(2))}; }},
        {"max_uncommitted_entries",
         [&] { lim_.max_uncommitted_entries = static_cast<std::uint32_t>(number(w.at(2))); }},
        {"max_inflight_appends",
         [&] { lim_.max_inflight_appends = static_cast<std::uint32_t>(number(w.at(2))); }},
        {"max_append_entries",
         [&] { lim_.max_append_entries = static_cast<std::uint32_t>(number(w.at(2))); }},
        {"max_apply_ahead_entries",
         [&] { lim_.max_apply_ahead_entries = static_cast<std::uint32_t>(number(w.at(2))); }},
        {"lease_length", [&] { lim_.lease_length = ms(w.at(2)); }},
    };
    setters.at(w.at(1))();
  }

  void change(const words& w) {
    static const std::map<std::string, change_kind> kinds = {{"add", change_kind::add_learner},
                                                             {"promote", change_kind::promote},
                                                             {"demote", change_kind::demote},
                                                             {"remove", change_kind::remove},
                                                             {"observer", change_kind::set_observer}};
    ev::change_members e;
    e.context = number(w.at(2));
    e.change.kind = kinds.at(w.at(3));
    e.change.id = id_of(node_of(w.at(4)));
    e.change.force = w.size() > 5 && w[5] == "force";
    e.change.observer = w.size() > 5 && w[5] == "on";
    c().deliver(node_of(w.at(1)), e);
  }

  void transfer(const words& w) {
    ev::transfer e;
    e.context = 900;
    e.target = w.at(2) == "any" ? node_id{} : id_of(node_of(w.at(2)));
    e.deadline = c().now() + ms(w.at(3));
    e.lease_released = w.size() > 4 && w[4] == "released";
    c().deliver(node_of(w.at(1)), e);
  }

  void propose(node_number n, context_id context, const std::string& text) {
    c().deliver(n, ev::propose{context, first_application_kind, std::make_shared<const std::string>(text)});
  }

  void flood(const words& w) {
    const node_number n = node_of(w.at(1));
    for (std::uint64_t i = 0; i < number(w.at(2)); ++i)
      propose(n, 10000 + i, std::string(number(w.at(3)), 'x'));
    // One line for many outcomes keeps the trace readable; they are counted by `applied`.
    (void)c().take_trace();
  }

  void link(const words& w, bool cut, bool both) {
    const node_number a = node_of(w.at(1)), b = node_of(w.at(2));
    const auto set = [&](node_number x, node_number y) { cut ? c().cut(x, y) : c().heal(x, y); };
    set(a, b);
    if (both)
      set(b, a);
  }

  void isolate(node_number n) {
    for (const auto& [m, x] : c().nodes())
      if (m != n) {
        c().cut(m, n);
        c().cut(n, m);
      }
  }

  void print_applied() {
    for (const auto& [n, x] : c().nodes()) {
      if (!x.raft)
        continue;
      text_ += "n" + std::to_string(n) + " applied " + std::to_string(x.applied.size()) + ":";
      const std::size_t shown = std::min<std::size_t>(x.applied.size(), 6);
      for (std::size_t i = x.applied.size() - shown; i < x.applied.size(); ++i)
        text_ += " " + x.applied[i].substr(0, 12);
      text_ += "\n";
    }
  }

  void print_lease(const words& w) {
    const node_number n = node_of(w.at(1));
    const core& r = *c().at(n).raft;
    const auto lease = r.lease();
    const auto clear = r.previous_lease_clear_at();
    const auto in_ms = [&](instant t) { return std::to_string((t - c().now()).count() / 1000) + " ms"; };
    text_ += "n" + std::to_string(n) + " lease " +
             (lease.until && *lease.until > c().now() ? "ends in " + in_ms(*lease.until) : "none") +
             ", earlier leases " +
             (!clear                ? "unknown"
              : *clear <= c().now() ? "over"
                                    : "over in " + in_ms(*clear)) +
             "\n";
  }

  std::map<std::string, std::function<void(const words&)>> make_verbs() {
    return {
        {"seed", [this](const words& w) { seed_ = number(w.at(1)); }},
        {"limit", [this](const words& w) { set_limit(w); }},
        {"cluster",
         [this](const words& w) {
           cluster_ = std::make_unique<cluster>(seed_);
           cluster_->lim = lim_;
           cluster_->found(static_cast<std::uint32_t>(number(w.at(1))));
         }},
        {"blank", [this](const words& w) { c().add_blank(node_of(w.at(1))); }},
        {"let", [this](const words& w) { names_[w.at(1)] = node_of(w.at(2)); }},
        {"run", [this](const words& w) { c().run(ms(w.at(1))); }},
        {"await",
         [this](const words&) {
           const node_number n = c().await_leader();
           text_ += n == 0 ? "no leader\n" : "leader is n" + std::to_string(n) + "\n";
         }},
        {"status", [this](const words&) { text_ += c().status_table(); }},
        {"applied", [this](const words&) { print_applied(); }},
        {"lease", [this](const words& w) { print_lease(w); }},
        {"messages", [this](const words& w) { c().show_messages = w.at(1) == "on"; }},
        {"propose", [this](const words& w) { propose(node_of(w.at(1)), number(w.at(2)), w.at(3)); }},
        {"flood", [this](const words& w) { flood(w); }},
        {"read", [this](const words& w) { c().deliver(node_of(w.at(1)), ev::read{number(w.at(2))}); }},
        {"transfer", [this](const words& w) { transfer(w); }},
        {"change", [this](const words& w) { change(w); }},
        {"cut", [this](const words& w) { link(w, true, true); }},
        {"cut-oneway", [this](const words& w) { link(w, true, false); }},
        {"heal", [this](const words& w) { w.size() > 1 ? link(w, false, true) : c().heal_all(); }},
        {"isolate", [this](const words& w) { isolate(node_of(w.at(1))); }},
        {"lose",
         [this](const words& w) {
           c().lose(w.at(1), node_of(w.at(2)), node_of(w.at(3)), static_cast<unsigned>(number(w.at(4))));
         }},
        {"hold",
         [this](const words& w) {
           c().hold(w.at(1), node_of(w.at(2)), node_of(w.at(3)), static_cast<unsigned>(number(w.at(4))));
         }},
        {"let-go", [this](const words&) { c().let_go(); }},
        {"kill", [this](const words& w) { c().kill(node_of(w.at(1))); }},
        {"refuse", [this](const words& w) { c().refuse(node_of(w.at(1))); }},
        {"refuse-link",
         [this](const words& w) {
           c().deliver(node_of(w.at(1)), ev::link_refused{id_of(node_of(w.at(2)))});
         }},
        {"restart", [this](const words& w) { c().restart(node_of(w.at(1))); }},
        {"restart-bare", [this](const words& w) { c().restart(node_of(w.at(1)), false); }},
        {"pause", [this](const words& w) { c().pause(node_of(w.at(1))); }},
        {"resume", [this](const words& w) { c().resume(node_of(w.at(1))); }},
        {"link-up",
         [this](const words& w) { c().deliver(node_of(w.at(1)), ev::link_up{id_of(node_of(w.at(2)))}); }},
        {"stall", [this](const words& w) { c().stall(node_of(w.at(1)), true); }},
        {"unstall", [this](const words& w) { c().stall(node_of(w.at(1)), false); }},
        {"full", [this](const words& w) { c().deliver(node_of(w.at(1)), ev::disk_full{w.at(2) == "on"}); }},
        {"crash-after-write", [this](const words& w) { c().crash_after_write(node_of(w.at(1))); }},
        {"rot", [this](const words& w) { c().rot(node_of(w.at(1)), {number(w.at(2))}); }},
        {"slow-apply", [this](const words& w) { set_slow_apply(node_of(w.at(1)), w.at(2) == "on"); }},
        {"snapshot", [this](const words& w) { c().snapshot(node_of(w.at(1)), {number(w.at(2))}); }},
        {"ticket",
         [this](const words& w) { c().deliver(node_of(w.at(1)), ev::release_ticket{{number(w.at(2))}}); }},
    };
  }

  void set_slow_apply(node_number n, bool on) {
    node& x = c().at(n);
    x.slow_apply = on;
    if (!on)
      c().deliver(n, ev::applied{x.applied_index});
  }

  std::uint64_t seed_ = 1;
  limits lim_;
  std::unique_ptr<cluster> cluster_;
  std::map<std::string, node_number> names_;
  std::string text_;
  std::map<std::string, std::function<void(const words&)>> verbs_ = make_verbs();
};

/// The file as it would be if every expectation were what happened.
std::string play(const std::string& text) {
  std::istringstream in{text};
  std::string result, trace;
  scenario s;
  bool in_expectation = false;
  for (std::string line; std::getline(in, line);) {
    if (in_expectation) {
      in_expectation = !line.empty();
      if (line.empty())
        result += "\n";
      continue;
    }
    result += line + "\n";
    if (line == "----") {
      result += std::exchange(trace, {});
      in_expectation = true;
    } else if (!line.empty() && line[0] != '#') {
      trace += s.run(line);
    }
  }
  if (!trace.empty())
    result += "----\n" + trace;
  return result;
}

std::string read_file(const std::filesystem::path& p) {
  std::ifstream in{p};
  std::ostringstream s;
  s << in.rdbuf();
  return s.str();
}

void show_difference(const std::string& expected, const std::string& actual) {
  std::istringstream a{expected}, b{actual};
  std::string x, y;
  for (unsigned line = 1;; ++line) {
    const bool more_a = static_cast<bool>(std::getline(a, x)), more_b = static_cast<bool>(std::getline(b, y));
    if (!more_a && !more_b)
      return;
    if (more_a != more_b || x != y) {
      std::cout << "  line " << line << "\n   expected: " << (more_a ? x : "(end)")
                << "\n   actual:   " << (more_b ? y : "(end)") << "\n";
      return;
    }
  }
}

bool run_file(const std::filesystem::path& p, bool rewrite) {
  const std::string text = read_file(p);
  try {
    const std::string actual = play(text);
    if (actual == text)
      return true;
    if (rewrite) {
      std::ofstream{p} << actual;
      std::cout << "rewritten " << p.filename().string() << "\n";
      return true;
    }
    std::cout << "FAILED " << p.filename().string() << "\n";
    show_difference(text, actual);
  } catch (const std::exception& e) {
    std::cout << "FAILED " << p.filename().string() << ": " << e.what() << "\n";
  }
  return false;
}

} // namespace
} // namespace holdfast::raft::test

int main(int argc, char** argv) {
  bool rewrite = false;
  std::vector<std::filesystem::path> files;
  for (int i = 1; i < argc; ++i) {
    const std::filesystem::path p = argv[i];
    if (p == "--rewrite")
      rewrite = true;
    else if (!std::filesystem::is_directory(p))
      files.push_back(p);
    else
      for (const auto& f : std::filesystem::directory_iterator{p})
        if (f.path().extension() == ".txt")
          files.push_back(f.path());
  }
  std::sort(files.begin(), files.end());
  std::size_t failed = 0;
  for (const auto& f : files)
    failed += holdfast::raft::test::run_file(f, rewrite) ? 0U : 1U;
  std::cout << files.size() - failed << " of " << files.size() << " scenarios as written\n";
  return failed == 0 && !files.empty() ? 0 : 1;
}
