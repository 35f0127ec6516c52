#include "tools/chaos/report.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace holdfast::chaos {

namespace {

constexpr double width = 1100;
constexpr double left = 90;
constexpr double plot_height = 220;
constexpr double lane = 18;

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '&')
      out += "&amp;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

std::string number(double value) {
  char out[32];
  std::snprintf(out, sizeof out, "%.1f", value);
  return out;
}

class plot {
public:
  explicit plot(const run_outcome& run) : run_(run) {
    from_ = run.record.load_from;
    for (const auto& tick : run.record.ticks)
      until_ = std::max(until_, tick.returned);
    until_ = std::max({until_, run.record.load_until, from_ + 1});
  }

  std::string draw() {
    latency();
    roles();
    terms();
    faults();
    axis();
    return "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + number(left + width + 20) + " " +
           number(bottom_ + 30) + "\" font-family=\"sans-serif\" font-size=\"11\">" + out_ + "</svg>";
  }

private:
  [[nodiscard]] double x(std::int64_t at) const {
    return left + width * static_cast<double>(std::clamp(at, from_, until_) - from_) /
                      static_cast<double>(until_ - from_);
  }
  /// Logarithmic, 0.1 ms at the bottom and 10 s at the top.
  static double y(double milliseconds_taken) {
    const double share = (std::log10(std::clamp(milliseconds_taken, 0.1, 10'000.0)) + 1) / 5;
    return 10 + plot_height * (1 - share);
  }
  void text(double at_x, double at_y, const std::string& what) {
    out_ += "<text x=\"" + number(at_x) + "\" y=\"" + number(at_y) + "\">" + escaped(what) + "</text>";
  }

  void latency() {
    for (const double mark : {0.1, 1.0, 10.0, 100.0, 1000.0, 10'000.0}) {
      out_ += "<line x1=\"" + number(left) + "\" x2=\"" + number(left + width) + "\" y1=\"" +
              number(y(mark)) + "\" y2=\"" + number(y(mark)) + "\" stroke=\"#ddd\"/>";
      text(10, y(mark) + 4, mark >= 1000 ? number(mark / 1000) + " s" : number(mark) + " ms");
    }
    // At most one dot a column, kind and three pixels of height: the eye sees no more.
    constexpr std::size_t most = 20'000;
    const auto& ticks = run_.record.ticks;
    const std::size_t stride = ticks.size() / most + 1;
    for (std::size_t i = 0; i < ticks.size(); ++i) {
      const auto& one = ticks[i];
      if (one.outcome == op_outcome::ok && i % stride != 0)
        continue;
      const char* colour = one.outcome == op_outcome::unknown   ? "#d62728"
                           : one.outcome == op_outcome::refused ? "#ff9f0e"
                           : one.write                          ? "#1f77b4"
                                                                : "#9ecae1";
      const auto took = static_cast<double>(one.returned - one.called) / 1e6;
      out_ += "<circle cx=\"" + number(x(one.returned)) + "\" cy=\"" + number(y(took)) +
              "\" r=\"1.3\" fill=\"" + colour + "\"/>";
    }
    bottom_ = 10 + plot_height + 12;
  }

  void roles() {
    unsigned most = 0;
    for (const auto& sample : run_.record.roles)
      most = std::max(most, sample.member);
    const double top = bottom_;
    for (unsigned member = 1; member <= most; ++member)
      text(10, top + lane * member - 5, "member " + std::to_string(member));
    for (const auto& sample : run_.record.roles) {
      const double begin = x(sample.asked);
      out_ += "<rect x=\"" + number(begin) + "\" y=\"" + number(top + lane * (sample.member - 1) + 3) +
              "\" width=\"" + number(std::max(2.0, x(sample.answered + 200'000'000) - begin)) +
              "\" height=\"12\" fill=\"" +
              (sample.active    ? "#2ca02c"
               : sample.reached ? "#ddd"
                                : "#fbb") +
              "\"/>";
    }
    bottom_ = top + lane * most + 8;
    if (run_.record.holders.empty())
      return;
    text(10, bottom_ + 12, "address");
    for (const auto& sample : run_.record.holders) {
      if (!sample.holders.empty())
        out_ += "<rect x=\"" + number(x(sample.at)) + "\" y=\"" + number(bottom_ + 3) +
                "\" width=\"1\" height=\"12\" fill=\"" + (sample.holders.size() > 1 ? "#d62728" : "#9467bd") +
                "\"/>";
    }
    bottom_ += lane + 8;
  }

  void terms() {
    double row = bottom_ + 12;
    double last = 0;
    for (const auto& term : run_.record.terms) {
      const double at = x(term.at);
      constexpr double readable = 120;
      row = at - last < readable ? row + 12 : bottom_ + 12;
      last = at;
      text(at, row, "|" + to_text(term));
      lowest_ = std::max(lowest_, row);
    }
    bottom_ = std::max(bottom_, lowest_ + 4);
  }

  void faults() {
    double row = bottom_ + 12;
    for (const auto& event : run_.record.events) {
      const double at = x(event.at);
      out_ += "<line x1=\"" + number(at) + "\" x2=\"" + number(at) + "\" y1=\"10\" y2=\"" + number(row) +
              "\" stroke=\"" + (event.harms_active ? "#d62728" : "#888") + "\" stroke-dasharray=\"2,3\"/>";
      text(at + 2, row, event.what.substr(0, 70));
      row += 12;
    }
    bottom_ = row;
  }

  void axis() {
    const auto seconds = static_cast<double>(until_ - from_) / 1e9;
    for (int i = 0; i <= 10; ++i) {
      const double at = left + width * i / 10;
      text(at, bottom_ + 14, number(seconds * i / 10) + " s");
    }
  }

  const run_outcome& run_;
  std::int64_t from_ = 0;
  std::int64_t until_ = 0;
  double bottom_ = 0;
  double lowest_ = 0;
  std::string out_;
};

} // namespace

std::string html_page(const run_outcome& run, const std::string& repeat) {
  return "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>" + escaped(run.what.story) +
         "</title><body style=\"font-family:sans-serif;max-width:1250px;margin:1em auto\"><h1>" +
         escaped(run.what.story) + "</h1><pre>" + escaped(summary_text(run, repeat)) + "</pre>" +
         plot{run}.draw() +
         "<p>Dots: latency of writes (dark blue), reads (light blue), requests that were refused (orange) or "
         "of "
         "unknown outcome (red). Bars: the member that calls itself active (green), one that could not be "
         "asked "
         "(red). Lines: faults, red when they struck the active member.</p></body></html>\n";
}

} // namespace holdfast::chaos
