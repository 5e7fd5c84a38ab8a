// detection_answers.cpp — questions about what looked like an attack. RFC 9110 §15, RFC 9457.
#include "mgmt/detections/detection_answers.h"

#include <nlohmann/json.hpp>

#include "mgmt/calls/calls_json.h"
#include "mgmt/cli/asked.h"
#include "mgmt/config/option_value.h"
#include "mgmt/detections/detections_json.h"
#include "mgmt/http/control_answer.h"

namespace sallyport::mgmt {
namespace {

[[nodiscard]] std::string known_detectors() {
  std::string out;
  std::string_view before;
  for (const sip::DetectionName& name : sip::kDetectionNames) {
    if (name.detector == before || out.find(name.detector) != std::string::npos) continue;
    out += (out.empty() ? "" : ", ") + std::string(name.detector);
    before = name.detector;
  }
  return out;
}

[[nodiscard]] ControlResult page_of(const DetectionAnswers& answers, const Arguments& given) {
  const auto page = page_asked(given);
  if (!page) return fail(page.error());
  DetectionQuestion question{
      .detector = value_of(given, "detector"), .source = {}, .before = page->cursor, .limit = page->limit};
  if (!question.detector.empty() && !DetectionLog::is_detector(question.detector))
    return fail(ControlFailure{kExitUsage, "no such detector; there are " + known_detectors()});
  if (const std::string source = value_of(given, "source"); !source.empty()) {
    const auto prefix = parse_network(source);
    if (!prefix) return fail(ControlFailure{kExitUsage, prefix.error().what + "; " + prefix.error().instead});
    question.source = *prefix;
  }
  return to_text(detections_json(answers.log.page(question), answers.log.capacity(), answers.realms(),
                                 answers.clocks()));
}

}  // namespace

void add_detection_commands(ControlCommands& commands, const DetectionAnswers& answers) {
  commands.on_show("detections",
                   [answers](const ControlArguments& given) { return page_of(answers, given); });
}

void add_detection_paths(Router& router, const DetectionAnswers& answers) {
  router.on("GET", "/api/v1/detections",
            [answers](const PathArguments& given) { return http_answer(page_of(answers, given.query)); });
}

}  // namespace sallyport::mgmt
