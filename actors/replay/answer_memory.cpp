#include "actors/replay/answer_memory.hpp"

#include <utility>

namespace holdfast::replay {
namespace {

std::pair<std::uint64_t, remembered_ptr> oldest(const answer_table& answers) {
  std::pair<std::uint64_t, remembered_ptr> found;
  answers.by_index.visit_all([&found](std::uint64_t index, const remembered_ptr& answer) {
    found = {index, answer};
    return false;
  });
  return found;
}

void forget(answer_table& answers, std::uint64_t index, const remembered_answer& answer) {
  answers.bytes -= answer.cost();
  answers.by_key.erase(answer.key);
  answers.by_index.erase(index);
}

} // namespace

void expire_answers(store_state& state, const store_limits& limits) {
  auto& answers = state.answers;
  while (!answers.by_index.empty()) {
    const auto [index, answer] = oldest(answers);
    if (state.time.ms - answer->time.ms <= limits.answer_age.count())
      return;
    forget(answers, index, *answer);
  }
}

void remember_answer(store_state& state, const store_limits& limits, std::uint64_t index, std::string key,
                     msg::stored_answer answer) {
  auto& answers = state.answers;
  pmap::shared_string map_key{key};
  const auto kept = std::make_shared<const remembered_answer>(
      remembered_answer{std::move(key), state.time, std::move(answer)});
  answers.by_key.insert_new(std::move(map_key), kept);
  answers.by_index.insert_new(index, kept);
  answers.bytes += kept->cost();
  while (answers.by_index.size() > 1 &&
         (answers.by_index.size() > limits.answer_count || answers.bytes > limits.answer_bytes)) {
    const auto [first, dropped] = oldest(answers);
    forget(answers, first, *dropped);
  }
}

} // namespace holdfast::replay
