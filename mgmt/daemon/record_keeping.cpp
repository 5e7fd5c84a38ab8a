// record_keeping.cpp — settings of the writer, and the ways in and out of it.
#include "mgmt/daemon/record_keeping.h"

#include <algorithm>
#include <utility>

namespace sallyport::mgmt {
namespace {

[[nodiscard]] RecordSettings settings_of(const SbcConfig& config) {
  RecordSettings out;
  out.node = config.node.name;
  out.folder = config.node.state;
  out.sinks = config.management.cdr;
  // Twice: a call that has ended leaves the ledger when its record is in the files.
  out.open_calls_max =
      std::max<std::size_t>(out.open_calls_max, std::size_t{2} * config.dataplane.capacity.calls);
  // Calls that all end at once wait side by side for their media.
  out.waiting_ends_max = std::max<std::size_t>(out.waiting_ends_max, config.dataplane.capacity.calls);
  return out;
}

void take_detection(const RecordPlaces& places, const sip::EngineEvent& event) {
  const auto* const detection = std::get_if<sip::DetectionEvent>(&event.what);
  if (detection == nullptr) return;
  if (places.detected) places.detected(*detection, event.at);
  const std::string source = to_string(detection->source);
  const std::string realm = places.realm_name(detection->realm);
  const std::string call = detection->call == 0 ? "" : call_id_text(detection->call);
  places.log.write(LogLevel::Warning, "security", "detection", "something that looks like an attack",
                   {{"detector", detection->detector},
                    {"action", detection->action},
                    {"source", source},
                    {"realm", realm},
                    {"call", call},
                    {"confidence", std::uint64_t{detection->confidence}},
                    {"evidence", detection->evidence, FieldKind::Text}});
}

// For who looks closely (`sallyport log level debug`): calls have their records anyhow.
void tell_ended(EventLog& log, const CallRecord& record) {
  if (!log.wants(LogLevel::Debug)) return;
  const std::string id = call_id_text(record.call);
  log.write(LogLevel::Debug, "calls", "call_ended", "a call is over",
            {{"call", id},
             {"peer_in", record.peer_in},
             {"peer_out", record.peer_out},
             {"from", record.from, FieldKind::Text},
             {"to", record.to, FieldKind::Text},
             {"called_in", record.called_in, FieldKind::Number},
             {"called_out", record.called_out, FieldKind::Number},
             {"result", to_string(record.result)},
             {"sip_code", std::uint64_t{record.sip_code}},
             {"end_reason", record.end_reason}});
}

[[nodiscard]] RecordSurroundings surroundings(const SbcConfig& config, const RecordPlaces& places,
                                              dataplane::EventStream& events) {
  RecordSurroundings out{places.disk, places.alarms, places.log, places.wall, places.core, {}, {}};
  out.ended = [&log = places.log, ended = places.ended](const CallRecord& record) {
    tell_ended(log, record);
    if (ended) ended(record);
  };
  out.durable = [&events](std::size_t source, std::uint64_t sequence) {
    events.journalled(source, sequence);
  };
  std::vector<std::string> realms;
  for (const RealmConfig& realm : config.realms) realms.push_back(realm.name);
  RecordPlaces known = places;
  if (!known.realm_name)
    known.realm_name = [realms = std::move(realms)](RealmIndex realm) {
      return to_position(realm) < realms.size() ? realms[to_position(realm)] : std::string();
    };
  out.other = [known = std::move(known)](std::size_t, const sip::EngineEvent& event) {
    const auto* const binding = std::get_if<sip::BindingEvent>(&event.what);
    if (binding == nullptr) return take_detection(known, event);
    if (known.bindings != nullptr) known.bindings->add(*binding);
  };
  if (places.bindings != nullptr || places.blocks != nullptr)
    out.turn = [bindings = places.bindings, blocks = places.blocks](Timestamp now, bool is_last) {
      Duration next = std::chrono::hours(1);
      if (bindings != nullptr) next = std::min(next, bindings->step(now, is_last));
      if (blocks != nullptr) next = std::min(next, blocks->step(now, is_last));
      return next;
    };
  if (places.blocks != nullptr) places.blocks->on_change([&events] { events.wake(); });
  return out;
}

}  // namespace

RecordKeeping::RecordKeeping(const SbcConfig& config, const RecordPlaces& places,
                             dataplane::EventStream& events)
    : events_(events), log_(places.log), writer_(settings_of(config), surroundings(config, places, events)) {
  for (std::size_t engine = 0; engine < events.engines(); ++engine)
    writer_.add_source({[&events, engine] { return events.take(engine); },
                        [&events, engine](std::unique_ptr<sip::EngineEvent> event) {
                          events.give_back(engine, std::move(event));
                        }});
}

Result<ReplayReport, std::string> RecordKeeping::begin(const std::set<std::uint64_t>& restored) {
  auto report = writer_.replay(restored);
  if (!report) return report;
  log_.write(LogLevel::Info, "records", "journal_read", "the records of the last run are taken up",
             {{"entries", report->entries},
              {"octets_dropped", report->bytes_dropped},
              {"calls_ended_by_restart", report->calls_ended},
              {"records_waiting", report->records_waiting},
              {"calls_restored", std::uint64_t{restored.size()}}});
  thread_ = std::make_unique<RecordThread>(
      writer_, RecordBell{[this](Duration longest) { static_cast<void>(events_.wait(longest)); },
                          [this](Duration time) { events_.rest(time); }, [this] { events_.wake(); }});
  return report;
}

void RecordKeeping::stop() {
  if (thread_ != nullptr) thread_->stop();
}

}  // namespace sallyport::mgmt
