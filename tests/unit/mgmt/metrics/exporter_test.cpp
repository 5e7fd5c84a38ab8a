// exporter_test.cpp — the names, types and labels of the contract; promtool as judge.
#include "mgmt/metrics/exporter.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "tests/unit/mgmt/fake_observation.h"

namespace sallyport::mgmt {
namespace {

using testing::HasSubstr;

class Fixed : public prometheus::Collectable {
 public:
  [[nodiscard]] std::vector<prometheus::MetricFamily> Collect() const override {
    return metric_families(fake_observation());
  }
};

std::string text() { return metrics_text(Fixed()); }

TEST(Exporter, ServesTheContractsNamesTypesAndLabels) {
  const std::map<std::string, std::set<std::string>> contract{
      {"sallyport_build_info", {"version", "dpdk"}},
      {"sallyport_calls_active", {"peer", "direction"}},
      {"sallyport_calls_limit", {"peer", "direction"}},
      {"sallyport_calls_total", {"peer", "direction", "result"}},
      {"sallyport_call_setup_seconds", {"peer", "direction"}},
      {"sallyport_call_duration_seconds", {"peer", "direction"}},
      {"sallyport_detections_total", {"detector", "action"}},
      {"sallyport_dialogs_active", {}},
      {"sallyport_registrations_active", {}},
      {"sallyport_alarms_active", {"name", "severity"}},
      {"sallyport_cdr_queue", {}},
      {"sallyport_certificate_expiry_timestamp_seconds", {"certificate"}},
      {"sallyport_sip_requests_total", {"realm", "direction", "method"}},
      {"sallyport_sip_responses_total", {"realm", "direction", "code"}},
      {"sallyport_sip_dropped_total", {"realm", "reason"}},
      {"sallyport_sip_retransmissions_total", {"realm", "reason"}},
      {"sallyport_transactions_active", {}},
      {"sallyport_dataplane_packets_total", {"port", "direction", "class"}},
      {"sallyport_dataplane_bytes_total", {"port", "direction", "class"}},
      {"sallyport_dataplane_dropped_total", {"port", "reason"}},
      {"sallyport_dataplane_busy_ratio", {"lcore"}},
      {"sallyport_dataplane_ring_used_ratio", {"ring"}},
      {"sallyport_dataplane_mbufs_free", {}},
      {"sallyport_media_streams_active", {"crypto"}},
      {"sallyport_media_packets_total", {"realm", "direction"}},
      {"sallyport_media_bytes_total", {"realm", "direction"}},
      {"sallyport_media_dropped_total", {"realm", "reason"}},
      {"sallyport_media_jitter_seconds", {"peer"}},
      {"sallyport_media_loss_ratio", {"peer"}},
      {"sallyport_media_mos", {"peer"}},
      {"sallyport_media_relay_seconds", {}},
      {"sallyport_peer_up", {"peer"}},
      {"sallyport_blocked_prefixes", {}},
      {"sallyport_config_last_reload_successful", {}},
      {"sallyport_config_last_reload_success_timestamp_seconds", {}},
      {"sallyport_rest_refused_total", {"reason"}}};
  const std::set<std::string> histograms{"sallyport_call_setup_seconds",
                                         "sallyport_call_duration_seconds",
                                         "sallyport_media_jitter_seconds",
                                         "sallyport_media_loss_ratio",
                                         "sallyport_media_mos",
                                         "sallyport_media_relay_seconds"};
  std::set<std::string> served;
  for (const auto& family : metric_families(fake_observation())) {
    served.insert(family.name);
    ASSERT_TRUE(contract.contains(family.name)) << family.name;
    EXPECT_FALSE(family.help.empty());
    const bool is_counter = family.name.ends_with("_total");
    const bool is_histogram = histograms.contains(family.name);
    EXPECT_EQ(family.type, is_counter     ? prometheus::MetricType::Counter
                           : is_histogram ? prometheus::MetricType::Histogram
                                          : prometheus::MetricType::Gauge)
        << family.name;
    ASSERT_FALSE(family.metric.empty()) << family.name;
    for (const auto& metric : family.metric) {
      std::set<std::string> labels;
      for (const auto& label : metric.label) labels.insert(label.name);
      EXPECT_EQ(labels, contract.at(family.name)) << family.name;
    }
  }
  EXPECT_EQ(served.size(), contract.size());
}

TEST(Exporter, CountsOfTheCollectorAreThereWhenItIsConfigured) {
  Observation seen = fake_observation();
  EXPECT_EQ(text().find("hep_"), std::string::npos);
  seen.hep = {7, 2};
  std::map<std::string, double> found;
  for (const prometheus::MetricFamily& family : metric_families(seen))
    if (family.name.starts_with("sallyport_hep_")) found[family.name] = family.metric.at(0).counter.value;
  EXPECT_EQ(found, (std::map<std::string, double>{{"sallyport_hep_sent_total", 7},
                                                  {"sallyport_hep_dropped_total", 2}}));
}

TEST(Exporter, PhonesOfARegistrarHaveCallsButAreNeitherUpNorDown) {
  Observation seen = fake_observation();
  seen.are_registrars = {true};
  std::size_t up = 0, active = 0;
  for (const prometheus::MetricFamily& family : metric_families(seen)) {
    if (family.name == "sallyport_peer_up") up += family.metric.size();
    if (family.name == "sallyport_calls_active") active += family.metric.size();
  }
  EXPECT_EQ(up, 0u);
  EXPECT_EQ(active, 2u);
}

TEST(Exporter, ShowsTheValues) {
  const std::string served = text();
  for (const char* const line :
       {"sallyport_sip_requests_total{realm=\"outside\",direction=\"in\",method=\"OPTIONS\"} 12\n",
        "sallyport_sip_responses_total{realm=\"outside\",direction=\"out\",code=\"200\"} 11\n",
        "sallyport_sip_responses_total{realm=\"outside\",direction=\"out\",code=\"4xx\"} 1\n",
        "sallyport_sip_dropped_total{realm=\"outside\",reason=\"stranger\"} 5\n",
        "sallyport_sip_retransmissions_total{realm=\"outside\",reason=\"received\"} 2\n",
        "sallyport_transactions_active 4\n",
        "sallyport_dialogs_active 8\n",
        "sallyport_registrations_active 12\n",
        "sallyport_cdr_queue 17\n",
        "sallyport_certificate_expiry_timestamp_seconds{certificate=\"edge\"} 1800000000\n",
        "sallyport_calls_active{peer=\"carrier\",direction=\"in\"} 3\n",
        "sallyport_peer_up{peer=\"carrier\"} 0\n",
        "sallyport_calls_limit{peer=\"carrier\",direction=\"out\"} 100\n",
        "sallyport_calls_total{peer=\"carrier\",direction=\"in\",result=\"busy\"} 2\n",
        "sallyport_calls_total{peer=\"-\",direction=\"out\",result=\"no_answer\"} 0\n",
        "sallyport_call_setup_seconds_bucket{peer=\"carrier\",direction=\"in\",le=\"0.25\"} 1\n",
        "sallyport_call_setup_seconds_bucket{peer=\"carrier\",direction=\"in\",le=\"10\"} 3\n",
        "sallyport_call_setup_seconds_bucket{peer=\"carrier\",direction=\"in\",le=\"+Inf\"} 4\n",
        "sallyport_call_setup_seconds_sum{peer=\"carrier\",direction=\"in\"} 36.5\n",
        "sallyport_call_setup_seconds_count{peer=\"carrier\",direction=\"in\"} 4\n",
        "sallyport_detections_total{detector=\"forged_request\",action=\"reject\"} 5\n",
        "sallyport_alarms_active{name=\"journal_slow\",severity=\"major\"} 1\n",
        "sallyport_dataplane_packets_total{port=\"outside\",direction=\"in\",class=\"signalling\"} 1234\n",
        "sallyport_dataplane_bytes_total{port=\"outside\",direction=\"out\",class=\"exception\"} 420\n",
        "sallyport_dataplane_dropped_total{port=\"outside\",reason=\"no_listener\"} 3\n",
        "sallyport_dataplane_dropped_total{port=\"outside\",reason=\"runt_frame\"} 0\n",
        "sallyport_dataplane_busy_ratio{lcore=\"2\"} 0.95\n",
        "sallyport_dataplane_ring_used_ratio{ring=\"shard-0\"} 0.25\n",
        "sallyport_dataplane_ring_used_ratio{ring=\"empty\"} 0\n",
        "sallyport_dataplane_mbufs_free 8000\n",
        "sallyport_media_streams_active{crypto=\"none\"} 1\n",
        "sallyport_media_streams_active{crypto=\"sdes\"} 1\n",
        "sallyport_media_streams_active{crypto=\"dtls\"} 0\n",
        "sallyport_media_packets_total{realm=\"outside\",direction=\"in\"} 5000\n",
        "sallyport_media_bytes_total{realm=\"outside\",direction=\"out\"} 980000\n",
        "sallyport_media_dropped_total{realm=\"outside\",reason=\"foreign_source\"} 13\n",
        "sallyport_media_dropped_total{realm=\"inside\",reason=\"policed_realm\"} 0\n",
        "sallyport_media_jitter_seconds_bucket{peer=\"carrier\",le=\"0.01\"} 3\n",
        "sallyport_media_jitter_seconds_bucket{peer=\"carrier\",le=\"+Inf\"} 4\n",
        "sallyport_media_jitter_seconds_sum{peer=\"carrier\"} 0.021\n",
        "sallyport_media_loss_ratio_bucket{peer=\"carrier\",le=\"0\"} 3\n",
        "sallyport_media_loss_ratio_bucket{peer=\"carrier\",le=\"0.03\"} 4\n",
        "sallyport_media_mos_bucket{peer=\"carrier\",le=\"4.3\"} 1\n",
        "sallyport_media_mos_sum{peer=\"carrier\"} 16.5\n",
        "sallyport_media_mos_count{peer=\"-\"} 0\n",
        "sallyport_media_relay_seconds_bucket{le=\"2e-06\"} 8\n",
        "sallyport_media_relay_seconds_count 10\n",
        "sallyport_config_last_reload_successful 1\n",
        "sallyport_config_last_reload_success_timestamp_seconds 1700000000\n",
        "sallyport_rest_refused_total{reason=\"role\"} 3\n",
        "dpdk=\"22.11.11\""})
    EXPECT_THAT(served, HasSubstr(line));
}

TEST(Exporter, NoSeriesComesTwice) {
  std::set<std::string> seen;
  std::istringstream lines(text());
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("#")) continue;
    EXPECT_TRUE(seen.insert(line.substr(0, line.rfind(' '))).second) << line;
  }
  EXPECT_GT(seen.size(), 100u);
}

