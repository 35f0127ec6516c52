#include "tools/holdfast/session.hpp"

#include "tools/holdfast/base64.hpp"

#include <cstdio>
#include <fcntl.h>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

namespace holdfast::cli {

namespace {

constexpr const char* session_ttl = "7200";

void make_folders(const std::string& path) {
  for (std::size_t at = 1; at != std::string::npos; at = path.find('/', at + 1)) {
    ::mkdir(path.substr(0, at).c_str(), 0700);
  }
  ::mkdir(path.c_str(), 0700);
}

/// A token is a secret: the file is the owner's alone from its first byte.
void write_private(const std::string& path, const std::string& text) {
  const std::string temporary = path + ".new";
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) {
    return; // no cache is no error: the next command logs in again
  }
  const bool whole = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(fd);
  if (whole) {
    std::rename(temporary.c_str(), path.c_str());
  } else {
    ::unlink(temporary.c_str());
  }
}

} // namespace

std::string reply::header(const std::string& name) const {
  for (const auto& [key, content] : headers) {
    if (key == name) {
      return content;
    }
  }
  return {};
}

std::string error_text(const reply& answer) {
  document body;
  if (body.Parse(answer.body.data(), answer.body.size()).HasParseError() || !body.IsObject() ||
      !body.HasMember("Messages") || !body["Messages"].IsArray()) {
    return answer.body.empty() ? "HTTP status " + std::to_string(answer.status) : answer.body;
  }
  const auto field = [&body](const char* name) {
    const auto found = body.FindMember(name);
    return found != body.MemberEnd() && found->value.IsString() ? std::string{found->value.GetString()}
                                                                : std::string{};
  };
  const std::string model = field("Model");
  const std::string key = field("Key");
  std::string text = field("Type");
  if (!model.empty()) {
    text += ": " + model + (key.empty() ? "" : "/" + key);
  }
  const auto& messages = body["Messages"];
  if (messages.Size() == 1 && messages[0].IsString()) {
    return text + ": " + messages[0].GetString();
  }
  for (const auto& message : messages.GetArray()) {
    text += std::string{"\n  "} + (message.IsString() ? message.GetString() : to_compact(message));
  }
  return text;
}

session::session(settings s, std::shared_ptr<transport> how)
    : settings_{std::move(s)}, how_{std::move(how)} {}

std::string session::authorization() const {
  if (!token_.empty()) {
    return "Bearer " + token_;
  }
  return "Basic " + base64(settings_.username + ":" + settings_.password);
}

std::string session::token_file() const {
  return settings_.token_dir.empty() ? std::string{}
                                     : settings_.token_dir + "/." + settings_.username + ".token";
}

void session::decorate(request& what) const {
  what.headers.emplace_back("Authorization", authorization());
  what.headers.emplace_back("Accept", "application/json");
  what.headers.emplace_back("Cache-Control", "no-store");
  if (!settings_.trace.empty()) {
    what.headers.emplace_back("X-Log-Request", settings_.trace);
    what.headers.emplace_back("X-Log-Token", settings_.trace_token);
  }
  std::string base = settings_.url_proxy.empty() ? "/api/v3/" : "/" + settings_.url_proxy + "/api/v3/";
  what.path = base + what.path;
}

const std::string& session::endpoint() {
  connect();
  return endpoint_;
}

bool session::try_cached_token(const std::string& endpoint) {
  const std::string path = token_file();
  if (path.empty()) {
    return false;
  }
  std::ifstream file{path};
  std::string cached;
  if (!std::getline(file, cached) || cached.empty()) {
    return false;
  }
  token_ = cached;
  request probe;
  probe.path = "info";
  decorate(probe);
  const reply answer = how_->perform(endpoint, probe);
  if (answer.status < 400) {
    return true;
  }
  token_.clear();
  return false;
}

void session::fetch_token(const std::string& endpoint) {
  request ask;
  ask.path = "users/" + settings_.username + "/token";
  ask.parameters = {{"ttl", session_ttl}};
  decorate(ask);
  const reply answer = how_->perform(endpoint, ask);
  if (answer.status >= 400) {
    throw failure{error_text(answer)};
  }
  const document body = parse_json(answer.body, "the answer to the log-in");
  if (!body.IsObject() || !body.HasMember("Token") || !body["Token"].IsString()) {
    throw failure{endpoint + " answered the log-in without a token; is it a Digital Rebar API?"};
  }
  token_ = body["Token"].GetString();
  if (const std::string path = token_file(); !path.empty()) {
    make_folders(settings_.token_dir);
    write_private(path, token_);
  }
}

bool session::try_endpoint(const std::string& endpoint) {
  try {
    if (!try_cached_token(endpoint)) {
      fetch_token(endpoint);
    }
    endpoint_ = endpoint;
    return true;
  } catch (const failure& error) {
    last_error_ = error.what();
    token_.clear();
    return false;
  }
}

void session::connect() {
  if (!endpoint_.empty()) {
    return;
  }
  if (settings_.endpoints.empty()) {
    throw failure{"no endpoint given: use --endpoint or RS_ENDPOINT"};
  }
  if (!settings_.token.empty() || settings_.no_token) {
    token_ = settings_.token;
    endpoint_ = settings_.endpoints.front();
    return;
  }
  for (const auto& candidate : settings_.endpoints) {
    if (try_endpoint(candidate)) {
      return;
    }
  }
  throw failure{last_error_};
}

reply session::call_any(request what) {
  connect();
  if (settings_.force && what.method != "GET" && what.method != "HEAD") {
    what.parameters.emplace_back("force", "true");
  }
  decorate(what);
  return how_->perform(endpoint_, what);
}

reply session::call(request what) {
  reply answer = call_any(std::move(what));
  if (answer.status >= 400) {
    throw failure{error_text(answer)};
  }
  return answer;
}

document session::get(const std::string& path, query parameters) {
  request what;
  what.path = path;
  what.parameters = std::move(parameters);
  const reply answer = call(std::move(what));
  return parse_json(answer.body, "the answer");
}

document session::send(const std::string& method, const std::string& path, const std::string& body,
                       query parameters) {
  request what;
  what.method = method;
  what.path = path;
  what.parameters = std::move(parameters);
  what.body = body;
  const reply answer = call(std::move(what));
  if (answer.body.empty()) {
    return document{};
  }
  return parse_json(answer.body, "the answer");
}

void session::download(request what, const std::function<void(std::string_view)>& sink) {
  connect();
  decorate(what);
  const reply answer = how_->download(endpoint_, what, sink);
  if (answer.status >= 400) {
    throw failure{error_text(answer)};
  }
}

document session::upload(request what, const std::string& file) {
  connect();
  what.content_type = "application/octet-stream";
  decorate(what);
  const reply answer = how_->upload(endpoint_, what, file);
  if (answer.status >= 400) {
    throw failure{error_text(answer)};
  }
  return answer.body.empty() ? document{} : parse_json(answer.body, "the answer");
}

void session::watch(const std::string& path, const std::string& first,
                    const std::function<bool(const std::string&)>& each) {
  connect();
  request what;
  what.path = path;
  decorate(what);
  how_->watch(endpoint_, what, first, each);
}

} // namespace holdfast::cli
