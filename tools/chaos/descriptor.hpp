// A file descriptor with an owner.
#pragma once

#include <unistd.h>
#include <utility>

namespace holdfast::chaos {

class descriptor {
public:
  explicit descriptor(int number = -1) : number_(number) {}
  ~descriptor() {
    if (number_ >= 0)
      ::close(number_);
  }
  descriptor(descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  [[nodiscard]] int get() const { return number_; }

private:
  int number_;
};

} // namespace holdfast::chaos
