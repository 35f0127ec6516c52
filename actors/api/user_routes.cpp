#include "actors/api/json_value.hpp"
#include "actors/api/object_writes.hpp"
#include "actors/api/password_hash.hpp"
#include "actors/api/prefs.hpp"
#include "actors/api/system_json.hpp"
#include "actors/api/system_services.hpp"
#include "actors/api/time_span.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace holdfast::api {

namespace {

using boost::asio::awaitable;

constexpr std::int64_t ms_per_s = 1000;
constexpr int most_attempts = 8;
constexpr std::size_t user_secret_size = 32;

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto comma = text.find(',');
    if (comma != 0)
      out.emplace_back(text.substr(0, comma));
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
  }
  return out;
}

std::int64_t life_seconds(const request_context& ctx, const msg::object_view& view) {
  const auto given = ctx.head().query_value("ttl");
  if (!given || given->empty()) {
    constexpr std::int64_t hour = 3600;
    const auto pref = read_prefs(view).at("knownTokenTimeout");
    std::int64_t seconds = hour;
    std::from_chars(pref.data(), pref.data() + pref.size(), seconds);
    return seconds;
  }
  const auto span = parse_span(*given, std::chrono::seconds(1));
  if (!span)
    throw api_error({std::string(ctx.path.substr(0, ctx.path.find('/'))),
                     std::string(ctx.param("id")),
                     ctx.head().method_name,
                     {"strconv.ParseInt: parsing " + json::quoted(*given) + ": invalid syntax"},
                     400});
  return std::chrono::ceil<std::chrono::seconds>(*span).count();
}

/// The restriction of the new token. Whoever comes with a restricted token gets no less restricted one.
restriction wanted_restriction(const request_context& ctx) {
  const auto query = [&](std::string_view name) {
    return std::string(ctx.head().query_value(name).value_or(""));
  };
  restriction out{query("scope"), query("action"), query("specific"), split_list(query("roles"))};
  const auto* asker = dynamic_cast<const user_identity*>(ctx.who.get());
  if (asker == nullptr || asker->limits().none())
    return out;
  const auto& limits = asker->limits();
  const auto narrow = [&](std::string& mine, const std::string& theirs, const char* what) {
    if (theirs.empty() || mine == theirs)
      return;
    if (!mine.empty())
      throw api_error(claim_missing(ctx.head().target, what, "*", "*"));
    mine = theirs;
  };
  narrow(out.scope, limits.scope, "scope");
  narrow(out.action, limits.action, "action");
  narrow(out.specific, limits.specific, "specific");
  if (!limits.roles.empty()) {
    if (out.roles.empty())
      out.roles = limits.roles;
    std::erase_if(out.roles, [&](const std::string& role) {
      return std::find(limits.roles.begin(), limits.roles.end(), role) == limits.roles.end();
    });
    if (out.roles.empty())
      throw api_error(claim_missing(ctx.head().target, "roles", "*", "*"));
  }
  return out;
}

/// Issues a token for its holder: a user, or a machine.
awaitable<net::http_response> issue(request_context& ctx, system_services& with, msg::view_ptr view,
                                    user_record holder, restriction limits) {
  const auto seconds = life_seconds(ctx, *view);
  const auto secrets = read_secrets(*view);
  const auto& asker = ctx.who->name();
  const auto grantor = asker.starts_with(machine_holder)
                           ? read_machine_holder(*view, std::string_view(asker).substr(machine_holder.size()))
                           : read_user(*view, asker);
  if (secrets.base_token.empty() || !grantor)
    throw api_error(unavailable(ctx.head().method_name, "Not serving: no token secret yet"));
  token_claims claims;
  claims.user = holder.name;
  claims.grantor = grantor->name;
  claims.issued_s = with.shared.now().ms / ms_per_s;
  claims.expires_s = claims.issued_s + seconds;
  claims.user_ref = secret_reference(secrets, holder.name, holder.secret);
  claims.grantor_ref = grantor_reference(secrets, grantor->name, grantor->secret);
  claims.scope = limits.scope;
  claims.action = limits.action;
  claims.specific = limits.specific;
  claims.roles = limits.roles;
  const auto status = co_await with.node.status();
  const auto vip = co_await with.node.vip();
  const auto info =
      info_json(with.node.facts(), *with.node.ha_state(), status.value_or(msg::consensus_status{}), vip,
                view.get(), with.node.license(*view));
  co_return json_response("{\"Token\":" + json::quoted(issue_token(secrets, claims)) + ",\"Info\":" + info +
                          "}");
}

