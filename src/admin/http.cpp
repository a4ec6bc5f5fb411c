#include "admin/http.hpp"

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_static_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <chrono>
#include <utility>

#include "admin/few_clients.hpp"
#include "admin/http_token.hpp"

namespace tandem::admin {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

constexpr int backlog = 16;

Page plain(unsigned code, std::string text) {
  return {code, "text/plain; charset=utf-8", std::move(text)};
}

// Not HTTP; everything else is the end of the connection, or of its time.
bool is_malformed(const error_code& error) {
  return error != http::error::end_of_stream &&
         error.category() == make_error_code(http::error::end_of_stream).category();
}

// What all requests pass.
struct Door {
  Http::Handler handler;
  std::string token;  // empty: none is asked for
};

// One request, one response, then the end of the connection; all of it within the time that there is.
class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(tcp::socket socket, std::shared_ptr<const Door> door) : stream_(std::move(socket)), door_(std::move(door)) {}

  void start(std::chrono::milliseconds timeout) {
    stream_.expires_after(timeout);
    parser_.header_limit(limits::http_request_bytes);
    // A body is never looked at: Beast's parser of chunks aborts on some.
    http::async_read_header(stream_, buffer_, parser_,
                            [self = shared_from_this()](const error_code& error, std::size_t) { self->take(error); });
  }
  void close() { stream_.close(); }

 private:
  void take(const error_code& error) {
    if (!stream_.socket().is_open()) return;
    const bool body = !error && (parser_.chunked() || parser_.content_length().value_or(0) > 0);
    if (body) return answer(plain(413, "a request here has no body\n"));
    if (!error) return answer(page_of(parser_.get()));
    if (error == http::error::header_limit || error == http::error::buffer_overflow)
      return answer(plain(431, "the request is too large\n"));
    if (!is_malformed(error)) return close();
    answer(plain(400, "this is no HTTP request\n"));
  }

  Page page_of(const http::request<http::empty_body>& request) {
    head_ = request.method() == http::verb::head;
    if (!head_ && request.method() != http::verb::get) return plain(405, "only GET and HEAD\n");
    const std::string_view target(request.target().data(), request.target().size());
    const auto given = request[http::field::authorization];
    const bool trusted = door_->token.empty() || carries_token({given.data(), given.size()}, door_->token);
    std::optional<Page> page = door_->handler(target.substr(0, target.find('?')), trusted);
    return page ? std::move(*page) : plain(404, "no such page\n");
  }

  void answer(Page page) {
    if (!stream_.socket().is_open()) return;  // the handler closed the server
    response_.version(11);
    response_.keep_alive(false);
    response_.result(page.code);
    response_.set(http::field::content_type, page.type);
    response_.set(http::field::cache_control, "no-store");
    if (page.code == 401) response_.set(http::field::www_authenticate, "Bearer");
    if (page.code == 405) response_.set(http::field::allow, "GET, HEAD");
    response_.content_length(page.body.size());
    if (!head_) response_.body() = std::move(page.body);
    http::async_write(stream_, response_, [self = shared_from_this()](const error_code& error, std::size_t) {
      if (error) return self->close();
      error_code ignored;
      self->stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
      self->drain();
    });
  }

  // What the client still sends is read before the close: unread, it would make the kernel take the response back.
  void drain() {
    stream_.async_read_some(asio::buffer(rest_), [self = shared_from_this()](const error_code& error, std::size_t) {
      error ? self->close() : self->drain();
    });
  }

  beast::tcp_stream stream_;
  const std::shared_ptr<const Door> door_;
  beast::flat_static_buffer<limits::http_request_bytes> buffer_;
  http::request_parser<http::empty_body> parser_;
  http::response<http::string_body> response_;
  std::array<char, 1024> rest_{};
  bool head_ = false;
};

}  // namespace

struct Http::Impl {
  Impl(asio::io_context& loop, HttpOptions options_, Handler handler_)
      : options(std::move(options_)),
        door(std::make_shared<Door>(Door{std::move(handler_), {}})),
        clients(std::make_shared<FewClients<tcp, Exchange>>(
            loop, limits::http_connections,
            [door_ = door, timeout = std::chrono::milliseconds(options.timeout_ms)](tcp::socket socket) {
              auto exchange = std::make_shared<Exchange>(std::move(socket), door_);
              exchange->start(timeout);
              return exchange;
            })) {}

  error_code listen() {
    tcp::acceptor& acceptor = clients->acceptor;
    error_code error;
    const asio::ip::address parsed = asio::ip::make_address(options.address, error);
    if (error) return error;
    const tcp::endpoint endpoint(parsed, options.port);
    if (acceptor.open(endpoint.protocol(), error); error) return error;
    acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (acceptor.bind(endpoint, error); error) return error;
    acceptor.listen(backlog, error);
    return error;
  }

  const HttpOptions options;
  const std::shared_ptr<Door> door;
  const std::shared_ptr<FewClients<tcp, Exchange>> clients;
};

Http::Http(asio::io_context& loop, HttpOptions options, Handler handler)
    : impl_(std::make_unique<Impl>(loop, std::move(options), std::move(handler))) {}

Http::~Http() {
  close();
}

void Http::ask_token(std::string token) {
  impl_->door->token = std::move(token);
}

Status Http::open() {
  if (impl_->clients->acceptor.is_open()) return {};
  if (const error_code error = impl_->listen(); error) {
    error_code ignored;
    impl_->clients->acceptor.close(ignored);
    return Error{"HTTP cannot be served on " + impl_->options.address + " port " + std::to_string(impl_->options.port) +
                 ": " + error.message() + "; see who has the port, or change http.port"};
  }
  impl_->clients->accept();
  return {};
}

void Http::close() {
  if (impl_->clients->acceptor.is_open()) impl_->clients->close();
}

std::uint16_t Http::port() const {
  error_code ignored;
  return impl_->clients->acceptor.local_endpoint(ignored).port();
}

}  // namespace tandem::admin
