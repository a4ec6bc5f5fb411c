// Which of some addresses this box holds, told by the kernel (rtnetlink) as it changes. Needs no capability.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace tandem::vip {

class AddressWatch {
 public:
  // IPv4 or IPv6, without prefix. On return what the box holds is known. Error: no netlink; what to do.
  static Result<std::unique_ptr<AddressWatch>> open(const std::vector<std::string>& addresses);
  ~AddressWatch();
  AddressWatch(const AddressWatch&) = delete;
  AddressWatch& operator=(const AddressWatch&) = delete;

  int fd() const { return fd_; }  // readable: read() has something to do
  // Takes what the kernel has told since. True: one of the addresses came to this box meanwhile (it may be gone again).
  // Messages that were lost (ENOBUFS) are made up for by asking for everything anew.
  bool read();
  bool here() const { return !held_.empty(); }  // any of the addresses, on any interface

 private:
  using Bytes = std::array<unsigned char, 16>;
  struct Address {
    unsigned char family;
    Bytes bytes;
  };
  using Held = std::set<std::pair<std::size_t, unsigned>>;  // (which address, interface)

  explicit AddressWatch(int fd) : fd_(fd) {}
  bool known() const { return !asked_ && !ask_again_; }
  void ask_for_all();
  void take(const unsigned char* data, std::size_t size);
  void take_address(bool added, const unsigned char* message, std::size_t size);
  void take_end(bool usable);

  int fd_;
  std::vector<Address> addresses_;
  Held held_;
  // While the answer to ask_for_all() is read: what it and the changes since make. Both come in order of time.
  Held fresh_;
  bool asked_ = false;
  bool ask_again_ = false;
  bool interrupted_ = false;  // addresses changed while the kernel put the answer together
  bool came_ = false;
  std::uint32_t sequence_ = 0;  // of the question
};

}  // namespace tandem::vip
