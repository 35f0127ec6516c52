#include "actors/api/api_front.hpp"

namespace holdfast::api {

namespace {

net::http_handler make_handler(std::shared_ptr<std::shared_ptr<api_room>> slot) {
  return [slot =
              std::move(slot)](std::shared_ptr<net::http_exchange> exchange) -> boost::asio::awaitable<void> {
    // Copied: the slot may be emptied while this request is on its way.
    const auto room = *slot;
    if (room) {
      co_await room->handle(std::move(exchange));
      co_return;
    }
    auto refusal = to_response(unavailable(exchange->head().method_name, "The API is restarting; try again"));
    co_await exchange->respond(std::move(refusal));
  };
}

net::http_server_options with_errors(net::http_server_options options) {
  options.make_error = server_error;
  return options;
}

} // namespace

net::http_response server_error(unsigned status, std::string_view message, const net::http_head* head) {
  error_body error;
  error.type = head == nullptr ? std::string() : head->method_name;
  error.messages = {std::string(message)};
  error.code = status;
  return to_response(error);
}

api_front::api_front(boost::asio::any_io_executor executor, std::shared_ptr<net::tls_slot> tls,
                     net::http_server_options options)
    : executor_(executor), tls_(tls),
      server_(std::move(executor), std::move(tls), make_handler(room_), with_errors(std::move(options))) {}

net::net_address api_front::listen(const net::net_address& where) {
  return server_.listen(where);
}

boost::asio::awaitable<void> api_front::stop(std::chrono::milliseconds drain) {
  co_await server_.stop(drain);
}

void api_front::set_room(std::shared_ptr<api_room> room) {
  if (*room_)
    (*room_)->close();
  *room_ = std::move(room);
}

} // namespace holdfast::api
