#include "tools/chaos/scenario_parser.hpp"

#include "tools/chaos/scenario_lexer.hpp"
#include "tools/chaos/scenario_words.hpp"

#include <algorithm>

namespace holdfast::chaos {

namespace {

constexpr std::size_t most_bytes = std::size_t{1} << 20;
constexpr unsigned most_lines = 10'000;
constexpr std::size_t deepest = 8;

class parser {
public:
  explicit parser(const std::string& file) { out_.file = file; }

  scenario run(std::string_view text) {
    if (text.size() > most_bytes)
      throw scenario_error(out_.file + ":1:1: expected at most 1 MiB of text");
    blocks_.push_back(&out_.steps);
    unsigned number = 0;
    while (!text.empty()) {
      const auto end = std::min(text.find('\n'), text.size());
      auto line = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      if (!line.empty() && line.back() == '\r')
        line.remove_suffix(1);
      if (++number > most_lines)
        throw scenario_error(out_.file + ":" + std::to_string(number) + ":1: expected at most 10000 lines");
      line_reader words(split_line(line, out_.file, number, variables_), out_.file, number);
      if (!words.done())
        take_line(words);
    }
    if (blocks_.size() > 1)
      throw scenario_error(out_.file + ":" + std::to_string(number + 1) +
                           ":1: expected 'end' of the repeat in line " + std::to_string(opened_.back()) +
                           ", found the end of the file");
    if (out_.story.empty())
      throw scenario_error(out_.file + ":1:1: expected a line: scenario \"its story\"");
    check_places(out_.steps);
    return std::move(out_);
  }

private:
  [[noreturn]] void refuse(unsigned line, const std::string& expected) const {
    throw scenario_error(out_.file + ":" + std::to_string(line) + ":1: expected " + expected);
  }

  /// Faults that the chosen place or disk cannot have.
  void check_places(const std::vector<step>& steps) const {
    const auto& c = out_.cluster;
    if (c.virtual_ip && c.place != place_kind::namespaces)
      refuse(1, "'cluster … place namespaces' for 'address virtual'");
    for (const auto& one : steps) {
      check_places(one.body);
      if (one.kind == step_kind::until && one.condition == condition_kind::address && !c.virtual_ip)
        refuse(one.line, "'cluster … address virtual' to wait for its address");
      if (one.kind == step_kind::act && needs_frames(one.act.what) && c.place != place_kind::namespaces)
        refuse(one.line, "'cluster … place namespaces' for 'unplug', 'reorder' and 'duplicate'");
      if (one.kind != step_kind::act)
        continue;
      if ((one.act.what == action_kind::fill || one.act.what == action_kind::empty) &&
          c.disk != disk_kind::small)
        refuse(one.line, "'cluster … disk small' for 'fill' and 'empty'");
      if (one.act.what == action_kind::power_cut && c.disk != disk_kind::image)
        refuse(one.line, "'cluster … disk image' for 'power-cut'");
      if ((one.act.what == action_kind::vip_delete || one.act.what == action_kind::vip_claim) &&
          !c.virtual_ip)
        refuse(one.line, "'cluster … address virtual'");
    }
  }

  void take_line(line_reader& words) {
    struct directive {
      std::string_view word;
      void (parser::*take)(line_reader&);
    };
    static constexpr directive directives[] = {{"scenario", &parser::take_scenario},
                                               {"cluster", &parser::take_cluster},
                                               {"timing", &parser::take_timing},
                                               {"workload", &parser::take_workload},
                                               {"set", &parser::take_set},
                                               {"append", &parser::take_append},
                                               {"patience", &parser::take_patience},
                                               {"let", &parser::take_let},
                                               {"at", &parser::take_at},
                                               {"wait", &parser::take_wait},
                                               {"repeat", &parser::take_repeat},
                                               {"end", &parser::take_end},
                                               {"swarm", &parser::take_swarm},
                                               {"expect", &parser::take_expect}};
    for (const auto& [word, take] : directives) {
      if (words.next_is(word)) {
        words.take_exactly(word);
        (this->*take)(words);
        words.end();
        return;
      }
    }
    take_act(words);
    words.end();
  }

