// Jobs: which task comes next, what their end does to the machine, their logs, task lists and purge.
#include "tests/unit/api/api_world.hpp"

#include "actors/api/job_log.hpp"

using namespace holdfast::api;
using namespace holdfast::api::test;

namespace {

const std::string machine_id = "11111111-2222-3333-4444-555555555555";

std::string member_of(const net::http_response& r, std::string_view name) {
  json::document doc;
  REQUIRE(!json::parse(r.body, doc));
  const auto* found = json::member(std::as_const(static_cast<json::value&>(doc)), name);
  return found ? json::compact(*found) : "missing";
}

std::string id_of(const net::http_response& r) {
  return member_of(r, "Uuid").substr(1, 36);
}

net::http_response machine(world& w) {
  return w.get("machines/" + machine_id);
}

/// A machine with two tasks and a stage change between them.
struct job_world : world {
  job_world() {
    REQUIRE(post("tasks", R"({"Name":"one"})").status == 201);
    REQUIRE(post("tasks", R"({"Name":"two"})").status == 201);
    REQUIRE(post("stages", R"({"Name":"later"})").status == 201);
    REQUIRE(post("machines",
                 R"({"Uuid":")" + machine_id + R"(","Name":"m1","Tasks":["one","stage:later","two"]})")
                .status == 201);
  }
  net::http_response next() { return post("jobs", R"({"Machine":")" + machine_id + "\"}"); }
  net::http_response to_state(const std::string& job, const std::string& state) {
    return patch("jobs/" + job, R"([{"op":"replace","path":"/State","value":")" + state + "\"}]");
  }
  net::http_response log(const std::string& job, std::string_view bytes) {
    return call(net::http_method::put, "PUT", "jobs/" + job + "/log", bytes,
                {{"content-type", "application/octet-stream"}});
  }
};

} // namespace

TEST_CASE("contract 5.1: 201 for each task in turn, 409 while one runs, 204 when none is left") {
  job_world w;
  const auto first = w.next();
  REQUIRE(first.status == 201);
  CHECK(member_of(first, "Task") == "\"one\"");
  CHECK(member_of(first, "State") == "\"created\"");
  CHECK(member_of(first, "Stage") == "\"none\"");
  CHECK(member_of(first, "Current") == "true");
  CHECK(member_of(first, "CurrentIndex") == "0");
  CHECK(member_of(first, "NextIndex") == "1");
  CHECK(member_of(first, "Previous") == "\"00000000-0000-0000-0000-000000000000\"");
  CHECK(member_of(machine(w), "CurrentJob") == member_of(first, "Uuid"));
  const auto busy = "Machine " + machine_id + " already has running or created job";
  check_error(w.next(), "", "", "Conflict", {busy}, 409);
  const auto running = w.to_state(id_of(first), "running");
  CHECK(member_of(running, "StartTime") == "\"2023-11-14T22:13:20Z\"");
  check_error(w.next(), "", "", "Conflict", {busy}, 409);
  const auto done = w.to_state(id_of(first), "finished");
  CHECK(member_of(done, "EndTime") == "\"2023-11-14T22:13:20Z\"");
  CHECK(member_of(machine(w), "WorkflowComplete") == "false");

  const auto second = w.next();
  REQUIRE(second.status == 201);
  CHECK(member_of(second, "Task") == "\"two\"");
  CHECK(member_of(second, "Stage") == "\"later\"");
  CHECK(member_of(second, "CurrentIndex") == "2");
  CHECK(member_of(second, "Previous") == member_of(first, "Uuid"));
  CHECK(member_of(w.get("jobs/" + id_of(first)), "Current") == "false");
  CHECK(member_of(machine(w), "Stage") == "\"later\"");
  CHECK(member_of(machine(w), "CurrentTask") == "2");
  w.to_state(id_of(second), "finished");
  CHECK(member_of(machine(w), "WorkflowComplete") == "true");

  const auto over = w.next();
  CHECK(over.status == 204);
  CHECK(over.body.empty());
  CHECK(over.content_type == "application/json");
}

