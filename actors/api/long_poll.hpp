// One object as a reader wants it, held back until it differs from what the reader has (contract §3.7). Holds
// no thread: the request sleeps on a timer that a change, the client's leaving or its time limit ends.
#pragma once

#include "actors/api/prefix_table.hpp"
#include "actors/api/request_context.hpp"

namespace holdfast::api {

struct object_state {
  msg::view_ptr view;
  msg::object_ref object; ///< null: does not exist
  std::string key;        ///< as stored
  bool unchanged = false; ///< still what If-None-Match names: answer 304
};

/// Looks the object up at the consistency the request asks for. With If-None-Match and `Prefer: wait=` it
/// waits until the tag differs; an empty If-None-Match with a wait means "until it exists". May throw
/// api_error.
[[nodiscard]] boost::asio::awaitable<object_state> await_change(request_context& ctx, const prefix_desc& desc,
                                                                std::string asked);

} // namespace holdfast::api
