// loop_thread.h — runs an event loop on a thread of its own while a test talks to what it serves.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <future>
#include <thread>
#include <type_traits>

namespace sallyport::mgmt {

class LoopThread {
 public:
  LoopThread() : guard_(loop_.get_executor()), thread_([this] { loop_.run(); }) {}
  ~LoopThread() {
    guard_.reset();
    loop_.stop();
    thread_.join();
  }
  LoopThread(const LoopThread&) = delete;
  LoopThread& operator=(const LoopThread&) = delete;

  [[nodiscard]] boost::asio::io_context& loop() { return loop_; }
  // Runs `work` on the loop's thread and waits for it.
  template <class Work>
  auto on_loop(Work work) {
    using Value = decltype(work());
    std::promise<Value> done;
    boost::asio::post(loop_, [&work, &done] {
      if constexpr (std::is_void_v<Value>) {
        work();
        done.set_value();
      } else {
        done.set_value(work());
      }
    });
    return done.get_future().get();
  }

 private:
  boost::asio::io_context loop_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_;
  std::thread thread_;
};

}  // namespace sallyport::mgmt
