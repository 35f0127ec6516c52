// Shell completion: a script made from the command tree itself, so that it cannot fall behind.
#include "tools/holdfast/commands.hpp"

#include <ostream>

namespace holdfast::cli {

namespace {

void collect(const CLI::App& app, const std::string& path, std::string& cases) {
  std::string words;
  for (const auto* child : app.get_subcommands([](const CLI::App*) { return true; })) {
    words += child->get_name() + " ";
    collect(*child, path + " " + child->get_name(), cases);
  }
  for (const auto* option : app.get_options()) {
    for (const auto& name : option->get_lnames()) {
      words += "--" + name + " ";
    }
  }
  cases += "    '" + path + "') words='" + words + "' ;;\n";
}

constexpr const char* bash_head = R"(_holdfast() {
  local current="${COMP_WORDS[COMP_CWORD]}" path=holdfast words= word
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) path="$path $word" ;; esac
  done
  case "$path" in
)";
constexpr const char* bash_tail = R"(  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _holdfast holdfast
)";

} // namespace

void add_completion_command(CLI::App& app, context& c) {
  auto* group = app.add_subcommand("completion", "print a completion script for a shell");
  group->require_subcommand(1);
  auto* root = &app;
  const auto print = [root, &c] {
    std::string cases;
    collect(*root, "holdfast", cases);
    *c.out << bash_head << cases << bash_tail;
  };
  group->add_subcommand("bash", "source <(holdfast completion bash)")->callback(print);
  group->add_subcommand("zsh", "source <(holdfast completion zsh)")->callback([print, &c] {
    *c.out << "autoload -U +X bashcompinit && bashcompinit\n";
    print();
  });
}

} // namespace holdfast::cli
