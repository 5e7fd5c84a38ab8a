// certificate_watch_test.cpp — a certificate that is about to expire is an alarm until another has its place.
#include "mgmt/daemon/certificate_watch.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>

namespace sallyport::mgmt {
namespace {

class FakeContexts final : public dataplane::TlsContexts {
 public:
  std::unique_ptr<dataplane::TlsSession> accept_on(ListenerIndex) override { return nullptr; }
  std::unique_ptr<dataplane::TlsSession> connect_to(PeerIndex, std::string_view) override { return nullptr; }
  std::vector<std::string> refresh() override {
    if (++looks == 1) looked.set_value();
    return {};
  }
  Result<void, std::string> prepare(const SbcConfig&) override { return {}; }
  void take_effect() noexcept override {}
  void rotate_tickets(Timestamp now) override { rotated = now; }
  std::vector<dataplane::CertificateExpiry> expiries() const override { return certificates; }

  std::vector<dataplane::CertificateExpiry> certificates;
  std::atomic<int> looks = 0;
  std::promise<void> looked;
  Timestamp rotated{};
};

class CertificateWatchTest : public testing::Test {
 protected:
  static constexpr std::int64_t kNow = 1'700'000'000, kDay = 86400;
  static WallTime wall() { return WallTime(std::chrono::seconds(kNow)); }

  FakeContexts contexts_;
  EventLog log_{LogConfig{}, ::open("/dev/null", O_WRONLY | O_CLOEXEC), true, wall};
  AlarmRegistry alarms_{log_, wall};
  CertificateWatch watch_{{contexts_, alarms_, log_, wall, [] { return Timestamp(1s); }}};
};

TEST_F(CertificateWatchTest, AlarmIsUpFromWarnBeforeUntilTheCertificateIsRenewed) {
  contexts_.certificates = {{"edge", kNow + 22 * kDay, std::chrono::hours(21 * 24)}};
  watch_.look(Timestamp(1s));
  EXPECT_TRUE(alarms_.active().empty());
  EXPECT_EQ(contexts_.rotated, Timestamp(1s));
  contexts_.certificates[0].not_after = kNow + 20 * kDay;
  watch_.look(Timestamp(11s));
  watch_.look(Timestamp(21s));
  ASSERT_EQ(alarms_.active().size(), 1u);
  EXPECT_EQ(alarms_.active()[0].name, "certificate_expires");
  EXPECT_EQ(alarms_.active()[0].subject, "edge");
  EXPECT_EQ(alarms_.active()[0].detail, "expires in 20 days");
  EXPECT_EQ(alarms_.active()[0].count, 1u);
  contexts_.certificates[0].not_after = kNow + 90 * kDay;
  watch_.look(Timestamp(31s));
  EXPECT_TRUE(alarms_.active().empty());
}

TEST_F(CertificateWatchTest, ExpiredCertificateIsAnAlarmUntilItIsNamedNoMore) {
  contexts_.certificates = {{"edge", kNow - 5, std::chrono::hours(1)}};
  watch_.look(Timestamp(1s));
  ASSERT_EQ(alarms_.active().size(), 1u);
  EXPECT_EQ(alarms_.active()[0].detail, "has expired");
  contexts_.certificates.clear();
  watch_.look(Timestamp(11s));
  EXPECT_TRUE(alarms_.active().empty());
}

TEST_F(CertificateWatchTest, ThreadLooksAtOnceAndEndsAtOnce) {
  watch_.start();
  ASSERT_EQ(contexts_.looked.get_future().wait_for(20s), std::future_status::ready);
}  // the destructor does not wait for the next look

}  // namespace
}  // namespace sallyport::mgmt