TEST_CASE(
    "contract 5.1: an incomplete job goes on (202), a failed one stops the machine until it is runnable") {
  job_world w;
  const auto first = w.next();
  w.to_state(id_of(first), "incomplete");
  const auto before = w.gateway.store.applied_index();
  const auto again = w.next();
  CHECK(again.status == 202);
  CHECK(member_of(again, "Uuid") == member_of(first, "Uuid"));
  CHECK(w.gateway.store.applied_index() == before);
  CHECK(member_of(machine(w), "Runnable") == "true");
  w.to_state(id_of(first), "failed");
  CHECK(member_of(machine(w), "Runnable") == "false");
  check_error(w.next(), "", "", "Conflict", {"Machine " + machine_id + " is not runnable"}, 409);
  w.patch("machines/" + machine_id, R"([{"op":"replace","path":"/Runnable","value":true}])");
  const auto retry = w.next();
  REQUIRE(retry.status == 201);
  CHECK(member_of(retry, "Task") == "\"one\"");
}

TEST_CASE("contract 5.1: no machine, an unavailable one, and a task this server cannot run") {
  job_world w;
  const auto no_machine = w.post("jobs", R"({"Uuid":"99999999-2222-3333-4444-555555555555"})");
  check_error(no_machine, "jobs", "99999999-2222-3333-4444-555555555555", "ValidationError",
              {"99999999-2222-3333-4444-555555555555: Machine  does not exist"}, 422);
  w.patch("machines/" + machine_id, R"([{"op":"replace","path":"/Tasks","value":["action:boot"]}])");
  check_error(w.next(), "", "", "Conflict",
              {"Machine " + machine_id + " has the task 'action:boot' next, which this server cannot run"},
              409);
  w.patch("machines/" + machine_id, R"([{"op":"replace","path":"/Tasks","value":["one"]}])");
  CHECK(w.del("tasks/one").status == 200);
  check_error(w.next(), "", "", "Conflict", {"Machine " + machine_id + " is not available"}, 409);
}

TEST_CASE("contract 5.1: a log begins with its line and every PUT is appended, whatever the bytes") {
  job_world w;
  const auto job = id_of(w.next());
  const std::string head = "Log for Job: " + job + "\n";
  CHECK(w.get("jobs/" + job + "/log").body == head);
  const auto put = w.log(job, "hello\n");
  CHECK(put.status == 204);
  CHECK(put.body.empty());
  CHECK(put.content_type == "application/json");
  const std::string raw("\0\xff\xfe{", 4);
  CHECK(w.log(job, raw).status == 204);
  CHECK(w.log(job, "").status == 204);
  const std::string large(3 * job_log_chunk + 7, 'x');
  CHECK(w.log(job, large).status == 204);
  CHECK(w.get("jobs/" + job + "/log").body == head + "hello\n" + raw + large);
  CHECK(w.head("jobs/" + job + "/log").status == 200);
  check_error(w.get("jobs/john/log"), "", "", "ValidationError", {"Job john does not exist"}, 422);
  check_error(w.log("john", "x"), "", "", "ValidationError", {"Job john does not exist"}, 422);
  check_error(w.get("jobs/john/actions"), "", "", "ValidationError", {"Job john does not exist"}, 422);
}

TEST_CASE("contract 5.1: a log and each PUT have an end, and what does not fit leaves it as it was") {
  job_world w;
  const auto job = id_of(w.next());
  const std::string piece(most_appended, 'x');
  check_error(w.log(job, piece + "y"), "", "", "PUT",
              {"Body is larger than " + std::to_string(most_appended) + " bytes"}, 413);
  for (std::size_t size = 0; size < most_logged; size += piece.size())
    REQUIRE(w.log(job, piece).status == 204);
  check_error(w.log(job, "y"), "jobs", job, "PUT",
              {"The log of job " + job +
               " holds 4194304 of at most 4194304 bytes; these 1 do not fit and were "
               "not appended"},
              413);
  CHECK(w.get("jobs/" + job + "/log").body.size() == most_logged + 14 + 36);
}