awaitable<net::http_response> get_token(request_context& ctx, system_services& with) {
  const auto name = ctx.param("id");
  // A login must work on every member, also without a quorum, and writes nothing: whether the token is good
  // is judged where it is used.
  auto view = co_await ctx.view(msg::consistency::local);
  auto user = read_user(*view, name);
  if (!user || ctx.who->hidden(users_prefix, name))
    throw api_error(not_found(ctx.head().method_name, users_prefix, name));
  auto limits = wanted_restriction(ctx);
  auto answer = co_await issue(ctx, with, std::move(view), std::move(*user), std::move(limits));
  if (ctx.shared->announce)
    ctx.shared->announce("token", name, ctx.who->name());
  co_return answer;
}

/// Contract §1.2: what the agent on a machine works with. Its rights are the machine's, whoever asked.
awaitable<net::http_response> get_machine_token(request_context& ctx, system_services& with) {
  const auto id = ctx.param("id");
  auto view = co_await ctx.view();
  const auto key = locate(*find_prefix("machines"), id, *view);
  auto machine = key ? read_machine_holder(*view, *key) : std::nullopt;
  if (!machine || ctx.who->hidden("machines", *key))
    throw api_error(not_found(ctx.head().method_name, "machines", id));
  auto limits = wanted_restriction(ctx);
  co_return co_await issue(ctx, with, std::move(view), std::move(*machine), std::move(limits));
}

std::string read_password(const request_context& ctx, std::string_view body) {
  json::document doc;
  if (const auto why = json::parse(body, doc))
    throw api_error(undecodable(ctx.head().method_name, *why));
  auto* value = json::member_folded(doc, "Password");
  if (value == nullptr || !value->IsString() || json::text(*value).empty())
    throw api_error(
        {"users", std::string(ctx.param("id")), "ValidationError", {"Password must not be empty"}, 422});
  return std::string(json::text(*value));
}

/// One attempt over one view: the user with a new secret, which ends every token, and the new hash.
msg::transaction password_transaction(const msg::object_view& view, const user_record& user,
                                      const std::string& hash, std::string& answer) {
  json::document doc;
  if (json::parse(user.object->json, doc))
    throw std::runtime_error("a stored user does not parse");
  json::set_member(doc, "Secret", json::make_text(random_text(user_secret_size), doc.GetAllocator()),
                   doc.GetAllocator());
  answer = json::compact(doc);
  const auto old_hash = view.get(passwords_prefix, user.name);
  msg::transaction tx;
  tx.preconditions.push_back(
      {std::string(users_prefix), user.name, msg::expectation::revision, user.object->rev});
  tx.preconditions.push_back({std::string(passwords_prefix), user.name,
                              old_hash ? msg::expectation::revision : msg::expectation::absent,
                              old_hash ? old_hash->rev : msg::revision{}});
  tx.mutations.push_back({std::string(users_prefix), user.name, answer});
  tx.mutations.push_back({std::string(passwords_prefix), user.name, password_json(hash)});
  tx.answer = {200, answer};
  return tx;
}

awaitable<net::http_response> put_password(request_context& ctx, system_services& with) {
  const std::string name(ctx.param("id"));
  constexpr std::size_t largest_body = 8192;
  const auto password = read_password(ctx, co_await ctx.json_body(largest_body));
  auto view = co_await ctx.view();
  if (!read_user(*view, name) || ctx.who->hidden(users_prefix, name))
    throw api_error(not_found(ctx.head().method_name, users_prefix, name));
  auto make_hash = [password] { return hash_password(password); };
  const auto hash = co_await with.auth.run_blocking(std::move(make_hash));
  if (const auto key = ctx.idempotency_key(); !key.empty()) {
    auto make_digest = [password, salt = ctx.who->name() + '/' + key] { return slow_digest(password, salt); };
    ctx.body_digest = co_await with.auth.run_blocking(std::move(make_digest));
  }
  for (int attempt = 0; attempt < most_attempts; ++attempt) {
    view = co_await ctx.view();
    const auto user = read_user(*view, name);
    if (!user)
      throw api_error(not_found(ctx.head().method_name, users_prefix, name));
    std::string answer;
    const auto result = co_await ctx.write(password_transaction(*view, *user, hash, answer));
    if (result.status == msg::write_status::conflict)
      continue;
    // The change comes back through the feed too, but a reply must not outrun it.
    with.auth.forget();
    if (result.status == msg::write_status::repeated)
      co_return json_response(result.answer.body, result.answer.status);
    co_return json_response(std::move(answer));
  }
  throw api_error(unavailable(ctx.head().method_name, "The user keeps changing; try again"));
}

} // namespace

void add_user_routes(router& into, system_services& with) {
  into.add({net::http_method::get, "users/{id}/token", access::claim, "users", "token", "id",
            bind_handler(get_token, with)});
  into.add({net::http_method::get, "machines/{id}/token", access::claim, "machines", "token", "id",
            bind_handler(get_machine_token, with)});
  into.add({net::http_method::put, "users/{id}/password", access::claim, "users", "password", "id",
            bind_handler(put_password, with)});
}

} // namespace holdfast::api
