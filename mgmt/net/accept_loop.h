// accept_loop.h — what the servers of the management thread share: accepting, the open connections, closing.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <set>
#include <utility>

namespace sallyport::mgmt {

// A server's State derives from it and is held by a shared_ptr, which each pending operation keeps. A
// Connection is made from (socket, shared_ptr<State>), begins with read_next(), ends with close(), and tells
// with enter() and leave() how long it lives.
template <typename State, typename Connection, typename Protocol>
class AcceptLoop : public std::enable_shared_from_this<State> {
 public:
  using ErrorCode = boost::system::error_code;

  AcceptLoop(boost::asio::io_context& loop, std::size_t connections_max)
      : acceptor_(loop), pause_(loop), connections_max_(connections_max) {}
  AcceptLoop(const AcceptLoop&) = delete;
  AcceptLoop& operator=(const AcceptLoop&) = delete;

  // To be opened, bound and made to listen before the first accept_next().
  [[nodiscard]] typename Protocol::acceptor& acceptor() noexcept { return acceptor_; }
  [[nodiscard]] bool is_closed() const noexcept { return is_closed_; }
  void enter(Connection& connection) { connections_.insert(&connection); }
  void leave(Connection& connection) noexcept { connections_.erase(&connection); }
  [[nodiscard]] const std::set<Connection*>& connections() const noexcept { return connections_; }

  void accept_next() {
    acceptor_.async_accept(
        [self = this->shared_from_this()](ErrorCode error, typename Protocol::socket socket) {
          if (!self->is_closed_) self->on_accepted(error, std::move(socket));
        });
  }

  // Of the listener and all connections.
  void close() {
    is_closed_ = true;
    ErrorCode ignored;
    acceptor_.close(ignored);
    pause_.cancel();
    const std::set<Connection*> open_now = connections_;
    for (Connection* connection : open_now) connection->close();
  }

 private:
  void on_accepted(ErrorCode error, typename Protocol::socket socket) {
    if (error) {  // out of descriptors, most likely: trying again at once would only spin
      pause_.expires_after(std::chrono::milliseconds(200));
      pause_.async_wait([self = this->shared_from_this()](ErrorCode) {
        if (!self->is_closed_) self->accept_next();
      });
      return;
    }
    if (connections_.size() < connections_max_ || finds_room())
      std::make_shared<Connection>(std::move(socket), this->shared_from_this())->read_next();
    accept_next();  // one too many is closed at once
  }

  // A State that has make_room() may let another one go.
  [[nodiscard]] bool finds_room() {
    if constexpr (requires(State& state) { state.make_room(); })
      return static_cast<State&>(*this).make_room();
    return false;
  }

  typename Protocol::acceptor acceptor_;
  boost::asio::steady_timer pause_;  // between attempts to accept when there are no descriptors left
  std::size_t connections_max_;
  std::set<Connection*> connections_;
  bool is_closed_ = false;
};

}  // namespace sallyport::mgmt