TEST_CASE("contract 5.1: two writers of one log lose nothing, and a repeat with a key appends once") {
  job_world w;
  const auto job = id_of(w.next());
  w.gateway.before_write = [&] { CHECK(w.log(job, "theirs\n").status == 204); };
  CHECK(w.log(job, "mine\n").status == 204);
  const auto put = [&] {
    return w.call(net::http_method::put, "PUT", "jobs/" + job + "/log", "once\n", {{"idempotency-key", "k"}});
  };
  CHECK(put().status == 204);
  CHECK(put().status == 204);
  CHECK(w.get("jobs/" + job + "/log").body == "Log for Job: " + job + "\ntheirs\nmine\nonce\n");
}

TEST_CASE("contract 5.1: what a client sends again after the active died is appended once") {
  job_world w;
  const auto job = id_of(w.next());
  const auto text = [&] { return w.get("jobs/" + job + "/log").body.substr(14 + 36); };
  w.shared.instance = "first";
  w.log(job, "line\n");
  w.log(job, "line\n");
  CHECK(text() == "line\nline\n"); // one API took both: two lines
  w.shared.instance = "second";
  CHECK(w.log(job, "line\n").status == 204);
  CHECK(text() == "line\nline\n");
  CHECK(w.log(job, "line\n").status == 204); // the repeat was answered: this is a line of its own
  CHECK(text() == "line\nline\nline\n");
  w.shared.instance = "third";
  CHECK(w.log(job, "other\n").status == 204);
  w.shared.instance = "fourth";
  CHECK(w.log(job, "line\n").status == 204); // not what came last
  CHECK(text() == "line\nline\nline\nother\nline\n");
  w.shared.instance = "fifth";
  w.shared.now = [] { return msg::log_time{1'700'000'000'000 + repeat_window.count() + 1}; };
  CHECK(w.log(job, "line\n").status == 204); // too late for a repeat
  CHECK(text() == "line\nline\nline\nother\nline\nline\n");
}

TEST_CASE(
    "contract 5.1: all logs together have an end, counted with their pieces and given back with the job") {
  job_world w;
  const auto job = id_of(w.next());
  const auto room = [&] {
    std::size_t all = 0;
    w.gateway.store.view()->scan(job_log_room_prefix, "",
                                 [&](std::string_view, const msg::object_ref& object) {
                                   all += std::stoul(std::string(object->json));
                                   return true;
                                 });
    return all;
  };
  w.log(job, "hello");
  w.log(job, std::string(job_log_chunk + 1, 'x'));
  CHECK(room() == 5 + job_log_chunk + 1 + 3 * job_log_piece_cost);
  msg::transaction full;
  full.mutations = {
      {std::string(job_log_room_prefix), "others", std::to_string(most_logged_by_all - room() - 3)}};
  w.gateway.apply(full);
  const auto before = w.get("jobs/" + job + "/log").body;
  check_error(
      w.log(job, "four"), "jobs", job, "PUT",
      {"The logs of all jobs take 134217725 of at most 134217728 bytes; these 4 do not fit and were not "
       "appended. Delete ended jobs, or purge them (DELETE jobs), to make room"},
      507);
  CHECK(w.get("jobs/" + job + "/log").body == before);
  CHECK(w.log(job, "abc").status == 204);
  w.to_state(job, "finished");
  CHECK(w.del("jobs/" + job).status == 200);
  CHECK(room() == most_logged_by_all - (5 + job_log_chunk + 1 + 3 * job_log_piece_cost) - 3);
}

TEST_CASE("contract 5.1: a job goes with its log, and only when it ended; the log is nobody's object") {
  job_world w;
  const auto job = id_of(w.next());
  w.log(job, "hello");
  check_error(w.del("jobs/" + job), "jobs", job, "ValidationError",
              {"Jobs " + job + " is not in a deletable state: created"}, 422);
  CHECK(w.gateway.store.view()->count(job_logs_prefix) == 2);
  CHECK(w.get("_job_logs/" + job).status == 404);
  CHECK(w.get("contents/BackingStore").body.find("_job_logs") == std::string::npos);
  w.to_state(job, "finished");
  CHECK(w.del("jobs/" + job).status == 200);
  CHECK(w.gateway.store.view()->count(job_logs_prefix) == 0);
}