TEST(Exporter, LabelsOfOneRealmAndPortAreFew) {
  std::size_t series = 0;
  for (const auto& family : metric_families(fake_observation())) series += family.metric.size();
  EXPECT_LT(series, 400u);
}

std::size_t series_with(std::size_t peers) {
  Observation seen = fake_observation();
  seen.plane.peers.resize(peers + 1);
  seen.media_quality.resize(peers + 1);
  seen.peer_names.clear();
  for (std::size_t peer = 0; peer <= peers; ++peer) seen.peer_names.push_back(std::to_string(peer));
  for (auto& realm : seen.plane.realms)
    for (auto& codes : realm.responses) codes.fill(1);
  seen.peers_up.assign(peers, true);
  seen.alarms.resize(kAlarmKinds.size());
  std::size_t series = 0;
  for (const auto& family : metric_families(seen))
    for (const auto& metric : family.metric)
      series += family.type == prometheus::MetricType::Histogram ? metric.histogram.bucket.size() + 2 : 1;
  return series;
}

// The more peers there are, the fewer bounds their histograms show.
TEST(Exporter, UpToAHundredPeersHaveFewerThanFiveThousandSeries) {
  for (std::size_t peers = 1; peers <= 100; ++peers) EXPECT_LT(series_with(peers), 5000u) << peers;
  EXPECT_GT(series_with(100), 4000u);
  // What the observation above lacks: rings, TCP and TLS, a collector, signatures that matched.
  EXPECT_LT(series_with(100), 4900u);
}

