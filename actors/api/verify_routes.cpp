// system/consensus/verify: the log's digest of this node, so that members can be compared while they run
// (WAL-09).
#include "actors/api/system_json.hpp"
#include "actors/api/system_services.hpp"
#include "messages/digested_view.hpp"

#include <fmt/format.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <charconv>

namespace holdfast::api {

namespace {

std::uint64_t index_of(request_context& ctx) {
  const auto text = ctx.head().query_value("index");
  if (!text)
    return 0;
  std::uint64_t index = 0;
  const auto [end, bad] = std::from_chars(text->data(), text->data() + text->size(), index);
  if (bad != std::errc{} || end != text->data() + text->size())
    throw api_error({"system",
                     "verify",
                     ctx.head().method_name,
                     {"index must be a log index, not '" + std::string(*text) + "'"},
                     406});
  return index;
}

std::string digest_json(const msg::log_digest& digest, const msg::object_view* state,
                        const std::string& consensus_id) {
  rapidjson::StringBuffer out;
  rapidjson::Writer<rapidjson::StringBuffer> json(out);
  const auto number = [&json](const char* key, std::uint64_t value) {
    json.Key(key);
    json.Uint64(value);
  };
  json.StartObject();
  json.Key("ConsensusID");
  json.String(consensus_id.c_str());
  number("Index", digest.asked_index);
  json.Key("Chain");
  json.String(digest.error.empty() ? fmt::format("{:08x}", digest.chain).c_str() : "");
  json.Key("Error");
  json.String(digest.error.c_str());
  number("Generation", digest.generation);
  number("BaseIndex", digest.base_index);
  number("BaseTerm", digest.base_term);
  number("BaseBytes", digest.base_bytes);
  number("FirstIndex", digest.first_index);
  number("LastIndex", digest.last_index);
  number("SyncedIndex", digest.synced_index);
  number("LogBytes", digest.log_bytes);
  number("Syncs", digest.syncs);
  number("LongestSyncUs", digest.longest_sync_us);
  if (const auto* digested = dynamic_cast<const msg::digested_view*>(state)) {
    number("StateIndex", state->applied_index());
    json.Key("StateHash");
    const auto hash = digested->digest();
    json.String(fmt::format("{:016x}{:016x}", hash.commands, hash.contents).c_str());
  }
  json.EndObject();
  return out.GetString();
}

boost::asio::awaitable<net::http_response> get_verify(request_context& ctx, system_services& with) {
  const auto index = index_of(ctx);
  const auto digest = co_await with.node.digest(index);
  if (!digest)
    throw api_error(unavailable(ctx.head().method_name, "the log's writer does not answer"));
  const auto state = co_await with.shared.store.read(msg::consistency::local);
  co_return json_response(digest_json(*digest, state.view.get(), with.node.ha_state()->consensus_id));
}

} // namespace

void add_verify_routes(router& into, system_services& with) {
  into.add({net::http_method::get, "system/consensus/verify", access::user, "", "", "",
            bind_handler(get_verify, with)});
}

} // namespace holdfast::api
