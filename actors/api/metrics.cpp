#include "actors/api/metrics.hpp"

#include "actors/api/prefix_table.hpp"

#include <unistd.h>

#include <cstdio>
#include <fstream>

namespace holdfast::api {

namespace {

class text_writer {
public:
  void head(std::string_view name, std::string_view kind, std::string_view help) {
    out_ += "# HELP ";
    out_ += name;
    out_ += ' ';
    out_ += help;
    out_ += "\n# TYPE ";
    out_ += name;
    out_ += ' ';
    out_ += kind;
    out_ += '\n';
  }
  void value(std::string_view name, std::string_view label, std::string_view label_value,
             std::string number) {
    out_ += name;
    if (!label.empty()) {
      out_ += '{';
      out_ += label;
      out_ += "=\"";
      for (const char c : label_value) {
        if (c == '"' || c == '\\')
          out_ += '\\';
        out_ += c == '\n' ? ' ' : c;
      }
      out_ += "\"}";
    }
    out_ += ' ';
    out_ += number;
    out_ += '\n';
  }
  void single(std::string_view name, std::string_view kind, std::string_view help, std::uint64_t number) {
    head(name, kind, help);
    value(name, "", "", std::to_string(number));
  }
  [[nodiscard]] std::string take() { return std::move(out_); }

private:
  std::string out_;
};

std::string seconds(std::uint64_t ns) {
  char text[40];
  constexpr std::uint64_t ns_per_s = 1000000000;
  const int size =
      std::snprintf(text, sizeof text, "%llu.%09llu", static_cast<unsigned long long>(ns / ns_per_s),
                    static_cast<unsigned long long>(ns % ns_per_s));
  return {text, static_cast<std::size_t>(size)};
}

void write_actors(text_writer& out, const std::vector<msg::actor_row>& rows) {
  struct column {
    const char* name;
    const char* kind;
    const char* help;
    std::string (*read)(const msg::actor_row&);
  };
  const column columns[] = {
      {"holdfast_actor_messages_total", "counter", "Messages handled.",
       [](const msg::actor_row& row) { return std::to_string(row.messages); }},
      {"holdfast_actor_busy_seconds_total", "counter", "Time spent in handlers.",
       [](const msg::actor_row& row) { return seconds(row.busy_ns); }},
      {"holdfast_actor_longest_seconds", "gauge", "Longest single message.",
       [](const msg::actor_row& row) { return seconds(row.longest_ns); }},
      {"holdfast_actor_mailbox", "gauge", "Messages waiting.",
       [](const msg::actor_row& row) { return std::to_string(row.mailbox); }},
      {"holdfast_actor_restarts_total", "counter", "Restarts.",
       [](const msg::actor_row& row) { return std::to_string(row.restarts); }},
      {"holdfast_actor_up", "gauge", "1 while the actor runs.",
       [](const msg::actor_row& row) { return std::string(row.state == "running" ? "1" : "0"); }},
  };
  for (const auto& one : columns) {
    out.head(one.name, one.kind, one.help);
    for (const auto& row : rows)
      out.value(one.name, "actor", row.name, one.read(row));
  }
}

void write_consensus(text_writer& out, const msg::consensus_status& status) {
  const bool leader = !status.leader_id.empty() && status.leader_id == status.node_id;
  const bool active = !status.active_id.empty() && status.active_id == status.node_id;
  out.single("holdfast_consensus_term", "gauge", "Current term.", status.term);
  out.single("holdfast_consensus_last_index", "gauge", "Last log index.", status.last_index);
  out.single("holdfast_consensus_durable_index", "gauge", "Last index on this node's disk.",
             status.durable_index);
  out.single("holdfast_consensus_commit_index", "gauge", "Last committed index.", status.commit_index);
  out.single("holdfast_consensus_applied_index", "gauge", "Last applied index.", status.applied_index);
  out.single("holdfast_consensus_members", "gauge", "Members known.", status.members.size());
  out.single("holdfast_consensus_leader", "gauge", "1 on the leader.", leader ? 1 : 0);
  out.single("holdfast_active", "gauge", "1 on the active node.", active ? 1 : 0);
}

void write_vip(text_writer& out, const msg::vip_status& vip) {
  const auto flag = [&out](const char* name, const char* help, bool on) {
    out.single(name, "gauge", help, on ? 1 : 0);
  };
  flag("holdfast_vip_holding", "1 while the virtual address is on this node.", vip.holding);
  flag("holdfast_vip_guard_ready", "1 while the guard stands and has what it needs.", vip.guard_ready);
  flag("holdfast_vip_link_up", "1 while the interface is up and has a carrier.", vip.link_up);
  flag("holdfast_vip_fit", "1 while nothing keeps this node from carrying the address.", vip.trouble.empty());
  out.single("holdfast_vip_epoch", "gauge", "Term of the last word on the lease.", vip.epoch);
  out.head("holdfast_vip_lease_left_seconds", "gauge", "What is left of this node's lease.");
  constexpr std::uint64_t ns_per_ms = 1000000;
  out.value("holdfast_vip_lease_left_seconds", "", "",
            seconds(static_cast<std::uint64_t>(vip.lease_left_ms) * ns_per_ms));
  const auto count = [&out](const char* name, const char* help, std::uint64_t number) {
    out.single(name, "counter", help, number);
  };
  count("holdfast_vip_taken_total", "Times the address came to this node.", vip.taken);
  count("holdfast_vip_released_total", "Times it was taken off as asked.", vip.released);
  count("holdfast_vip_lost_total", "Times the guard took it off for want of an extension.", vip.lapsed);
  count("holdfast_vip_restored_total", "Times it was put back after somebody deleted it.", vip.restored);
  count("holdfast_vip_strays_total", "Times it was removed though this node did not hold it.", vip.strays);
  count("holdfast_vip_conflicts_total", "Claims of another MAC heard while holding.", vip.conflicts);
  count("holdfast_vip_announcements_total", "Announcements sent.", vip.announcements);
  count("holdfast_vip_guard_deaths_total", "Guards that died and were replaced.", vip.guard_restarts);
  count("holdfast_vip_tickets_taken_total", "Release tickets believed.", vip.tickets_taken);
  count("holdfast_vip_tickets_repeated_total", "Release tickets that were known already.",
        vip.tickets_repeated);
  count("holdfast_vip_tickets_relayed_total", "Release tickets passed on to the other members.",
        vip.tickets_relayed);
  count("holdfast_vip_tickets_refused_total", "Release tickets refused.", vip.tickets_refused);
}

void write_http(text_writer& out, const net::http_server_stats& http) {
  out.single("holdfast_http_accepted_total", "counter", "Connections accepted.", http.accepted);
  out.single("holdfast_http_refused_total", "counter", "Connections refused for want of room.", http.refused);
  out.single("holdfast_http_handshakes_failed_total", "counter", "TLS handshakes failed.",
             http.handshakes_failed);
  out.single("holdfast_http_requests_total", "counter", "Requests.", http.requests);
  out.single("holdfast_http_bad_requests_total", "counter", "Requests refused unread.", http.bad_requests);
  out.single("holdfast_http_handler_errors_total", "counter", "Handlers that failed.", http.handler_errors);
  out.single("holdfast_http_timed_out_total", "counter", "Connections cut by a deadline.", http.timed_out);
  out.single("holdfast_http_open", "gauge", "Open connections.", http.open);
  out.single("holdfast_http_websockets", "gauge", "Open websockets.", http.websockets);
}

} // namespace

std::uint64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  file >> total >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::string metrics_text(const metrics_input& input) {
  text_writer out;
  out.single("holdfast_resident_bytes", "gauge", "Resident memory of the process.", input.resident_bytes);
  if (input.status)
    write_consensus(out, *input.status);
  if (input.vip && input.vip->managed)
    write_vip(out, *input.vip);
  write_http(out, input.http);
  out.single("holdfast_auth_cache_hits_total", "counter", "Requests whose credential was known.",
             input.auth.hits);
  out.single("holdfast_auth_cache_misses_total", "counter", "Requests whose credential was checked.",
             input.auth.misses);
  out.single("holdfast_auth_refused_total", "counter", "Credentials refused.", input.auth.refused);
  out.single("holdfast_auth_scrypt_total", "counter", "Password hashes computed.", input.auth.scrypts);
  if (input.view != nullptr) {
    out.head("holdfast_objects", "gauge", "Objects in the store.");
    for (const auto& desc : all_prefixes())
      out.value("holdfast_objects", "prefix", desc.name, std::to_string(input.view->count(desc.name)));
  }
  write_actors(out, input.actors);
  return out.take();
}

} // namespace holdfast::api