// The judge that operators use; part of the package `prometheus`, which the test tier has.
TEST(Exporter, PromtoolHasNothingToSay) {
  ASSERT_EQ(std::system("command -v promtool > /dev/null"), 0) << "no promtool: mgmt/install-packages test";
  std::string name = testing::TempDir() + "sallyport-metrics-" + std::string(6, 'X');
  ::close(::mkstemp(name.data()));
  std::ofstream(name) << text();
  std::FILE* const judge = ::popen(("promtool check metrics < " + name + " 2>&1").c_str(), "r");
  ASSERT_NE(judge, nullptr);
  std::string said;
  for (int c = 0; (c = std::fgetc(judge)) != EOF;) said += static_cast<char>(c);
  EXPECT_EQ(::pclose(judge), 0);
  EXPECT_EQ(said, "");
  std::filesystem::remove(name);
}

// Compares with the contract's table where that is present beside the repository.
TEST(Exporter, EveryNameIsInTheContract) {
  std::ifstream file(std::filesystem::path(SALLYPORT_SOURCE_DIR) / "../shared/contract/interfaces.md");
  if (!file) GTEST_SKIP() << "the contract is not present";
  std::ostringstream contract;
  contract << file.rdbuf();
  // Beside the contract's names: one of Prometheus' own convention, and what came with the tokens of REST.
  const std::set<std::string> further{"config_last_reload_success_timestamp_seconds", "rest_refused_total"};
  for (const auto& family : metric_families(fake_observation())) {
    const std::string name = family.name.substr(std::string("sallyport_").size());
    if (further.contains(name)) continue;
    EXPECT_THAT(contract.str(), HasSubstr("`" + name + "`"));
  }
}

}  // namespace
}  // namespace sallyport::mgmt
