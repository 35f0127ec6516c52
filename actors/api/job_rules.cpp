#include "actors/api/job_rules.hpp"

#include "actors/api/go_time.hpp"
#include "actors/api/job_log.hpp"
#include "actors/api/name_rules.hpp"
#include "actors/api/object_shape.hpp"
#include "actors/api/prefs.hpp"
#include "actors/api/time_span.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

namespace holdfast::api {
namespace {

constexpr std::int64_t job_ms_per_s = 1000;
constexpr std::int64_t ns_per_s = 1'000'000'000;
constexpr std::size_t most_purged = 500;
constexpr std::string_view no_uuid = "00000000-0000-0000-0000-000000000000";

bool is_busy(std::string_view state) {
  return state == "created" || state == "running";
}
bool has_ended(std::string_view state) {
  return state == "failed" || state == "finished";
}

std::int64_t number_at(const json::value& object, std::string_view name) {
  const auto* found = json::member(object, name);
  return found && found->IsInt64() ? found->GetInt64() : 0;
}

/// The fields of a machine that a task list may set, and how an entry says so.
struct directive {
  std::string_view head;
  std::string_view field;
};
constexpr std::array<directive, 3> directives{
    {{"stage:", "Stage"}, {"bootenv:", "BootEnv"}, {"context:", "Context"}}};

[[noreturn]] void conflict(const std::string& machine, const std::string& why) {
  throw api_error({"", "", "Conflict", {"Machine " + machine + " " + why}, 409});
}

/// Where the machine's task list goes on after its current job.
std::int64_t next_index(const json::value& machine, const json::value* last) {
  const auto at = std::max<std::int64_t>(number_at(machine, "CurrentTask"), 0);
  const bool done = last && json::text_at(*last, "State") == "finished" &&
                    number_at(*last, "CurrentIndex") == at && number_at(machine, "CurrentTask") >= 0;
  return done ? number_at(*last, "NextIndex") : at;
}

struct step {
  std::int64_t index = 0;
  std::string task; ///< empty: the list is done
};

/// Goes along the list to the next task, applying directives to the machine.
step advance(json::value& machine, const std::string& key, std::int64_t index, json::allocator& memory) {
  const auto* tasks = json::member(std::as_const(machine), "Tasks");
  const auto size = tasks && tasks->IsArray() ? static_cast<std::int64_t>(tasks->Size()) : 0;
  for (; index < size; ++index) {
    const std::string entry(json::text((*tasks)[static_cast<rapidjson::SizeType>(index)]));
    if (entry.find(':') == std::string::npos)
      return {index, entry};
    const auto known = std::find_if(directives.begin(), directives.end(),
                                    [&](const directive& d) { return entry.starts_with(d.head); });
    if (known == directives.end())
      conflict(key, "has the task '" + entry + "' next, which this server cannot run");
    json::set_member(machine, known->field, json::make_text(entry.substr(known->head.size()), memory),
                     memory);
    tasks = json::member(std::as_const(machine), "Tasks");
  }
  return {size, {}};
}

void fill_job(json::document& job, const json::value& machine, const step& next, std::string_view previous) {
  auto& memory = job.GetAllocator();
  const auto text = [&](std::string_view name, std::string_view value) {
    json::set_member(job, name, json::make_text(value, memory), memory);
  };
  text("Task", next.task);
  for (const std::string_view same : {"Stage", "BootEnv", "Workflow"})
    text(same, json::text_at(machine, same));
  if (json::text_at(job, "Context").empty())
    text("Context", json::text_at(machine, "Context"));
  text("State", "created");
  text("ExitState", "");
  text("Previous", previous.empty() ? no_uuid : previous);
  text("StartTime", zero_time);
  text("EndTime", zero_time);
  json::set_member(job, "Current", json::value(true), memory);
  json::set_member(job, "Archived", json::value(false), memory);
  json::set_member(job, "CurrentIndex", json::value(next.index), memory);
  json::set_member(job, "NextIndex", json::value(next.index + 1), memory);
}

/// Changes stored objects that no index or reference row depends on.
void put_plain(write_draft& draft, std::string_view prefix, std::string_view key, const json::value& object) {
  draft.put(prefix, key, json::compact(object));
  draft.forget_if_unchanged(prefix, key);
}

struct old_job {
  std::string key;
  std::int64_t ended_s = 0;
  bool failed = false;
};

using jobs_by_machine = std::map<std::string, std::vector<old_job>, std::less<>>;

jobs_by_machine ended_jobs(const msg::object_view& view,
                           const std::function<bool(std::string_view key)>& may_delete) {
  jobs_by_machine out;
  view.scan("jobs", "", [&](std::string_view key, const msg::object_ref& stored) {
    json::document doc;
    if (json::parse(stored->json, doc) || json::flag_at(doc, "Current"))
      return true;
    const auto state = json::text_at(doc, "State");
    if (!has_ended(state) || !may_delete(key))
      return true;
    const auto ended = parse_time(json::text_at(doc, "EndTime"));
    out[std::string(json::text_at(doc, "Machine"))].push_back(
        {std::string(key), ended ? ended->seconds : 0, state == "failed"});
    return true;
  });
  for (auto& [machine, jobs] : out)
    std::stable_sort(jobs.begin(), jobs.end(),
                     [](const old_job& a, const old_job& b) { return a.ended_s > b.ended_s; });
  return out;
}

std::optional<std::int64_t> age_limit_s(const pref_map& prefs, std::string_view name) {
  const auto found = prefs.find(name);
  const auto span = found == prefs.end() || found->second.empty()
                        ? std::nullopt
                        : parse_span(found->second, std::chrono::seconds(1));
  return span ? std::optional(span->count() / ns_per_s) : std::nullopt;
}

std::optional<std::size_t> keep_limit(const pref_map& prefs) {
  const auto found = prefs.find("jobsToKeep");
  std::size_t count = 0;
  if (found == prefs.end() || found->second.empty() ||
      std::from_chars(found->second.data(), found->second.data() + found->second.size(), count).ec !=
          std::errc())
    return std::nullopt;
  return count;
}

} // namespace

write_plan plan_new_job(write_draft draft, const write_request& request, json::document& job) {
  const std::string machine_key(json::text_at(job, "Machine"));
  const std::string job_key(json::text_at(job, "Uuid"));
  const auto stored = draft.get("machines", machine_key);
  json::document machine;
  if (!stored || json::parse(*stored, machine))
    throw api_error({"jobs",
                     job_key,
                     "ValidationError",
                     {job_key + ": Machine " + machine_key + " does not exist"},
                     422});
  const std::string previous(json::text_at(machine, "CurrentJob"));
  json::document last;
  const auto last_text = draft.get("jobs", previous);
  const bool has_last = last_text && !json::parse(*last_text, last);
  if (has_last && is_busy(json::text_at(last, "State")))
    conflict(machine_key, "already has running or created job");
  if (!json::flag_at(machine, "Runnable"))
    conflict(machine_key, "is not runnable");
  if (!json::flag_at(machine, "Available"))
    conflict(machine_key, "is not available");
  write_plan plan;
  if (has_last && json::text_at(last, "State") == "incomplete") {
    plan.status = 202;
    plan.body = std::string(*last_text);
    return plan;
  }
  const auto server = get_server_fields(machine);
  const auto next =
      advance(machine, machine_key, next_index(machine, has_last ? &last : nullptr), machine.GetAllocator());
  if (next.task.empty()) {
    plan.status = 204;
    return plan;
  }
  fill_job(job, machine, next, previous);
  put_object(draft, *request.desc, job_key, job, job.GetAllocator());
  if (has_last) {
    json::set_member(last, "Current", json::value(false), last.GetAllocator());
    put_plain(draft, "jobs", previous, last);
  }
  auto& memory = machine.GetAllocator();
  json::set_member(machine, "CurrentJob", json::make_text(job_key, memory), memory);
  json::set_member(machine, "CurrentTask", json::value(next.index), memory);
  put_object(draft, *find_prefix("machines"), machine_key, machine, memory, server.bundle);
  settle_references(draft);
  plan.status = 201;
  plan.body = *draft.get("jobs", job_key);
  plan.tx = draft.take();
  return plan;
}

void follow_job_state(write_draft& draft, const json::value& before, json::value& after,
                      json::allocator& memory, msg::log_time now) {
  const std::string was(json::text_at(before, "State"));
  const std::string is(json::text_at(after, "State"));
  if (was == is)
    return;
  const auto unset = [&](std::string_view name) {
    const auto time = json::text_at(after, name);
    return time.empty() || time == zero_time;
  };
  if (is == "running" && unset("StartTime"))
    json::set_member(after, "StartTime", json::make_text(to_text(now), memory), memory);
  if (!has_ended(is))
    return;
  if (unset("EndTime"))
    json::set_member(after, "EndTime", json::make_text(to_text(now), memory), memory);
  const std::string machine_key(json::text_at(after, "Machine"));
  const auto stored = draft.get("machines", machine_key);
  json::document machine;
  if (!stored || json::parse(*stored, machine) ||
      json::text_at(machine, "CurrentJob") != json::text_at(after, "Uuid"))
    return;
  if (is == "failed") {
    json::set_member(machine, "Runnable", json::value(false), machine.GetAllocator());
  } else {
    const auto* tasks = json::member(std::as_const(machine), "Tasks");
    const auto size = tasks && tasks->IsArray() ? static_cast<std::int64_t>(tasks->Size()) : 0;
    if (number_at(after, "NextIndex") < size)
      return;
    json::set_member(machine, "WorkflowComplete", json::value(true), machine.GetAllocator());
  }
  put_plain(draft, "machines", machine_key, machine);
}

write_plan plan_job_purge(const msg::view_ptr& view, msg::log_time now,
                          const std::function<bool(std::string_view key)>& may_delete) {
  const auto prefs = read_prefs(*view);
  const auto keep = keep_limit(prefs);
  const auto failed_after = age_limit_s(prefs, "failedJobsPurgedAfter");
  const auto complete_after = age_limit_s(prefs, "completeJobsPurgedAfter");
  const auto& desc = *find_prefix("jobs");
  write_draft draft(view);
  std::size_t deleted = 0;
  std::size_t remaining = 0;
  for (const auto& [machine, jobs] : ended_jobs(*view, may_delete)) {
    for (std::size_t rank = 0; rank < jobs.size(); ++rank) {
      const auto& job = jobs[rank];
      const auto& limit = job.failed ? failed_after : complete_after;
      const bool old = limit && now.ms / job_ms_per_s - job.ended_s > *limit;
      if (!old && !(keep && rank >= *keep))
        continue;
      if (deleted == most_purged) {
        ++remaining;
        continue;
      }
      remove_object(draft, desc, job.key);
      drop_job_log(draft, job.key);
      ++deleted;
    }
  }
  write_plan plan;
  plan.body = "{\"Deleted\":" + std::to_string(deleted) + ",\"Remaining\":" + std::to_string(remaining) + "}";
  plan.tx = draft.take();
  return plan;
}

} // namespace holdfast::api
