// users password|token|passwordhash, and the jobs verbs.
#include "tools/holdfast/commands.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <array>
#include <ostream>

namespace holdfast::cli {

namespace {

std::string hex(const unsigned char* bytes, std::size_t size) {
  std::string out;
  for (std::size_t i = 0; i < size; ++i) {
    out += fmt::format("{:02x}", bytes[i]);
  }
  return out;
}

/// `N$r$p$salthex$keyhex` with the client's defaults (contract §1.2); made here, nothing is sent.
std::string password_hash(const std::string& password) {
  constexpr std::uint64_t n = 16384;
  constexpr std::uint64_t r = 8;
  constexpr std::uint64_t p = 1;
  constexpr std::uint64_t memory = 64ULL * 1024 * 1024;
  std::array<unsigned char, 16> salt{};
  std::array<unsigned char, 32> key{};
  if (RAND_bytes(salt.data(), salt.size()) != 1 ||
      EVP_PBE_scrypt(password.data(), password.size(), salt.data(), salt.size(), n, r, p, memory, key.data(),
                     key.size()) != 1) {
    throw failure{"cannot compute the hash: OpenSSL refused"};
  }
  return fmt::format("{}${}${}${}${}", n, r, p, hex(salt.data(), salt.size()), hex(key.data(), key.size()));
}

} // namespace

void add_user_commands(CLI::App& group, context& c) {
  struct user_words {
    std::string id;
    std::string password;
    std::vector<std::string> rest;
  };
  auto p = std::make_shared<user_words>();
  auto* password = group.add_subcommand("password", "set a user's password; tokens given out before die");
  password->add_option("id", p->id, "the user's name")->required();
  password->add_option("password", p->password, "the new password")->required();
  password->callback([p, &c] {
    document body{rapidjson::kObjectType};
    body.AddMember("Password", value{p->password.c_str(), body.GetAllocator()}, body.GetAllocator());
    c.print(c.server().send("PUT", join("users", join(p->id, "password")), to_compact(body)));
  });

  auto h = std::make_shared<user_words>();
  auto* hash = group.add_subcommand("passwordhash", "print the hash of a password, for content packs");
  hash->add_option("password", h->password)->required();
  hash->callback([h, &c] { *c.out << password_hash(h->password) << "\n"; });

  auto t = std::make_shared<user_words>();
  auto* token = group.add_subcommand("token", "get a token: USER [ttl T] [scope S] [action A] [specific X]");
  token->add_option("id", t->id, "the user's name")->required();
  token->add_option("words", t->rest, "pairs of ttl, scope, action, specific, roles and a value");
  token->callback([t, &c] {
    query q;
    if (t->rest.size() % 2 != 0) {
      throw CLI::ValidationError("words", "expected pairs such as: ttl 1h");
    }
    for (std::size_t i = 0; i < t->rest.size(); i += 2) {
      const std::string& name = t->rest[i];
      if (name != "ttl" && name != "scope" && name != "action" && name != "specific" && name != "roles") {
        throw CLI::ValidationError("words", "unknown word " + name);
      }
      q.emplace_back(name, t->rest[i + 1]);
    }
    c.print(c.server().get(join("users", join(t->id, "token")), std::move(q)));
  });
}

void add_job_commands(CLI::App& group, context& c) {
  struct job_words {
    std::string id;
    std::string log;
    std::string os;
  };
  auto n = std::make_shared<job_words>();
  auto* create = group.add_subcommand("create", "create a job from JSON or YAML");
  create->add_option("job", n->id, "JSON, YAML, a file or -")->required();
  create->callback([n, &c] { c.print(c.server().send("POST", "jobs", to_compact(read_argument(n->id)))); });

  auto l = std::make_shared<job_words>();
  auto* log = group.add_subcommand("log", "print a job's log, or append a file (or -) to it");
  log->add_option("id", l->id)->required();
  log->add_option("file", l->log);
  log->callback([l, &c] {
    request what;
    what.path = join("jobs", join(l->id, "log"));
    if (l->log.empty()) {
      c.server().download(std::move(what), [&c](std::string_view bytes) { *c.out << bytes; });
      return;
    }
    what.method = "PUT";
    what.content_type = "application/octet-stream";
    what.body = read_bytes(l->log);
    c.server().call(std::move(what));
    *c.out << "Success\n";
  });

  auto a = std::make_shared<job_words>();
  auto* actions = group.add_subcommand("actions", "the task list of a job");
  actions->add_option("id", a->id)->required();
  actions->add_option("os", a->os, "only for this operating system");
  actions->callback([a, &c] {
    query q;
    if (!a->os.empty()) {
      q.emplace_back("os", a->os);
    }
    c.print(c.server().get(join("jobs", join(a->id, "actions")), std::move(q)));
  });

  group.add_subcommand("purge", "delete old jobs as the preferences say")->callback([&c] {
    c.print(c.server().send("DELETE", "jobs", ""));
  });
}

} // namespace holdfast::cli
