// The link: its paths, and who may come in.
#include "mirror/link.hpp"

#include <cerrno>
#include <optional>
#include <utility>
#include <zmq.hpp>

#include "base/limits.hpp"
#include "mirror/link_path.hpp"
#include "mirror/zap.hpp"

namespace tandem::mirror {

namespace {

Status wrong_keys(const std::string& own_public_key, const std::vector<std::string>& peer_public_keys) {
  if (peer_public_keys.empty()) return Error{"mirror.peer_public_key is missing"};
  for (const std::string& key : peer_public_keys) {
    if (key == own_public_key) {
      return Error{"mirror.peer_public_key is this node's own key: put the other node's public key there"};
    }
    if (key.size() != own_public_key.size()) return Error{"mirror.peer_public_key is not a key (40 characters)"};
  }
  return {};
}

class ZmqLink final : public Link {
 public:
  explicit ZmqLink(const LinkOptions& options) : context_(1) {
    dials_ = options.own.public_key < options.peer_public_keys.front();
    const bool dials = dials_;
    try {
      if (!dials) guard_ = std::make_unique<ZapGuard>(context_, options.peer_public_keys);
      for (std::size_t i = 0; i < options.listen.size(); ++i) {
        if (dials)
          paths_.push_back(make_dialing_path(context_, options, i));
        else
          paths_.push_back(make_bound_path(context_, options, i));
      }
    } catch (...) {
      end();
      throw;
    }
  }

  ~ZmqLink() override { end(); }

  std::size_t paths() const override { return paths_.size(); }

  std::vector<int> fds() const override {
    std::vector<int> fds;
    for (const auto& path : paths_) {
      fds.push_back(path->fd());
      if (const std::optional<int> other = path->other_fd()) fds.push_back(*other);
    }
    return fds;
  }

  void drain(const std::function<void(std::size_t, ByteView)>& take) override {
    for (std::size_t i = 0; i < paths_.size(); ++i) {
      try {
        paths_[i]->look_after();
        paths_[i]->drain([&](ByteView frame) { take(i, frame); });
      } catch (const zmq::error_t&) {
        // Tried again at the next call; a path that does not work shows by missing heartbeats.
      }
    }
  }

  bool send(std::size_t path, ByteView head, ByteView body) override {
    if (path >= paths_.size() || head.size() + body.size() > limits::max_frame_bytes) return false;
    try {
      return paths_[path]->send(head, body);
    } catch (const zmq::error_t& error) {
      if (error.num() == EHOSTUNREACH) paths_[path]->caller_is_gone();
      return false;
    }
  }

  std::vector<std::string> troubles() const override {
    std::vector<std::string> troubles;
    for (const auto& path : paths_) {
      if (!path->trouble().empty()) troubles.push_back(path->trouble());
    }
    if (guard_) {
      if (std::string refused = guard_->trouble(); !refused.empty()) troubles.push_back(std::move(refused));
    }
    return troubles;
  }

  Status change_keys(const KeyPair& own, const std::vector<std::string>& peer_public_keys) override {
    if (Status wrong = wrong_keys(own.public_key, peer_public_keys); !wrong.ok()) return wrong;
    for (const std::string& peer : peer_public_keys) {
      if ((own.public_key < peer) == dials_) continue;
      return Error{
          "the new mirror key would turn around which box dials: make another one with 'tandemctl keygen --next'"};
    }
    if (guard_) guard_->allow(peer_public_keys);
    for (const auto& path : paths_) {
      try {
        path->change_keys(own, peer_public_keys);
      } catch (const zmq::error_t& error) {
        return Error{std::string("a mirror path does not take the new keys: ") + error.what() + "; restart tandemd"};
      }
    }
    return {};
  }

 private:
  // Sockets first (what is queued may still go out for a moment), then the ZAP thread, then the context.
  void end() {
    for (const auto& path : paths_) {
      try {
        path->end(path->connected());
      } catch (const zmq::error_t&) {
        continue;  // closed without lingering
      }
    }
    paths_.clear();
    context_.shutdown();
    guard_.reset();
    context_.close();
  }

  zmq::context_t context_;
  std::unique_ptr<ZapGuard> guard_;
  std::vector<std::unique_ptr<Path>> paths_;
  bool dials_ = false;
};

}  // namespace

Result<std::unique_ptr<Link>> open_link(const LinkOptions& options) {
  if (Status wrong = wrong_keys(options.own.public_key, options.peer_public_keys); !wrong.ok()) return wrong.error();
  if (options.listen.empty() || options.listen.size() != options.peer.size()) {
    return Error{"mirror.listen and mirror.peer must have the same number of addresses (one or two)"};
  }
  try {
    return std::unique_ptr<Link>(std::make_unique<ZmqLink>(options));
  } catch (const zmq::error_t& error) {
    return Error{std::string("the mirror link cannot be opened: ") + error.what()};
  }
}

}  // namespace tandem::mirror
