#include "actors/api/router.hpp"

#include "messages/log_line.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <stdexcept>

namespace holdfast::api {

namespace {

constexpr std::string_view api_root = "/api/v3/";
/// More segments than any key has; what is longer is no route. Bounds the search of greedy names.
constexpr std::size_t most_segments = 64;

std::string_view first_segment(std::string_view path) {
  return path.substr(0, path.find('/'));
}

} // namespace

router::router(services& shared, authenticator& auth) : shared_(shared), auth_(auth) {}

std::vector<router::segment> router::compile(std::string_view pattern) {
  std::vector<segment> out;
  std::string_view rest = pattern.starts_with('/') ? pattern.substr(1) : pattern;
  while (!rest.empty()) {
    auto part = first_segment(rest);
    rest.remove_prefix(std::min(part.size() + 1, rest.size()));
    segment made;
    if (part.starts_with('{') != part.ends_with('}') || part.empty())
      throw std::invalid_argument("bad route pattern: " + std::string(pattern));
    if (part.starts_with('{')) {
      part = part.substr(1, part.size() - 2);
      made.what = part.ends_with('*') ? segment::kind::greedy : segment::kind::one;
      if (part.ends_with('*'))
        part.remove_suffix(1);
      if (part.empty())
        throw std::invalid_argument("nameless part in route pattern: " + std::string(pattern));
    }
    made.text = part;
    out.push_back(std::move(made));
  }
  if (out.empty())
    throw std::invalid_argument("empty route pattern");
  return out;
}

void router::add(route entry) {
  auto made = std::make_unique<compiled>();
  made->segments = compile(entry.pattern);
  made->entry = std::move(entry);
  const auto& head = made->segments.front();
  const bool outside = made->entry.pattern.starts_with('/');
  const auto more_special = [](const compiled* left, const compiled* right) {
    const auto& a = left->segments;
    const auto& b = right->segments;
    for (std::size_t i = 0; i < a.size() && i < b.size(); ++i) {
      if (a[i].what != b[i].what)
        return a[i].what < b[i].what;
    }
    return a.size() > b.size();
  };
  auto& bucket =
      head.what == segment::kind::literal ? by_first_[outside ? "/" + head.text : head.text] : any_first_;
  bucket.insert(std::upper_bound(bucket.begin(), bucket.end(), made.get(), more_special), made.get());
  routes_.push_back(std::move(made));
}

void router::add(net::http_method method, std::string pattern, plain_handler run) {
  route entry;
  entry.method = method;
  entry.pattern = std::move(pattern);
  entry.run = std::move(run);
  add(std::move(entry));
}

bool router::matches(const std::vector<segment>& pattern, std::size_t at, std::string_view rest,
                     path_params& params) {
  for (; at < pattern.size(); ++at) {
    const auto& want = pattern[at];
    if (rest.empty())
      return false;
    if (want.what == segment::kind::greedy) {
      if (at + 1 == pattern.size()) {
        params.set(want.text, rest);
        return true;
      }
      const auto mark = params.count();
      for (auto end = rest.find('/'); end != std::string_view::npos; end = rest.find('/', end + 1)) {
        params.set(want.text, rest.substr(0, end));
        if (matches(pattern, at + 1, rest.substr(end + 1), params))
          return true;
        params.truncate(mark);
      }
      return false;
    }
    const auto part = first_segment(rest);
    if (part.empty() || (want.what == segment::kind::literal && part != want.text))
      return false;
    if (want.what == segment::kind::one)
      params.set(want.text, part);
    rest.remove_prefix(std::min(part.size() + 1, rest.size()));
  }
  return rest.empty();
}

void router::look(const std::vector<const compiled*>& bucket, net::http_method method, std::string_view rest,
                  match& out) const {
  for (const auto* candidate : bucket) {
    const bool right = candidate->entry.method == method;
    if (!right && out.path_known)
      continue;
    path_params params;
    if (!matches(candidate->segments, 0, rest, params))
      continue;
    out.path_known = true;
    if (right) {
      out.found = &candidate->entry;
      out.params = params;
      return;
    }
  }
}

router::match router::find(net::http_method method, std::string_view path) const {
  match out;
  const bool inside = path.starts_with(api_root);
  auto rest = inside ? path.substr(api_root.size()) : path.substr(path.starts_with('/') ? 1 : 0);
  while (rest.ends_with('/'))
    rest.remove_suffix(1);
  if (rest.empty() || static_cast<std::size_t>(std::count(rest.begin(), rest.end(), '/')) >= most_segments)
    return out;
  const auto head = first_segment(rest);
  const auto bucket = inside ? by_first_.find(head) : by_first_.find("/" + std::string(head));
  const auto try_method = [&](net::http_method wanted) {
    if (bucket != by_first_.end())
      look(bucket->second, wanted, rest, out);
    if (out.found == nullptr && inside)
      look(any_first_, wanted, rest, out);
  };
  try_method(method);
  if (out.found == nullptr && method == net::http_method::head)
    try_method(net::http_method::get);
  return out;
}

std::vector<const route*> router::table() const {
  std::vector<const route*> out;
  out.reserve(routes_.size());
  for (const auto& one : routes_)
    out.push_back(&one->entry);
  return out;
}

void router::check_rights(const route& found, const request_context& ctx) {
  if (found.need == access::claim)
    ctx.require(found.scope.empty() ? ctx.param("prefix") : std::string_view(found.scope), found.action,
                found.specific.empty() ? std::string_view() : ctx.param(found.specific));
  else if (found.need == access::superuser && !(ctx.who && ctx.who->superuser()))
    throw api_error(claim_missing(ctx.head().target, "*", "*", "*"));
}

boost::asio::awaitable<void> router::handle(std::shared_ptr<net::http_exchange> exchange) {
  const auto& head = exchange->head();
  net::http_response answer;
  bool answering = false; // a raw handler has the exchange
  try {
    request_context ctx;
    ctx.exchange = exchange;
    ctx.shared = &shared_;
    ctx.path = head.path;
    if (ctx.path.starts_with(api_root))
      ctx.path.remove_prefix(api_root.size());
    while (ctx.path.ends_with('/'))
      ctx.path.remove_suffix(1);
    auto hit = find(head.method, head.path);
    ctx.params = hit.params;
    // Who may not come in does not learn either which routes exist.
    if (hit.found == nullptr || hit.found->need != access::open) {
      const bool in_query = hit.found != nullptr && hit.found->token_in_query;
      ctx.who = auth_.cached(head);
      if (!ctx.who)
        ctx.who = co_await auth_.authenticate(head, in_query);
    }
    if (hit.found == nullptr)
      throw api_error(hit.path_known ? method_not_allowed(head.method_name, head.target)
                                     : no_route(head.method_name, head.path));
    check_rights(*hit.found, ctx);
    if (const auto token = head.header("x-log-token"); !token.empty())
      trace(head, ctx, token);
    if (const auto* raw = std::get_if<raw_handler>(&hit.found->run)) {
      answering = true;
      co_await raw->run(ctx);
      co_return;
    }
    answer = co_await std::get<plain_handler>(hit.found->run)(ctx);
  } catch (const api_error& refusal) {
    answer = to_response(refusal.body());
  } catch (const std::exception& failure) {
    // The text stays in the log: it may hold what the client must not see.
    spdlog::error("{}", msg::log_line("handler_failed")
                            .with("method", head.method_name)
                            .with("path", head.path)
                            .with("reason", failure.what())
                            .str());
    if (answering)
      throw;
    answer = to_response(handler_failed(head.method_name, head.path));
  }
  co_await exchange->respond(std::move(answer));
}

/// A client that sets X-Log-Token wants to find its request in the log: it is told at the level it asked for.
void router::trace(const net::http_head& head, request_context& ctx, std::string_view token) {
  constexpr std::size_t longest = 128;
  ctx.correlation = token.substr(0, longest);
  auto level = spdlog::level::from_str(std::string(head.header("x-log-request")));
  if (level == spdlog::level::off)
    level = spdlog::level::info;
  spdlog::log(level, "{}",
              msg::log_line("request")
                  .with("token", ctx.correlation)
                  .with("method", head.method_name)
                  .with("path", head.path)
                  .with("principal", ctx.who ? ctx.who->name() : std::string())
                  .str());
}

} // namespace holdfast::api