TEST_CASE("contract 1.4: a job's log is read with get and written with log") {
  job_world w;
  const auto job = id_of(w.next());
  w.auth.who = std::make_shared<test_identity>(std::set<std::string>{"jobs get"}, false);
  CHECK(w.get("jobs/" + job + "/log").status == 200);
  check_error(w.log(job, "x"), "", "", "AUTH",
              {"Cannot access /api/v3/jobs/" + job + "/log", "Requires: jobs log " + job}, 403);
  w.auth.who = std::make_shared<test_identity>(std::set<std::string>{"jobs log"}, false);
  CHECK(w.log(job, "x").status == 204);
  CHECK(w.get("jobs/" + job + "/log").status == 403);
  auto blind = std::make_shared<test_identity>(std::set<std::string>{"jobs get", "jobs log"}, false);
  blind->hide = {job};
  w.auth.who = blind;
  check_error(w.get("jobs/" + job + "/log"), "", "", "ValidationError", {"Job " + job + " does not exist"},
              422);
}

TEST_CASE(
    "contract 5.1: the task list holds what needs no rendering, by operating system, and says so otherwise") {
  job_world w;
  w.post("templates", R"({"ID":"shared.sh","Contents":"echo shared"})");
  w.put("tasks/one", R"({"Name":"one","Templates":[
    {"Name":"a","Contents":"echo a","Meta":{"OS":"linux"}},
    {"Name":"b","ID":"shared.sh","Path":"/tmp/b","Meta":{"OS":"windows, any"}},
    {"Name":"c","Contents":"echo c","Meta":{"OS":"darwin"}}]})");
  const auto job = id_of(w.next());
  CHECK(same_json(w.get("jobs/" + job + "/actions?os=linux").body, R"([
    {"Name":"a","Path":"","Content":"echo a","Meta":{"OS":"linux"}},
    {"Name":"b","Path":"/tmp/b","Content":"echo shared","Meta":{"OS":"windows, any"}}])"));
  json::document all;
  REQUIRE(!json::parse(w.get("jobs/" + job + "/actions").body, all));
  CHECK(all.Size() == 3);
  w.put("templates/shared.sh", R"({"ID":"shared.sh","Contents":"echo {{.Machine.Name}}"})");
  check_error(w.get("jobs/" + job + "/actions?os=linux"), "jobs", job, "GET",
              {"Template b must be rendered, and this server renders no templates"}, 501);
  CHECK(w.get("jobs/" + job + "/actions?os=darwin").status == 501); // `any` is darwin too
}

TEST_CASE("contract 5.1: the purge keeps what the prefs say, and never a current or unfinished job") {
  job_world w;
  const auto pref = [&](std::string_view name, std::string_view value) {
    msg::transaction tx;
    tx.mutations = {
        {"preferences", std::string(name),
         R"({"Name":")" + std::string(name) + R"(","Val":")" + std::string(value) + R"(","Meta":{}})"}};
    w.gateway.apply(tx);
  };
  std::vector<std::string> ids;
  for (int n = 0; n < 4; ++n) {
    const auto made = w.next();
    REQUIRE(made.status == 201);
    ids.push_back(id_of(made));
    w.log(ids.back(), "text");
    w.to_state(ids.back(), "failed");
    w.patch("machines/" + machine_id, R"([{"op":"replace","path":"/Runnable","value":true}])");
  }
  CHECK(w.del("jobs").body == R"({"Deleted":0,"Remaining":0})");
  pref("jobsToKeep", "2");
  CHECK(w.del("jobs").body == R"({"Deleted":1,"Remaining":0})");
  CHECK(w.gateway.store.view()->count("jobs") == 3);
  CHECK(w.gateway.store.view()->count(job_logs_prefix) == 6);
  CHECK(w.get("jobs/" + ids.back()).status == 200);
  pref("failedJobsPurgedAfter", "1h");
  CHECK(w.del("jobs").body == R"({"Deleted":0,"Remaining":0})");
  w.shared.now = [] { return msg::log_time{1'700'000'000'000 + 2 * 3'600'000}; };
  CHECK(w.del("jobs").body == R"({"Deleted":2,"Remaining":0})");
  CHECK(w.get("jobs/" + ids.back()).status == 200);
}
