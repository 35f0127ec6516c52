#include "tools/chaos/report.hpp"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

namespace holdfast::chaos {

namespace {

class lines {
public:
  void begin(const char* kind) {
    buffer_.Clear();
    writer_.Reset(buffer_);
    writer_.StartObject();
    text("kind", kind);
  }
  void end() {
    writer_.EndObject();
    out_.append(buffer_.GetString(), buffer_.GetSize()).push_back('\n');
  }
  void text(const char* key, const std::string& value) {
    writer_.Key(key);
    writer_.String(value.c_str(), static_cast<rapidjson::SizeType>(value.size()));
  }
  void number(const char* key, std::int64_t value) {
    writer_.Key(key);
    writer_.Int64(value);
  }
  void flag(const char* key, bool value) {
    writer_.Key(key);
    writer_.Bool(value);
  }
  std::string take() { return std::move(out_); }

private:
  rapidjson::StringBuffer buffer_;
  rapidjson::Writer<rapidjson::StringBuffer> writer_{buffer_};
  std::string out_;
};

const char* name_of(op_outcome outcome) {
  return outcome == op_outcome::ok ? "ok" : outcome == op_outcome::refused ? "refused" : "unknown";
}

const char* name_of(op_kind kind) {
  static constexpr const char* names[] = {"put", "conditional_put", "get", "delete"};
  return names[static_cast<int>(kind)];
}

void add_additions(lines& out, const char* into, const std::vector<addition>& all, std::int64_t zero) {
  for (const auto& one : all) {
    out.begin("addition");
    out.text("into", into);
    out.number("id", static_cast<std::int64_t>(one.id));
    out.text("outcome", name_of(one.outcome));
    out.number("attempts", one.attempts);
    out.number("called_ns", one.called - zero);
    out.number("returned_ns", one.returned - zero);
    out.text("note", one.note);
    out.end();
  }
}

/// Who has the virtual address, each time that changes.
void add_holders(lines& out, const std::vector<holder_sample>& samples, std::int64_t zero) {
  const std::vector<unsigned>* last = nullptr;
  for (const auto& sample : samples) {
    if (last && *last == sample.holders)
      continue;
    last = &sample.holders;
    std::string members;
    for (const auto member : sample.holders)
      members += (members.empty() ? "" : ",") + std::to_string(member);
    out.begin("holder");
    out.number("at_ns", sample.at - zero);
    out.text("members", members);
    out.end();
  }
}

} // namespace

std::string json_lines(const run_outcome& run) {
  lines out;
  const auto& record = run.record;
  const auto zero = record.load_from;
  for (const auto& event : record.events) {
    out.begin("event");
    out.number("at_ns", event.at - zero);
    out.text("what", event.what);
    out.flag("harms_active", event.harms_active);
    out.end();
  }
  for (const auto& term : record.terms) {
    out.begin("term");
    out.number("at_ns", term.at - zero);
    out.text("what", to_text(term));
    out.end();
  }
  for (const auto& op : record.registers) {
    out.begin("operation");
    out.text("operation", name_of(op.kind));
    out.number("client", op.client);
    out.number("key", op.key);
    out.number("value", static_cast<std::int64_t>(op.value));
    out.number("expected", static_cast<std::int64_t>(op.expected));
    out.text("outcome", name_of(op.outcome));
    out.number("called_ns", op.called - zero);
    if (op.outcome != op_outcome::unknown)
      out.number("returned_ns", op.returned - zero);
    out.text("note", op.note);
    out.end();
  }
  add_additions(out, "set", record.set, zero);
  add_additions(out, "list", record.appended, zero);
  for (const auto& sample : record.roles) {
    out.begin("role");
    out.number("asked_ns", sample.asked - zero);
    out.number("answered_ns", sample.answered - zero);
    out.number("member", sample.member);
    out.flag("active", sample.active);
    out.flag("reached", sample.reached);
    out.end();
  }
  add_holders(out, record.holders, zero);
  for (const auto& check : run.verdict.checks) {
    out.begin("check");
    out.text("name", check.name);
    out.flag("passed", check.passed);
    out.text("summary", check.summary);
    out.end();
  }
  out.begin("verdict");
  out.text("scenario", run.what.file);
  out.number("seed", static_cast<std::int64_t>(run.seed));
  out.flag("passed", run.passed());
  out.text("error", run.error);
  out.end();
  return out.take();
}

} // namespace holdfast::chaos