  step& add(step_kind kind, const line_reader& words) {
    auto& fresh = blocks_.back()->emplace_back();
    fresh.kind = kind;
    fresh.line = words.number();
    return fresh;
  }

  void take_scenario(line_reader& words) { out_.story = words.take("the story in quotes"); }

  void take_cluster(line_reader& words) {
    auto& c = out_.cluster;
    while (!words.done()) {
      const auto what = words.take_one_of("members|observers|place|address|disk|log-limit|unsafe");
      if (what == "members")
        c.members = words.take_number(1, 7);
      else if (what == "observers")
        c.observers = words.take_number(0, 6);
      else if (what == "place")
        c.place = words.take_one_of("loopback|namespaces") == "loopback" ? place_kind::loopback
                                                                         : place_kind::namespaces;
      else if (what == "address")
        c.virtual_ip = words.take_one_of("virtual|load-balanced") == "virtual";
      else if (what == "log-limit")
        c.log_limit_kib = words.take_number(64, 1024 * 1024, "KiB");
      else if (what == "unsafe")
        c.unsafe = words.take_one_of("skip-fsync|stale-read|double-vote");
      else
        take_disk(words);
    }
    if (c.observers >= c.members)
      words.fail_at_last("fewer observers than members");
  }

  void take_disk(line_reader& words) {
    auto& c = out_.cluster;
    const auto kind = words.take_one_of("plain|small|image");
    c.disk = kind == "plain" ? disk_kind::plain : kind == "small" ? disk_kind::small : disk_kind::image;
    if (c.disk != disk_kind::plain)
      c.disk_mib = words.take_number(16, 1024, "MiB");
  }

  void take_timing(line_reader& words) {
    while (!words.done()) {
      const auto what = words.take_one_of("heartbeat|election|lease");
      auto& into = what == "heartbeat"  ? out_.cluster.heartbeat
                   : what == "election" ? out_.cluster.election
                                        : out_.cluster.lease;
      into = words.take_time();
    }
  }

  void take_workload(line_reader& words) {
    auto& w = out_.workload;
    w.clients = 8;
    while (!words.done()) {
      const auto what = words.take_one_of("clients|keys|rate|put|conditional|get|list|delete");
      if (what == "clients")
        w.clients = words.take_number(1, 256);
      else if (what == "keys")
        w.keys = words.take_number(1, 1000);
      else if (what == "rate")
        w.rate = words.take_number(0, 100'000);
      else
        (what == "put"           ? w.put
         : what == "conditional" ? w.conditional
         : what == "get"         ? w.get
         : what == "list"        ? w.list
                                 : w.remove) = words.take_number(0, 100);
    }
    if (w.put + w.conditional + w.get + w.list + w.remove == 0)
      words.fail("a share of put, conditional, get, list or delete");
  }

  void take_adders(line_reader& words, adders_spec& into) {
    into.clients = 1;
    while (!words.done()) {
      if (words.take_one_of("clients|rate") == "clients")
        into.clients = words.take_number(1, 64);
      else
        into.rate = words.take_number(0, 10'000);
    }
  }
  void take_set(line_reader& words) { take_adders(words, out_.set); }
  void take_append(line_reader& words) { take_adders(words, out_.append); }

  void take_patience(line_reader& words) { out_.patience = words.take_time(); }

  void take_let(line_reader& words) {
    const auto name = words.take("the variable's name");
    const bool plain = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    });
    if (!plain)
      words.fail_at_last("a name of letters, digits and _");
    words.take_exactly("=");
    variables_[name] = words.take("the variable's value");
  }

  void take_at(line_reader& words) {
    auto& fresh = add(step_kind::at, words);
    fresh.time = words.take_time();
    if (!words.done())
      take_act(words);
  }

  void take_wait(line_reader& words) {
    if (!words.next_is("for")) {
      add(step_kind::wait, words).time = words.take_time();
      return;
    }
    words.take_exactly("for");
    const auto what = words.take_one_of(condition_words());
    words.take_exactly("within");
    auto& fresh = add(step_kind::until, words);
    fresh.condition = find_condition(what);
    fresh.time = words.take_time();
  }

  void take_repeat(line_reader& words) {
    if (blocks_.size() > deepest)
      words.fail_at_last("repeats at most 8 deep");
    auto& fresh = add(step_kind::repeat, words);
    fresh.times = words.take_number(1, 10'000);
    blocks_.push_back(&fresh.body);
    opened_.push_back(words.number());
  }

  void take_end(line_reader& words) {
    if (blocks_.size() == 1)
      words.fail_at_last("a repeat before this");
    blocks_.pop_back();
    opened_.pop_back();
  }

  void take_swarm(line_reader& words) {
    auto& fresh = add(step_kind::swarm, words);
    words.take_exactly("for");
    fresh.swarm.length = words.take_time();
    words.take_exactly("every");
    fresh.swarm.shortest = words.take_time();
    words.take_exactly("to");
    fresh.swarm.longest = words.take_time();
    if (fresh.swarm.longest < fresh.swarm.shortest || fresh.swarm.longest < milliseconds{10})
      words.fail_at_last("a longest time of 10ms at least and not below the shortest");
    words.take_exactly("of");
    std::string choices;
    for (const auto fault : swarm_faults())
      choices += (choices.empty() ? "" : "|") + std::string(fault);
    do
      fresh.swarm.faults.push_back(words.take_one_of(choices));
    while (!words.done());
  }

  void take_expect(line_reader& words) {
    expectation fresh;
    fresh.line = words.number();
    const auto what = words.take_one_of("failover|acknowledged|no-failed-request|violation");
    if (what == "failover") {
      fresh.kind = expectation_kind::failover_below;
      words.take_exactly("below");
      fresh.time = words.take_time();
    } else if (what == "acknowledged") {
      words.take_exactly("at-least");
      fresh.number = words.take_number(1, 100'000'000);
    } else if (what == "violation") {
      fresh.kind = expectation_kind::violation;
      words.take_exactly("of");
      fresh.word = words.take_one_of("linearizable|no-lost-write|any");
    } else {
      fresh.kind = expectation_kind::no_failed;
    }
    out_.expectations.push_back(fresh);
  }

  void take_act(line_reader& words) {
    const auto name = words.take("an action");
    const auto* row = find_action(name);
    if (!row)
      words.fail_at_last("an action or a setting ('holdfast-chaos words' lists them)");
    action act;
    act.what = row->what;
    act.line = words.number();
    std::size_t from = 0;
    while (from < row->form.size()) {
      const auto end = std::min(row->form.find(' ', from), row->form.size());
      take_argument(words, row->form.substr(from, end - from), act);
      from = end + 1;
    }
    add(step_kind::act, words).act = act;
  }

  static void take_argument(line_reader& words, std::string_view part, action& act) {
    if (part == "WHO")
      act.who = words.take_target();
    else if (part == "OTHER")
      act.other = words.take_target();
    else if (part == "TIME")
      act.time = words.take_time();
    else if (part == "SIGNED-TIME")
      act.time = words.take_time(true);
    else if (part == "PERCENT")
      act.amount = words.take_number(1, 100, "%");
    else if (part == "KBIT")
      act.amount = words.take_number(1, 10'000'000, "kbit");
    else if (part == "NAME")
      act.name = words.take("an actor's name");
    else if (part.find('|') != std::string_view::npos)
      act.word = words.take_one_of(part);
    else
      words.take_exactly(part);
  }

  scenario out_;
  variables variables_;
  std::vector<std::vector<step>*> blocks_;
  std::vector<unsigned> opened_;
};

} // namespace

scenario parse_scenario(std::string_view text, const std::string& file) {
  return parser{file}.run(text);
}

} // namespace holdfast::chaos
